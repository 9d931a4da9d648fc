package dialecttest

import (
	"errors"
	"io"
	"time"

	"parley/dialect"
	"parley/dialect/toy"
	"parley/fault"
)

// broken is the toy dialect with something wrong in one place.
type broken struct {
	dialect.Dialect
	before func(rw io.ReadWriter, o *dialect.Opening) io.ReadWriter
	after  func(rw io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error)
	rules  func(r dialect.Rules) dialect.Rules
}

func newToy() dialect.Dialect { return toy.New(toy.Config{MaxBody: 100_000}) }

func (b broken) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	c := *o
	if b.before != nil {
		rw = b.before(rw, &c)
	}
	l, err := newToy().Open(rw, &c)
	if b.after != nil {
		l, err = b.after(rw, l, err)
	}
	return l, err
}

func (b broken) Rules(v dialect.View) dialect.Rules {
	r := newToy().Rules(v)
	if b.rules != nil {
		r = b.rules(r)
	}
	return r
}

func (broken) Name() string { return "broken" }

// codec wraps both halves of the toy codec.
type codec struct {
	dialect.Framer
	dialect.Decoder
	next   func(buf []byte, m dialect.Message, n int, err error) (dialect.Message, int, error)
	append func(dst []byte, out []byte, err error) ([]byte, error)
	frame  func(out []byte, tail int) ([]byte, int)
}

func (c codec) Next(buf []byte) (dialect.Message, int, error) {
	m, n, err := c.Decoder.Next(buf)
	if c.next != nil {
		return c.next(buf, m, n, err)
	}
	return m, n, err
}

func (c codec) Append(dst []byte, m dialect.Message) ([]byte, error) {
	out, err := c.Framer.Append(dst, m)
	if c.append != nil {
		return c.append(dst, out, err)
	}
	return out, err
}

func (c codec) Frame(dst []byte, m dialect.Message) ([]byte, int, error) {
	out, tail, err := c.Framer.Frame(dst, m)
	if c.frame != nil {
		out, tail = c.frame(out, tail)
	}
	return out, tail, err
}

// withCodec breaks the codec of every link.
func withCodec(c codec) broken {
	return broken{after: func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if err == nil {
			c := c
			c.Framer, c.Decoder = l.Encoder.(dialect.Framer), l.Decoder
			l.Encoder, l.Decoder = c, c
		}
		return l, err
	}}
}

// packer is a codec that sends what was put last first. It loses the messages
// whose number is lost, counted from 1.
type packer struct {
	codec
	queue []dialect.Message
	lost  int
}

func (p *packer) Put(m dialect.Message) error {
	p.queue = append(p.queue, m)
	return nil
}

func (p *packer) Pack(dst []byte, _ int) (out []byte, more bool, err error) {
	i := len(p.queue) - 1
	if i+1 != p.lost {
		dst, err = p.Append(dst, p.queue[i])
	}
	p.queue = p.queue[:i]
	return dst, i > 0, err
}

func withPacker(lost int) broken {
	b := withCodec(codec{})
	wrap := b.after
	b.after = func(rw io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if l, err = wrap(rw, l, err); err == nil {
			l.Encoder = &packer{codec: l.Encoder.(codec), lost: lost}
		}
		return l, err
	}
	return b
}

// rules wraps the toy rules and their sessions.
type rules struct {
	dialect.Rules
	handle  handler
	command func(out *dialect.Out)
	stuck   bool // Wake does not move Next
}

func withRules(r rules) broken {
	return broken{rules: func(inner dialect.Rules) dialect.Rules {
		r := r
		r.Rules = inner
		return r
	}}
}

func (r rules) Join(now time.Time, id dialect.LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	return session{r.Rules.Join(now, id, in, out), r, id}
}

func (r rules) Command(now time.Time, cmd any, out *dialect.Out) {
	if r.command != nil {
		r.command(out)
	}
}

type session struct {
	dialect.Session
	r  rules
	id dialect.LinkID
}

func (s session) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	s.Session.Handle(now, m, out)
	if s.r.handle != nil {
		s.r.handle(s.id, m, out)
	}
}

func (s session) Wake(now time.Time, out *dialect.Out) {
	if !s.r.stuck {
		s.Session.Wake(now, out)
	}
}

// deaf is a connection whose writes never fail.
type deaf struct{ io.ReadWriter }

func (d deaf) Write(b []byte) (int, error) {
	d.ReadWriter.Write(b)
	return len(b), nil
}

var errOdd = errors.New("odd")

// blame returns a fault of the given kind.
func blame(k fault.Kind) error { return fault.New(k, "test", errOdd) }
