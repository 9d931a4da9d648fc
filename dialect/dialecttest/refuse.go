package dialecttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// survivesDamage changes the byte at every place of an exchange, and then tries noise. What
// comes of it is the dialect's business, but it must end.
func (s *suite) survivesDamage() {
	heard, ok := s.heard()
	if !ok {
		return
	}
	for role := range roles {
		for _, i := range places(len(heard[role])) {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				b := slices.Clone(heard[role])
				b[i] ^= mask
				s.survives(role, b, fmt.Sprintf("byte %d changed by %#02x", i, mask))
			}
		}
		for seed := range uint64(256) {
			s.survives(role, noise(seed), fmt.Sprintf("noise of seed %d", seed))
		}
	}
}

// noise returns up to 2 KiB of random bytes.
func noise(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0x401))
	b := make([]byte, r.IntN(2048))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (s *suite) survives(role int, heard []byte, how string) {
	s.Helper()
	p := s.party(role, scene{})
	replay(p, heard)
	if p.err != nil {
		s.failed(p, roles[role]+" with "+how)
	} else if p.link == nil {
		s.Errorf("%s with %s: neither a link nor an error", roles[role], how)
	}
}

// refuses lets each side's Admit turn the other away.
func (s *suite) refuses() {
	full := &dialect.Refusal{Reason: "full", Offer: []addr.Addr{
		{IP: netip.MustParseAddr("192.0.2.77"), Port: 8110},
		{IP: netip.MustParseAddr("2001:db8::77"), Port: 8111},
		{Host: "other.example", Port: 8112},
	}}
	stopped := errors.New("the node stops")
	for role := range roles {
		var sc scene
		sc.admit[role] = full
		s.honored(s.play(sc), role, full)
		sc.admit[role] = stopped
		if p := s.play(sc)[role]; !errors.Is(p.err, stopped) {
			s.Errorf("%s: Admit fails with %q, and Open ends with %v", roles[role], stopped, p.err)
		}
	}
}

// honored complains unless the refusal of one side was the end for both.
func (s *suite) honored(ps [2]*party, role int, full *dialect.Refusal) {
	p, peer := ps[role], ps[1-role]
	s.failed(p, roles[role]+" who refuses", fault.Refused)
	if r, ok := errors.AsType[*dialect.Refusal](p.err); !ok || r != full {
		s.Errorf("%s ends with %v, want its own refusal", roles[role], p.err)
	}
	if len(p.admits) != 1 {
		s.Errorf("%s who refuses called Admit %d times, want once", roles[role], len(p.admits))
	}
	if s.opts.NoExchange || role == dialer && peer.err == nil {
		return // who answers a dialer last cannot know that it will be refused
	}
	s.failed(peer, roles[1-role]+" who is refused")
	if s.opts.NoOffers || role == dialer {
		return
	}
	r, ok := errors.AsType[*dialect.Refusal](peer.err)
	switch {
	case !ok || fault.KindOf(peer.err) != fault.Refused:
		s.Errorf("the refused dialer ends with %v of kind %v, want a refusal", peer.err, fault.KindOf(peer.err))
	case !slices.Equal(r.Offer, full.Offer):
		s.Errorf("the refused dialer is offered %v, want %v", r.Offer, full.Offer)
	}
}

// tellsNetworks lets the two sides be on different networks.
func (s *suite) tellsNetworks() {
	if s.opts.NoNetwork || s.opts.NoExchange {
		return
	}
	ps := s.play(scene{edit: func(role int, o *dialect.Opening) { o.Self.Network += uint32(role) }})
	known := false
	for role, p := range ps {
		s.failed(p, roles[role]+" on another network")
		known = known || isOneOf(fault.KindOf(p.err), []fault.Kind{fault.Protocol, fault.Refused})
	}
	if !known {
		s.Errorf("neither side says what is wrong: %v and %v", ps[dialer].err, ps[listener].err)
	}
}

// knowsItself connects a node to itself.
func (s *suite) knowsItself() {
	if s.opts.NoSelf || s.opts.NoExchange {
		return
	}
	ps := s.play(scene{edit: func(_ int, o *dialect.Opening) {
		o.Self, o.Key = s.opening(dialer).Self, s.opening(dialer).Key
	}})
	for role, p := range ps {
		s.failed(p, roles[role]+" who meets itself")
	}
	if !errors.Is(ps[dialer].err, dialect.ErrSelf) && !errors.Is(ps[listener].err, dialect.ErrSelf) {
		s.Errorf("neither side says that it met itself: %v and %v", ps[dialer].err, ps[listener].err)
	}
}
