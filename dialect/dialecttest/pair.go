package dialecttest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// The two sides of an exchange.
const (
	dialer = iota
	listener
)

var roles = [2]string{"dialer", "listener"}

// epoch is when everything in the suite begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

// scene is how an exchange is staged. Its zero value is an ordinary one.
type scene struct {
	cut   cut                                // nil for whole
	admit [2]error                           // what each side's Admit answers
	edit  func(role int, o *dialect.Opening) // nil to change nothing
	trail func(p *party) []byte              // nil for nothing
}

// opening returns what one side knows and uses.
func (s *suite) opening(role int) dialect.Opening {
	seed := [32]byte{0: byte(role), 1: 0x5e}
	o := dialect.Opening{
		Dialing: role == dialer,
		Remote:  addr.Addr{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(2 - role)}), Port: uint16(40000 + role)},
		Self: dialect.Self{
			Network: 0x5eed,
			Nonce:   0x1122334455667700 + uint64(role),
			ID:      fmt.Sprintf("node-%d", role),
			Listen:  addr.Addr{Port: uint16(8108 + role)},
			Agent:   "dialecttest",
		},
		Now:  epoch,
		Rand: rand.NewChaCha8(seed),
	}
	if s.opts.Prepare != nil {
		s.opts.Prepare(&o)
	}
	return o
}

func (s *suite) party(role int, sc scene) *party {
	o := s.opening(role)
	if sc.edit != nil {
		sc.edit(role, &o)
	}
	p := newParty(s.d, o, sc.admit[role])
	p.trail = sc.trail
	return p
}

// play stages an exchange of both sides.
func (s *suite) play(sc scene) [2]*party {
	ps := [2]*party{s.party(dialer, sc), s.party(listener, sc)}
	c := sc.cut
	if c == nil {
		c = whole
	}
	converse(ps[dialer], ps[listener], c)
	return ps
}

// links returns a fresh pair of links, or complains.
func (s *suite) links() (ls [2]*dialect.Link, ok bool) {
	s.Helper()
	ps := s.play(scene{})
	if !s.opened(ps, "") {
		return ls, false
	}
	return [2]*dialect.Link{ps[dialer].link, ps[listener].link}, true
}

// opened complains unless both sides opened.
func (s *suite) opened(ps [2]*party, how string) bool {
	s.Helper()
	ok := true
	for role, p := range ps {
		switch {
		case p.hung:
			s.Errorf("%s%s waits for bytes that never come", how, roles[role])
		case p.err != nil:
			s.Errorf("%s%s ends with %v", how, roles[role], p.err)
		case p.link == nil || p.link.Decoder == nil || p.link.Encoder == nil:
			s.Errorf("%s%s has no complete link and no error", how, roles[role])
		default:
			continue
		}
		ok = false
	}
	return ok
}

// failed complains unless p ended with an error and without a link, and not by
// panicking or waiting forever. It names kinds that err must have one of.
func (s *suite) failed(p *party, how string, kinds ...fault.Kind) {
	s.Helper()
	_, isPanic := p.err.(panicked)
	switch {
	case isPanic:
		s.Errorf("%s: %v", how, p.err)
	case p.err == nil:
		s.Errorf("%s: opened", how)
	case p.link != nil:
		s.Errorf("%s: a link besides the error %v", how, p.err)
	case len(kinds) > 0 && !isOneOf(fault.KindOf(p.err), kinds):
		s.Errorf("%s: %v of kind %v, want one of %v", how, p.err, fault.KindOf(p.err), kinds)
	case len(p.admits) > 1:
		s.Errorf("%s: Admit called %d times", how, len(p.admits))
	}
}

func isOneOf(k fault.Kind, kinds []fault.Kind) bool {
	for _, x := range kinds {
		if k == x {
			return true
		}
	}
	return false
}
