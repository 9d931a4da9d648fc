package bitcoin

import (
	"io"
	"iter"
	"testing"

	"parley/dialect"
)

// side is one end of an exchange between two of our own. Its Open runs as a
// coroutine that gives control back when there is nothing to read.
type side struct {
	in, out []byte // delivered and not read; written and not delivered
	closed  bool   // nothing more will be delivered
	wait    func(struct{}) bool
	next    func() (struct{}, bool)
	done    bool

	link *dialect.Link
	err  error
}

func (s *side) Read(p []byte) (int, error) {
	for len(s.in) == 0 {
		if s.closed || !s.wait(struct{}{}) {
			return 0, io.EOF
		}
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *side) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	return len(p), nil
}

func newSide(d *Dialect, o *dialect.Opening) *side {
	s := &side{}
	s.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		s.wait = yield
		s.link, s.err = d.Open(s, o)
		s.done = true
	})
	return s
}

// deliver hands over what s wrote.
func (s *side) deliver(to *side) {
	to.in = append(to.in, s.out...)
	s.out = nil
	to.closed = to.closed || s.done && s.err != nil
}

// openPair opens a dialer and a listener against each other: with the first two
// configurations, or one for both.
func openPair(t testing.TB, cfg Config, edit func(*dialect.Opening), more ...Config) (d, l *side) {
	t.Helper()
	other := cfg
	if len(more) > 0 {
		other = more[0]
	}
	do, lo := opening(t, true, "10.0.0.2:8333", 1), opening(t, false, "10.0.0.1:50000", 2)
	if edit != nil {
		edit(do)
		edit(lo)
	}
	d, l = newSide(mustNew(t, cfg), do), newSide(mustNew(t, other), lo)
	for range 20 {
		for _, s := range []*side{d, l} {
			if !s.done {
				s.next()
			}
		}
		d.deliver(l)
		l.deliver(d)
	}
	if !d.done || !l.done {
		t.Fatal("the two wait for each other")
	}
	return d, l
}

func opening(t testing.TB, dialing bool, remote string, nonce uint64) *dialect.Opening {
	return &dialect.Opening{
		Dialing: dialing, Remote: mustAddr(t, remote), Now: start,
		Self:  dialect.Self{Nonce: nonce},
		Admit: func(dialect.Intro) error { return nil },
	}
}
