package dialecttest

import (
	"bytes"
	"fmt"

	"parley/dialect"
)

// wire is a stream of messages in wire form.
type wire struct {
	bytes []byte
	ends  []int // where each message ends; the prelude belongs to the first
}

// encode writes messages as one link would, or complains.
func (s *suite) encode(l *dialect.Link, ms []dialect.Message) (w wire, ok bool) {
	s.Helper()
	w.bytes = bytes.Clone(l.Prelude)
	for _, m := range ms {
		before := bytes.Clone(w.bytes)
		out, err := l.Encoder.Append(w.bytes, m)
		if err != nil {
			s.Errorf("append: type %d with %d bytes: %v", m.Type, len(m.Body), err)
			return w, false
		}
		if !bytes.HasPrefix(out, before) || len(out) == len(before) {
			s.Errorf("append: type %d with %d bytes does not append", m.Type, len(m.Body))
			return w, false
		}
		w.bytes, w.ends = out, append(w.ends, len(out))
	}
	return w, true
}

// decode cuts buf into messages, clones of what the decoder returned.
func decode(d dialect.Decoder, buf []byte) (ms []dialect.Message, rest []byte, err error) {
	for len(buf) > 0 {
		m, n, err := d.Next(buf)
		switch {
		case err != nil:
			return ms, buf, err
		case n > len(buf):
			return ms, buf, nil
		case n <= 0:
			return ms, buf, fmt.Errorf("took %d bytes of %d", n, len(buf))
		}
		if buf = buf[n:]; m.For != 0 {
			ms = append(ms, m.Clone())
		}
	}
	return ms, buf, nil
}

// both runs f for each direction of fresh links.
func (s *suite) both(f func(how string, from, to *dialect.Link)) {
	for role := range roles {
		ls, ok := s.links()
		if !ok {
			return
		}
		f(fmt.Sprintf("%s to %s: ", roles[role], roles[1-role]), ls[role], ls[1-role])
	}
}

// sameMessages complains unless got are want, all for the application.
func (s *suite) sameMessages(how string, got, want []dialect.Message) {
	s.Helper()
	if len(got) != len(want) {
		s.Errorf("%s%d messages became %d", how, len(want), len(got))
		return
	}
	for i, m := range got {
		switch {
		case m.Type != want[i].Type || !bytes.Equal(m.Body, want[i].Body):
			s.Errorf("%stype %d with %d bytes became type %d with %d other bytes",
				how, want[i].Type, len(want[i].Body), m.Type, len(m.Body))
		case m.For&dialect.ToApp == 0:
			s.Errorf("%stype %d is not for the application", how, m.Type)
		}
	}
}

// roundTrips decodes what the peer encoded, all at once.
func (s *suite) roundTrips() {
	ms := s.messages()
	if len(ms) == 0 {
		s.Errorf("no size of body is allowed")
	}
	s.both(func(how string, from, to *dialect.Link) {
		w, ok := s.encode(from, ms)
		if !ok {
			return
		}
		got, rest, err := decode(to.Decoder, w.bytes)
		if err != nil || len(rest) > 0 {
			s.Errorf("%s%d bytes are left with error %v", how, len(rest), err)
		}
		s.sameMessages(how, got, ms)
	})
}

// small is up to which length messages are decoded byte by byte.
const small = 4 << 10

// decodesInPieces lets each message grow in the buffer: byte by byte if it is
// small, and otherwise as far as the decoder asks.
func (s *suite) decodesInPieces() {
	ms := s.messages()
	s.both(func(how string, from, to *dialect.Link) {
		w, ok := s.encode(from, ms)
		if !ok {
			return
		}
		var got []dialect.Message
		start := 0
		for _, end := range w.ends {
			m, err := grow(to.Decoder, w.bytes[start:end])
			if err != nil {
				s.Errorf("%s%v", how, err)
				return
			}
			got, start = append(got, m...), end
		}
		s.sameMessages(how, got, ms)
	})
}

// grow feeds the bytes of one message, which may come as several units. It
// returns what they hold, or what the decoder did wrong.
func grow(d dialect.Decoder, b []byte) (ms []dialect.Message, err error) {
	have := 0 // bytes of b in the buffer
	for len(b) > 0 {
		m, n, err := d.Next(b[:have])
		switch {
		case err != nil:
			return ms, fmt.Errorf("with %d of %d bytes: %w", have, len(b), err)
		case n <= 0 || n > len(b):
			return ms, fmt.Errorf("with %d of %d bytes: asks for %d", have, len(b), n)
		case n > have && m.For != 0:
			return ms, fmt.Errorf("with %d of %d bytes: a message that takes %d", have, len(b), n)
		case n > have && len(b) <= small:
			have++
		case n > have:
			have = n
		default:
			if m.For != 0 {
				ms = append(ms, m.Clone())
			}
			b, have = b[n:], have-n
		}
	}
	return ms, nil
}
