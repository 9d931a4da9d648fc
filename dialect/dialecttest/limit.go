package dialecttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"parley/dialect"
	"parley/fault"
)

// limits tries messages that may not be sent: an unknown type, a body too small,
// and one byte more than allowed.
func (s *suite) limits() {
	s.both(func(how string, from, to *dialect.Link) {
		strange := s.message(31)
		strange.Type = 0xffff_fffe
		s.encodesOrKeeps(how, from.Encoder, strange)
		strange = s.message(31)
		strange.Body = nil
		s.encodesOrKeeps(how, from.Encoder, strange)
	})
	if s.opts.MaxBody == 0 {
		return
	}
	s.both(func(how string, from, to *dialect.Link) {
		most := s.message(s.opts.MaxBody)
		if w, ok := s.encode(from, []dialect.Message{most}); ok {
			got, _, err := decode(to.Decoder, w.bytes)
			if err != nil {
				s.Errorf("%s%d bytes, the most that is allowed: %v", how, s.opts.MaxBody, err)
			}
			s.sameMessages(how, got, []dialect.Message{most})
		}
		if s.encodesOrKeeps(how, from.Encoder, s.message(s.opts.MaxBody+1)) {
			s.Errorf("%s%d bytes, one too many, are encoded", how, s.opts.MaxBody+1)
		}
	})
}

// encodesOrKeeps appends m, which the encoder may refuse, and reports whether it
// took it. If it refuses, what was there must be as it was, and we are to blame.
func (s *suite) encodesOrKeeps(how string, e dialect.Encoder, m dialect.Message) bool {
	s.Helper()
	out, err := e.Append([]byte("dst"), m)
	if err == nil {
		return true
	}
	if string(out) != "dst" {
		s.Errorf("%stype %d with %d bytes is refused, and leaves %d bytes, want what was there", how, m.Type, len(m.Body), len(out))
	}
	if k := fault.KindOf(err); k != fault.Local {
		s.Errorf("%sour own message of type %d with %d bytes is a fault of kind %v, want local", how, m.Type, len(m.Body), k)
	}
	return false
}

// encodesAlike encodes the same messages on two links opened alike.
func (s *suite) encodesAlike() {
	a, ok1 := s.links()
	b, ok2 := s.links()
	if !ok1 || !ok2 {
		return
	}
	for role := range roles {
		x, ok1 := s.encode(a[role], s.messages())
		y, ok2 := s.encode(b[role], s.messages())
		if ok1 && ok2 && !bytes.Equal(x.bytes, y.bytes) {
			s.Errorf("%s encodes the same messages differently", roles[role])
		}
	}
}

// decodesDamaged decodes streams with one bit flipped, and noise. Errors are
// fine, but they must be the peer's fault, and the decoder must move on or ask.
func (s *suite) decodesDamaged() {
	ls, ok := s.links()
	if !ok {
		return
	}
	w, ok := s.encode(ls[dialer], []dialect.Message{s.message(1), s.message(31), s.message(1000)})
	if !ok {
		return
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range min(len(w.bytes), 600) {
		b := bytes.Clone(w.bytes)
		b[i] ^= 1 << r.IntN(8)
		s.digests(b, fmt.Sprintf("a bit of byte %d flipped", i))
	}
	for seed := range uint64(200) {
		s.digests(noise(seed), fmt.Sprintf("noise of seed %d", seed))
	}
}

func (s *suite) digests(b []byte, how string) {
	s.Helper()
	ls, ok := s.links()
	if !ok {
		return
	}
	_, _, err := decode(ls[listener].Decoder, b)
	if k := fault.KindOf(err); err != nil && k != fault.Protocol && k != fault.Abuse && k != fault.Refused {
		s.Errorf("%s: %v of kind %v, want protocol, abuse or refused", how, err, k)
	}
}
