package bitcoin

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"parley/dialect"
	"parley/dialect/bitcoin/internal/sum"
	"parley/fault"
)

const (
	headerSize = 24       // magic, command, length, checksum
	maxPayload = 32 << 20 // what a header may announce at all, soter.md section 2
)

// Checksum returns the first four bytes of the double SHA-256 of a payload, as
// they are in a header, least significant first. It may be called from any
// goroutine.
func Checksum(payload []byte) uint32 { return sum.Of(payload) }

// Checksums is Checksum of two payloads. Where the processor has instructions for
// it, it takes hardly longer than one. It may be called from any goroutine.
func Checksums(p, q []byte) (uint32, uint32) { return sum.OfTwo(p, q) }

// encoder writes the messages of one link.
type encoder struct {
	p   *Params
	net uint32

	// ahead are the checksums of the messages that are said to come next.
	ahead [2]summed
}

// summed is a body whose checksum is known.
type summed struct {
	body *byte // nil for none
	size int
	sum  uint32
}

// is reports whether s is about a body.
func (s *summed) is(body []byte) bool {
	return s.body != nil && len(body) == s.size && &body[0] == s.body
}

// Pair implements [dialect.Pairer]. If p was the second message the last time, as of
// those that fill a batch each, its sum is known.
func (e *encoder) Pair(p, q dialect.Message) {
	if e.ahead[0].is(p.Body) {
		return
	}
	e.ahead = [2]summed{}
	if len(p.Body) == 0 || len(q.Body) == 0 || p.Type == TypeOther || q.Type == TypeOther {
		return
	}
	a, b := Checksums(p.Body, q.Body)
	e.ahead = [2]summed{{&p.Body[0], len(p.Body), a}, {&q.Body[0], len(q.Body), b}}
}

// known returns what is known of a body, and forgets it, since it may change from now
// on. If it is not the one that was said to come, everything is forgotten.
func (e *encoder) known(body []byte) summed {
	next := e.ahead[0]
	e.ahead[0], e.ahead[1] = e.ahead[1], summed{}
	if !next.is(body) {
		next, e.ahead = summed{}, [2]summed{}
	}
	return next
}

// Append implements [dialect.Encoder].
func (e *encoder) Append(dst []byte, m dialect.Message) ([]byte, error) {
	out, _, err := e.Frame(dst, m)
	if err != nil {
		return dst, err
	}
	return append(out, m.Body...), nil
}

// Frame implements [dialect.Framer]: the header, and no tail.
func (e *encoder) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	limit, known := e.p.limit(m.Type), e.known(m.Body)
	if limit == none {
		return dst, 0, local("message type %d is no command of this network", m.Type)
	}
	if m.Type == TypeOther {
		name, _, err := SplitOther(m)
		if err == nil && e.p.limit(TypeOf(name)) != none && TypeOf(name) != TypeOther {
			err = local("%s has a type of its own", name)
		}
		if err != nil {
			return dst, 0, err
		}
		return binary.LittleEndian.AppendUint32(dst, e.net), 0, nil
	}
	c := &commands[m.Type]
	if len(m.Body) > limit {
		return dst, 0, local("%s: %d bytes, limit %d", c.name, len(m.Body), limit)
	}
	if known.body == nil {
		known.sum = Checksum(m.Body)
	}
	name := pad(c.name)
	dst = binary.LittleEndian.AppendUint32(dst, e.net)
	dst = append(dst, name[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.Body)))
	return binary.LittleEndian.AppendUint32(dst, known.sum), 0, nil
}

// Other makes a message of a command that the network has no number for; the
// encoder refuses others. It is an error if the name is not one to twelve bytes of
// text, or if the payload has more than 4,000,000 bytes.
func Other(name string, payload []byte) (m dialect.Message, err error) {
	p := pad(name)
	if text, ok := p.text(); !ok || text != name {
		return m, local("command %.20q is not one to %d bytes of text", name, commandSize)
	}
	if len(payload) > maxOther {
		return m, local("%s: %d bytes, limit %d", name, len(payload), maxOther)
	}
	b := make([]byte, 0, headerSize-4+len(payload))
	b = append(b, p[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, Checksum(payload))
	return dialect.Message{Type: TypeOther, For: app, Body: append(b, payload...)}, nil
}

// SplitOther returns the command and the payload of a message of TypeOther; the
// payload aliases the body. It is an error if the body is no such frame.
func SplitOther(m dialect.Message) (name string, payload []byte, err error) {
	const head = headerSize - 4
	if m.Type != TypeOther || len(m.Body) < head || len(m.Body)-head > maxOther {
		return "", nil, local("type %d with %d bytes is no frame of another command", m.Type, len(m.Body))
	}
	p := padded(m.Body)
	name, ok := p.text()
	payload = m.Body[head:]
	switch {
	case !ok:
		return "", nil, local("command %q is not text", p[:])
	case binary.LittleEndian.Uint32(m.Body[commandSize:]) != uint32(len(payload)):
		return "", nil, local("%s: the length does not agree with the payload", name)
	case binary.LittleEndian.Uint32(m.Body[commandSize+4:]) != Checksum(payload):
		return "", nil, local("%s: the checksum does not agree with the payload", name)
	}
	return name, payload, nil
}

// header is what the first 24 bytes of a message say.
type header struct {
	typ  uint32
	name padded
	size int // of the payload
	sum  uint32
}

// parse reads a header and decides everything that it can decide: magic, command,
// and whether a payload of that size may follow.
func (h *header) parse(b []byte, p *Params, net uint32) error {
	magic := binary.LittleEndian.Uint32(b)
	h.name = padded(b[4:])
	size := binary.LittleEndian.Uint32(b[16:])
	h.sum = binary.LittleEndian.Uint32(b[20:])
	h.size = int(min(size, maxPayload+1))
	if magic != net {
		return fmt.Errorf("magic %08x, ours is %08x", magic, net)
	}
	h.typ = h.name.typ()
	if p.limit(h.typ) == none {
		h.typ = TypeOther
	}
	name, ok := "", true
	if h.typ == TypeOther {
		name, ok = h.name.text()
	}
	limit := p.limit(h.typ)
	switch {
	case !ok:
		return fmt.Errorf("command %q is not text", bytes.TrimRight(h.name[:], "\x00"))
	case limit == none:
		return fmt.Errorf("unknown command %q", name)
	case h.size > limit:
		return fmt.Errorf("%s: %d bytes, limit %d", bytes.TrimRight(h.name[:], "\x00"), size, limit)
	}
	return nil
}

// check compares the checksum of a payload with the header's.
func (h *header) check(sum uint32) error {
	if sum != h.sum {
		return fmt.Errorf("%s: checksum %08x, the header says %08x", bytes.TrimRight(h.name[:], "\x00"), sum, h.sum)
	}
	return nil
}

func local(format string, args ...any) error {
	return fault.New(fault.Local, "encode", fmt.Errorf(format, args...))
}

func protocol(op, format string, args ...any) error {
	return fault.New(fault.Protocol, op, fmt.Errorf(format, args...))
}
