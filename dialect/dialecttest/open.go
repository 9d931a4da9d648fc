package dialecttest

import (
	"bytes"
	"fmt"

	"parley/dialect"
	"parley/fault"
)

// first returns what a link writes right after its exchange: its prelude and a
// message.
func (s *suite) first(p *party) []byte {
	b := bytes.Clone(p.link.Prelude)
	b, err := p.link.Encoder.Append(b, s.message(31))
	if err != nil {
		s.Errorf("the first message: %v", err)
	}
	return b
}

// met complains unless both sides opened, asked Admit once, agree on each other
// and left what followed the exchange unread.
func (s *suite) met(ps [2]*party, how string) bool {
	s.Helper()
	if !s.opened(ps, how) {
		return false
	}
	ok := true
	for role, p := range ps {
		peer := ps[1-role]
		if len(p.admits) != 1 {
			s.Errorf("%s%s calls Admit %d times, want once", how, roles[role], len(p.admits))
			ok = false
		}
		if want := s.opts.NoExchange || p.took == len(peer.sent); !want {
			s.Errorf("%s%s read %d bytes of an exchange of %d", how, roles[role], p.took, len(peer.sent))
			ok = false
		}
	}
	return ok && s.agreed(ps, how)
}

// agreed complains about what one side says of the other that is not so.
func (s *suite) agreed(ps [2]*party, how string) bool {
	s.Helper()
	ok := true
	for role, p := range ps {
		in, self := p.link.Intro, s.opening(1-role).Self
		if in.Nonce != 0 && in.Nonce != self.Nonce {
			s.Errorf("%s%s takes the nonce %#x for %#x", how, roles[role], self.Nonce, in.Nonce)
			ok = false
		}
		if in.Listen.Port != 0 && in.Listen.Port != self.Listen.Port && !s.opts.NoExchange {
			s.Errorf("%s%s takes the port %d for %d", how, roles[role], self.Listen.Port, in.Listen.Port)
			ok = false
		}
	}
	if d, l := ps[dialer].link.Intro.Version, ps[listener].link.Intro.Version; d != l {
		s.Errorf("%sthe dialer speaks version %d, the listener %d", how, d, l)
		ok = false
	}
	return ok
}

func (s *suite) opens() {
	ps := s.play(scene{trail: s.first})
	if !s.met(ps, "") {
		return
	}
	if s.opts.NoExchange {
		return
	}
	for role, p := range ps {
		if len(p.sent) == 0 {
			s.Errorf("%s says nothing; declare NoExchange if that is so", roles[role])
		}
	}
}

// The bytes of a long exchange that are tried one by one: all at both ends, and
// some in between. A long one is a sealed one, in which the bytes of a record are
// all alike and each try costs the work of a handshake.
const (
	longExchange = 1000
	tryFirst     = 200
	tryLast      = 50
	tryEvery     = 23 // divides no length that a record is likely to have
)

// places returns the numbers below n that are worth trying.
func places(n int) (ks []int) {
	for k := 0; k < n; k++ {
		if n > longExchange && k > tryFirst && k < n-tryLast && k%tryEvery != 0 {
			continue
		}
		ks = append(ks, k)
	}
	return ks
}

// opensInPieces cuts the stream after every byte, and once at every place.
func (s *suite) opensInPieces() {
	long := 0
	for _, p := range s.play(scene{}) {
		long = max(long, len(p.sent))
	}
	if !s.met(s.play(scene{cut: single, trail: s.first}), "byte by byte: ") {
		return
	}
	for _, k := range places(long + 1)[1:] {
		if !s.met(s.play(scene{cut: splitAt(k), trail: s.first}), fmt.Sprintf("cut at byte %d: ", k)) {
			return
		}
	}
}

// opensAlike plays the same scene twice.
func (s *suite) opensAlike() {
	a, b := s.play(scene{}), s.play(scene{})
	if !s.opened(a, "") || !s.opened(b, "again: ") {
		return
	}
	for role := range roles {
		if !bytes.Equal(a[role].sent, b[role].sent) {
			s.Errorf("%s writes other bytes the second time:\n% x\n% x", roles[role], a[role].sent, b[role].sent)
		}
		if x, y := bare(a[role].link.Intro), bare(b[role].link.Intro); x != y {
			s.Errorf("%s understands the same bytes differently: %+v and %+v", roles[role], x, y)
		}
	}
}

// bare returns what can be compared of an introduction.
func bare(in dialect.Intro) dialect.Intro {
	in.Info = nil
	return in
}

// heard returns what each side read in an ordinary exchange.
func (s *suite) heard() (heard [2][]byte, ok bool) {
	s.Helper()
	ps := s.play(scene{})
	if !s.opened(ps, "") {
		return heard, false
	}
	for role, p := range ps {
		heard[role] = ps[1-role].sent[:min(p.took, len(ps[1-role].sent))]
	}
	return heard, true
}

// failsTruncated ends the stream at every place.
func (s *suite) failsTruncated() {
	heard, ok := s.heard()
	if !ok {
		return
	}
	for role := range roles {
		for _, k := range places(len(heard[role])) {
			p := s.party(role, scene{})
			replay(p, heard[role][:k])
			s.failed(p, fmt.Sprintf("%s whose peer leaves after byte %d", roles[role], k), fault.IO, fault.Protocol)
		}
	}
}

// failsToWrite lets the connection break at every place of what is written.
func (s *suite) failsToWrite() {
	heard, ok := s.heard()
	if !ok {
		return
	}
	ps := s.play(scene{})
	for role := range roles {
		for _, k := range places(len(ps[role].sent)) {
			p := s.party(role, scene{})
			p.room = k
			replay(p, heard[role])
			s.failed(p, fmt.Sprintf("%s who can write %d bytes", roles[role], k), fault.IO)
		}
	}
}
