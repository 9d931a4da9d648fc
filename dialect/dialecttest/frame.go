package dialecttest

import (
	"bytes"
	"slices"

	"parley/dialect"
)

// framesAlike compares Frame with Append, and checks that links which claim to
// share their encoding do.
func (s *suite) framesAlike() {
	a, ok1 := s.links()
	b, ok2 := s.links()
	if !ok1 || !ok2 {
		return
	}
	for role := range roles {
		for _, m := range s.messages() {
			want, err := a[role].Encoder.Append(nil, m)
			if err != nil {
				s.Errorf("append: %d bytes: %v", len(m.Body), err)
				return
			}
			if f, ok := b[role].Encoder.(dialect.Framer); ok {
				s.frames(f, m, want)
			}
		}
	}
	if x := a[dialer].Shared; x != "" && x == a[listener].Shared {
		s.shares(b)
	}
}

func (s *suite) frames(f dialect.Framer, m dialect.Message, want []byte) {
	out, tail, err := f.Frame([]byte("dst"), m)
	if err != nil || tail < 0 || len(out)-3 < tail || string(out[:3]) != "dst" {
		s.Errorf("frame: %d bytes: % x with a tail of %d and error %v", len(m.Body), out, tail, err)
		return
	}
	cut := len(out) - tail
	if got := slices.Concat(out[3:cut], m.Body, out[cut:]); !bytes.Equal(got, want) {
		s.Errorf("frame: %d bytes: differs from what Append writes", len(m.Body))
	}
}

// shares takes links of which one side's Encoder may have been used by frames;
// sharing is for encoders without state.
func (s *suite) shares(ls [2]*dialect.Link) {
	for _, m := range s.messages() {
		x, err1 := ls[dialer].Encoder.Append(nil, m)
		y, err2 := ls[listener].Encoder.Append(nil, m)
		if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
			s.Errorf("%d bytes differ on two links that share the encoding %q", len(m.Body), ls[dialer].Shared)
		}
	}
}

// packsAll puts every message and packs until nothing is left.
func (s *suite) packsAll() {
	s.both(func(how string, from, to *dialect.Link) {
		p, ok := from.Encoder.(dialect.Packer)
		if !ok {
			return
		}
		ms := s.messages()
		for _, m := range ms {
			if err := p.Put(m); err != nil {
				s.Errorf("%sput: type %d with %d bytes: %v", how, m.Type, len(m.Body), err)
				return
			}
		}
		buf, more, err := bytes.Clone(from.Prelude), true, error(nil)
		for calls := 0; more && err == nil; calls++ {
			if calls > 1e5 {
				s.Errorf("%spack: never done", how)
				return
			}
			buf, more, err = p.Pack(buf, 1<<10)
		}
		got, rest, derr := decode(to.Decoder, buf)
		if err != nil || derr != nil || len(rest) > 0 {
			s.Errorf("%spack: errors %v and %v with %d bytes left", how, err, derr, len(rest))
		}
		bySize := func(a, b dialect.Message) int { return len(a.Body) - len(b.Body) }
		slices.SortStableFunc(got, bySize)
		s.sameMessages(how, got, ms)
	})
}
