package dialecttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"parley/dialect"
	"parley/fault"
)

// limits tries one byte more than may be sent.
func (s *suite) limits() {
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
		out, err := from.Encoder.Append([]byte("dst"), s.message(s.opts.MaxBody+1))
		if err == nil || string(out) != "dst" {
			s.Errorf("%s%d bytes, one too many, give %d bytes and error %v; want what was there and an error",
				how, s.opts.MaxBody+1, len(out), err)
		}
		if err != nil && fault.KindOf(err) != fault.Local {
			s.Errorf("%sour own message over the limit is a fault of kind %v, want local", how, fault.KindOf(err))
		}
	})
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
	if k := fault.KindOf(err); err != nil && k != fault.Protocol && k != fault.Abuse {
		s.Errorf("%s: %v of kind %v, want protocol", how, err, k)
	}
}
