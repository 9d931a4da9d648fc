package config

import (
	"cmp"

	"parley/addr"
	"parley/core"
)

// Core returns the part of the settings that the brain of a node goes by. Here
// zero means none; there it means the default, and negative none.
func (s *Settings) Core() core.Config {
	c := core.Config{
		Outbound:  orNone(s.Outbound),
		Target:    s.Target,
		Total:     s.Max,
		Inbound:   orNone(s.Inbound),
		PerHost:   orNone(s.PerIP),
		PerGroup:  orNone(s.PerGroup),
		RoundTime: s.RoundTime,
		DropTo:    s.DropTo,
		BanTime:   s.BanTime,
		Always:    s.Special(),
		Only:      s.ExclusiveIn,
	}
	if s.Exclusive || s.ExclusiveIn || !s.EnableNet {
		c.Outbound, c.Target = -1, 0
	}
	if !s.EnableNet {
		c.Inbound, c.Always = -1, nil
	}
	return c
}

// Accept returns where to accept connections: nowhere without a network.
func (s *Settings) Accept() []addr.Addr {
	if !s.EnableNet {
		return nil
	}
	return s.Listen
}

func orNone(n int) int { return cmp.Or(n, -1) }
