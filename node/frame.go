package node

import (
	"sync"
	"sync/atomic"

	"parley/dialect"
)

// frame is the wire form of a message queued on several links. The first writer
// that needs an encoding makes it; the others with the same one use it.
type frame struct {
	encs atomic.Pointer[encoding]
	mu   sync.Mutex // held while an encoding is made
}

// encoding is one wire form. Immutable once it is in a frame.
type encoding struct {
	name string
	wire []byte // without the body if hole is set
	tail int    // how many of the last bytes of wire follow the body
	hole bool
	err  error
	next *encoding
}

// encode returns m's wire form in the encoding called name. If e is a Framer
// and the body is large, it is left out of it.
func (f *frame) encode(name string, e dialect.Encoder, m dialect.Message, large bool) *encoding {
	if c := f.find(name); c != nil {
		return c
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.find(name); c != nil {
		return c
	}
	c := &encoding{name: name, next: f.encs.Load()}
	if fr, ok := e.(dialect.Framer); ok && large {
		c.hole = true
		c.wire, c.tail, c.err = fr.Frame(nil, m)
	} else {
		c.wire, c.err = e.Append(make([]byte, 0, len(m.Body)+itemCost), m)
	}
	f.encs.Store(c)
	return c
}

func (f *frame) find(name string) *encoding {
	for c := f.encs.Load(); c != nil; c = c.next {
		if c.name == name {
			return c
		}
	}
	return nil
}
