package dialecttest

import (
	"bufio"
	"errors"
	"io"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// admitting returns a dialect whose Admit is changed.
func admitting(f func(admit func(dialect.Intro) error) func(dialect.Intro) error) broken {
	return broken{before: func(rw io.ReadWriter, o *dialect.Opening) io.ReadWriter {
		o.Admit = f(o.Admit)
		return rw
	}}
}

// opening returns a dialect that changes what it knows.
func opening(f func(o *dialect.Opening)) broken {
	return broken{before: func(rw io.ReadWriter, o *dialect.Opening) io.ReadWriter {
		f(o)
		return rw
	}}
}

// after returns a dialect that changes what comes out of Open.
func after(f func(rw io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error)) broken {
	return broken{after: f}
}

type readWriter struct {
	io.Reader
	io.Writer
}

// greedy gives up when a read does not fill its buffer.
type greedy struct{ r io.Reader }

func (g greedy) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	if n < len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// forgetful returns a dialect that never introduces itself alike.
func forgetful() broken {
	n := uint64(0)
	return opening(func(o *dialect.Opening) {
		n++
		o.Self.Nonce = n
	})
}

var openFaults = []planted{
	{"open", "of an exchange of 15", broken{before: func(rw io.ReadWriter, _ *dialect.Opening) io.ReadWriter {
		return readWriter{bufio.NewReader(rw), rw}
	}}},
	{"open", "calls Admit 2 times", admitting(func(admit func(dialect.Intro) error) func(dialect.Intro) error {
		return func(in dialect.Intro) error { admit(in); return admit(in) }
	})},
	{"open", "calls Admit 0 times", admitting(func(func(dialect.Intro) error) func(dialect.Intro) error {
		return func(dialect.Intro) error { return nil }
	})},
	{"open", "waits for bytes that never come", after(func(rw io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		_, more := rw.Read(make([]byte, 1))
		return l, errors.Join(err, more)
	})},
	{"open", "the nonce", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		l.Intro.Nonce++
		return l, err
	})},
	{"open", "the port", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		l.Intro.Listen.Port++
		return l, err
	})},
	{"open/cut", "byte by byte", broken{before: func(rw io.ReadWriter, _ *dialect.Opening) io.ReadWriter {
		return readWriter{greedy{rw}, rw}
	}}},
	{"open/repeatable", "writes other bytes", forgetful()},
	{"open/truncated", "opened", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if l == nil {
			l = &dialect.Link{}
		}
		return l, nil
	})},
	{"open/truncated", "reads on after the end", after(func(rw io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		for err != nil {
			_, err = rw.Read(make([]byte, 1))
		}
		return l, err
	})},
	{"open/truncated", "of kind local", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if err != nil {
			err = errOdd
		}
		return l, err
	})},
	{"open/write-fails", "opened", broken{before: func(rw io.ReadWriter, _ *dialect.Opening) io.ReadWriter { return deaf{rw} }}},
	{"open/damaged", "panic: odd", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if errors.Is(err, fault.Protocol) {
			panic(errOdd)
		}
		return l, err
	})},
	{"open/damaged", "neither a link nor an error", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		return l, nil
	})},
	{"open/network", "opened", opening(func(o *dialect.Opening) { o.Self.Network = 1 })},
	{"open/network", "neither side says what is wrong", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if err != nil {
			err = io.EOF
		}
		return l, err
	})},
	{"open/self", "opened", opening(func(o *dialect.Opening) {
		if o.Dialing {
			o.Self.Nonce++
		}
	})},
	{"open/self", "neither side says that it met itself", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if err != nil {
			err = io.EOF
		}
		return l, err
	})},
}

var refusalFaults = []planted{
	{"open/refused", "listener who refuses: opened", admitting(func(admit func(dialect.Intro) error) func(dialect.Intro) error {
		return func(in dialect.Intro) error { admit(in); return nil }
	})},
	{"open/refused", "want its own refusal", admitting(func(admit func(dialect.Intro) error) func(dialect.Intro) error {
		return func(in dialect.Intro) error {
			if admit(in) != nil {
				return &dialect.Refusal{Reason: "another"}
			}
			return nil
		}
	})},
	{"open/refused", "is offered []", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if r, ok := errors.AsType[*dialect.Refusal](err); ok && r.Reason == "full" {
			err = fault.New(fault.Refused, "open", &dialect.Refusal{})
		}
		return l, err
	})},
	{"open/refused", "want a refusal", after(func(_ io.ReadWriter, l *dialect.Link, err error) (*dialect.Link, error) {
		if err != nil {
			err = io.EOF
		}
		return l, err
	})},
}

func TestFindsFaultsInOpen(t *testing.T)    { finds(t, openFaults) }
func TestFindsIgnoredRefusals(t *testing.T) { finds(t, refusalFaults) }

// Of an exchange of ordinary length every byte is tried; of a long one both ends,
// and bytes in between.
func TestPlaces(t *testing.T) {
	if ks := places(longExchange); len(ks) != longExchange || ks[0] != 0 || ks[longExchange-1] != longExchange-1 {
		t.Errorf("%d places of %d", len(ks), longExchange)
	}
	const n = 3000
	ks := places(n)
	if len(ks) < tryFirst+tryLast+50 || len(ks) > n/4 || ks[tryFirst] != tryFirst || ks[len(ks)-tryLast] != n-tryLast {
		t.Errorf("%d places of %d, from %d to %d", len(ks), n, ks[0], ks[len(ks)-1])
	}
	if len(places(0)) != 0 {
		t.Error("places in nothing")
	}
}
