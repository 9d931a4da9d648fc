package dialecttest

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"parley/dialect"
)

// party is one side of an opening exchange. Its Open runs as a coroutine: a Read
// that finds nothing hands control back, so the order of everything is fixed.
type party struct {
	in   []byte // delivered and not read yet
	eof  bool   // nothing more will be delivered
	ends int    // reads since then

	out  []byte // written and not delivered yet
	sent []byte // all that was ever written
	gone int    // bytes of sent that were delivered
	took int    // bytes read
	room int    // bytes that may still be written; negative for any number

	// trail returns bytes that follow the exchange at once, so that an Open
	// that reads too much gets them.
	trail func(p *party) []byte

	yield  func(struct{}) bool
	resume func() (struct{}, bool)
	stop   func()

	done   bool
	hung   bool // waited for bytes that never came
	link   *dialect.Link
	err    error
	admits []dialect.Intro
}

// errWrite is what writing fails with when a connection is made to fail.
var errWrite = fmt.Errorf("write: %w", io.ErrClosedPipe)

// maxEnds is how often Open may read again at the end of its stream before it
// counts as caught in a loop.
const maxEnds = 100

// newParty prepares one side. It does nothing until its first step.
func newParty(d dialect.Dialect, o dialect.Opening, admit error) *party {
	p := &party{room: -1}
	o.Admit = func(in dialect.Intro) error {
		p.admits = append(p.admits, in)
		return admit
	}
	p.resume, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		defer func() {
			if v := recover(); v != nil {
				p.err = panicked{v}
			}
			p.done = true
		}()
		p.link, p.err = d.Open(p, &o)
	})
	return p
}

// panicked is the error of an Open that panicked.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// step runs Open until it waits or is done.
func (p *party) step() {
	if p.done {
		return
	}
	p.resume()
	if p.done && p.err == nil && p.trail != nil {
		p.out = append(p.out, p.trail(p)...)
	}
}

// Read implements io.Reader for Open.
func (p *party) Read(b []byte) (int, error) {
	for len(p.in) == 0 {
		if p.eof {
			if p.ends++; p.ends > maxEnds {
				panic("reads on after the end of the stream")
			}
			return 0, io.EOF
		}
		if len(b) == 0 {
			return 0, nil
		}
		if !p.yield(struct{}{}) {
			p.eof = true
		}
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	p.took += n
	return n, nil
}

// Write implements io.Writer for Open. It never waits.
func (p *party) Write(b []byte) (int, error) {
	if p.room >= 0 && len(b) > p.room {
		n := p.room
		p.put(b[:n])
		p.room = 0
		return n, errWrite
	}
	if p.room >= 0 {
		p.room -= len(b)
	}
	p.put(b)
	return len(b), nil
}

func (p *party) put(b []byte) {
	p.out = append(p.out, b...)
	p.sent = append(p.sent, b...)
}

// cut says how many bytes are delivered at once when gone were delivered before
// and more are pending.
type cut func(gone, pending int) int

func whole(_, pending int) int { return pending }
func single(_, _ int) int      { return 1 }

// splitAt delivers all at once, but never bytes before and after k together.
func splitAt(k int) cut {
	return func(gone, pending int) int {
		if gone < k {
			return min(pending, k-gone)
		}
		return pending
	}
}

// deliver hands what p wrote to q, piece by piece, and says whether there was
// anything. Once p has given up, q learns that nothing follows.
func (p *party) deliver(q *party, c cut) bool {
	moved := len(p.out) > 0
	for len(p.out) > 0 {
		n := c(p.gone, len(p.out))
		q.in = append(q.in, p.out[:n]...)
		p.out = p.out[n:]
		p.gone += n
		q.step()
	}
	if p.done && p.err != nil && !q.eof {
		q.eof = true
		q.step()
		return true
	}
	return moved
}

// converse runs both sides until they are done or wait for each other.
func converse(a, b *party, c cut) {
	a.step()
	b.step()
	for moved := true; moved; {
		fromA := a.deliver(b, c)
		moved = b.deliver(a, c) || fromA
	}
	a.end()
	b.end()
}

// replay runs one side against recorded bytes, after which nothing follows.
func replay(p *party, heard []byte) {
	p.in = append(p.in, heard...)
	p.eof = true
	p.step()
	p.end()
}

// end stops an Open that is still waiting.
func (p *party) end() {
	p.hung = !p.done
	p.stop()
	if !p.done && p.err == nil {
		p.err = errors.New("never ran")
	}
}
