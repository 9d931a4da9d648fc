package node

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"parley/dialect"
	"parley/fault"
)

// plain is a dialect without an opening exchange or rules, for tests of the
// codec's side of a link: length, type, body, and a byte after it.
type plain struct {
	style   string // "append", "frame" or "pack"
	shared  string
	prelude string
	encodes *atomic.Int64 // calls of an encoder
}

func (plain) Name() string { return "plain" }

func (p plain) Open(_ io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	in := dialect.Intro{Version: 1}
	if err := o.Admit(in); err != nil {
		return nil, err
	}
	e := plainEncoder{p}
	l := &dialect.Link{Intro: in, Decoder: &plainDecoder{prelude: p.prelude}, Encoder: e, Prelude: []byte(p.prelude), Shared: p.shared}
	switch p.style {
	case "frame":
		l.Encoder = plainFramer{e}
	case "pack":
		l.Encoder = &plainPacker{plainEncoder: e}
	}
	return l, nil
}

func (plain) Rules(dialect.View) dialect.Rules { return idle{} }

// idle are rules that do nothing but note what the session is told.
type idle struct{}

func (idle) Join(_ time.Time, id dialect.LinkID, _ dialect.Intro, _ *dialect.Out) dialect.Session {
	return idleSession{id}
}
func (idle) Command(time.Time, any, *dialect.Out) {}
func (idle) Wake(time.Time, *dialect.Out)         {}
func (idle) Next() time.Time                      { return time.Time{} }

type idleSession struct{ id dialect.LinkID }

func (s idleSession) Handle(_ time.Time, m dialect.Message, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: "handled " + string(m.Body)})
}

func (s idleSession) Sent(_ time.Time, m dialect.Message, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: fmt.Sprintf("sent %d %q", m.Type, m.Body)})
}
func (idleSession) Wake(time.Time, *dialect.Out)  {}
func (idleSession) Next() time.Time               { return time.Time{} }
func (idleSession) Leave(time.Time, *dialect.Out) {}

const (
	plainHead = 5
	plainTail = 0xee
	plainMax  = 16 << 20

	// Types from here on are for the session.
	plainSession = 100
	// plainBad has no wire form.
	plainBad = 255
)

type plainDecoder struct{ prelude string }

func (d *plainDecoder) Next(buf []byte) (m dialect.Message, n int, err error) {
	if n := len(d.prelude); n > 0 {
		if len(buf) < n {
			return m, n, nil
		}
		if string(buf[:n]) != d.prelude {
			return m, 0, fmt.Errorf("prelude: %q", buf[:n])
		}
		d.prelude = ""
		return m, n, nil
	}
	if len(buf) < plainHead {
		return m, plainHead, nil
	}
	size := int(binary.BigEndian.Uint32(buf))
	if size > plainMax {
		return m, 0, fmt.Errorf("message: %d bytes, limit %d", size, plainMax)
	}
	n = plainHead + size + 1
	if len(buf) < n {
		return m, n, nil
	}
	if buf[n-1] != plainTail {
		return m, 0, fmt.Errorf("tail: %x", buf[n-1])
	}
	m = dialect.Message{Type: uint32(buf[4]), For: dialect.ToApp, Body: buf[plainHead : n-1 : n-1]}
	if m.Type >= plainSession {
		m.For = dialect.ToSession
	}
	return m, n, nil
}

type plainEncoder struct{ p plain }

func (e plainEncoder) Append(dst []byte, m dialect.Message) ([]byte, error) {
	if e.p.encodes != nil {
		e.p.encodes.Add(1)
	}
	if m.Type == plainBad {
		return dst, fault.New(fault.Local, "encode", fmt.Errorf("type: %d", m.Type))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Body)))
	dst = append(dst, byte(m.Type))
	dst = append(dst, m.Body...)
	return append(dst, plainTail), nil
}

type plainFramer struct{ plainEncoder }

func (e plainFramer) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if e.p.encodes != nil {
		e.p.encodes.Add(1)
	}
	if m.Type == plainBad {
		return dst, 0, fault.New(fault.Local, "encode", fmt.Errorf("type: %d", m.Type))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Body)))
	return append(dst, byte(m.Type), plainTail), 1, nil
}

// plainPacker sends messages of low type first.
type plainPacker struct {
	plainEncoder
	waiting [256][]dialect.Message
	rest    []byte // of the message under way
}

func (p *plainPacker) Put(m dialect.Message) error {
	if m.Type == plainBad {
		return fault.New(fault.Local, "encode", fmt.Errorf("type: %d", m.Type))
	}
	p.waiting[m.Type] = append(p.waiting[m.Type], m)
	return nil
}

func (p *plainPacker) Pack(dst []byte, limit int) (out []byte, more bool, err error) {
	for len(dst) < limit {
		if len(p.rest) == 0 && !p.next() {
			return dst, false, nil
		}
		k := min(len(p.rest), limit-len(dst))
		dst = append(dst, p.rest[:k]...)
		p.rest = p.rest[k:]
	}
	return dst, true, nil
}

func (p *plainPacker) next() bool {
	for i, q := range p.waiting {
		if len(q) > 0 {
			p.rest, _ = p.Append(nil, q[0])
			p.waiting[i] = q[1:]
			return true
		}
	}
	return false
}
