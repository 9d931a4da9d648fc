package main

import (
	"errors"
	"io"
	"log"

	"github.com/hashicorp/memberlist"
)

// counter is what a member does with messages.
type counter struct{ got func() }

func (c counter) NodeMeta(int) []byte             { return nil }
func (c counter) NotifyMsg([]byte)                { c.got() }
func (c counter) GetBroadcasts(int, int) [][]byte { return nil }
func (c counter) LocalState(bool) []byte          { return nil }
func (c counter) MergeRemoteState([]byte, bool)   {}

// members is two of memberlist; a reliable message takes a connection of its own,
// so there is a limit to what the ports of this machine are enough for.
func members() (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.close, p.most = e.close, 1000
	start := func(name string) (*memberlist.Memberlist, error) {
		cfg := memberlist.DefaultLocalConfig()
		cfg.Name, cfg.BindAddr, cfg.BindPort, cfg.AdvertisePort = name, "127.0.0.1", 0, 0
		cfg.Delegate = counter{func() { p.got.Add(1) }}
		cfg.Logger = log.New(io.Discard, "", 0)
		m, err := memberlist.Create(cfg)
		if err == nil {
			e.closes = append(e.closes, m.Shutdown)
		}
		return m, err
	}
	out, err1 := start("out")
	in, err2 := start("in")
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.Join(err, e.close())
	}
	msg, to := body(), in.LocalNode()
	if _, err := out.Join([]string{to.Address()}); err != nil {
		return nil, errors.Join(err, e.close())
	}
	p.send = func() error { return out.SendReliable(to, msg) }
	return p, nil
}
