package node

import (
	"net"
	"sync"
	"sync/atomic"

	"parley/dialect"
)

const (
	copyBelow  = 4 << 10  // bodies up to here are copied together, larger ones go out from where they lie
	copyStream = 64 << 10 // the same where a write of several slices is several writes
	batchCopy  = 64 << 10 // copied bytes after which a batch is closed
	batchBytes = 1 << 20  // bytes after which a batch is closed
	batchVec   = 128      // slices after which a batch is closed
)

// batch is what one system call writes, owned by a link's writer. Small frames
// are copied together into buf; vec holds the pieces of buf and the large
// bodies between them, in order.
type batch struct {
	enc    dialect.Encoder
	framer dialect.Framer // enc, if it is one
	shared string         // names the encoding, if it can be shared
	large  int            // bodies of at least so many bytes are not copied

	buf   []byte
	cut   int // buf[:cut] is in vec
	vec   [][]byte
	size  int // bytes in the batch
	spent net.Buffers
}

// vectored reports whether writing several slices to c is one system call.
func vectored(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// reset empties the batch. It keeps its memory, unless one large message took
// far more than others do.
func (b *batch) reset() {
	if cap(b.buf) > batchBytes {
		b.buf = nil
	}
	clear(b.vec)
	b.buf, b.cut, b.vec, b.size = b.buf[:0], 0, b.vec[:0], 0
}

// closed reports whether the batch is large enough.
func (b *batch) closed() bool {
	return len(b.buf) >= batchCopy || b.size >= batchBytes || len(b.vec) >= batchVec
}

// add appends a message. On an error the batch is as it was.
func (b *batch) add(it *item) error {
	large := len(it.msg.Body) >= b.large
	if it.shared != nil && b.shared != "" {
		return b.addShared(it, large)
	}
	old := len(b.buf)
	if b.framer != nil && large {
		out, tail, err := b.framer.Frame(b.buf, it.msg)
		if err != nil {
			return err
		}
		b.buf = out
		b.size += len(out) - old + len(it.msg.Body)
		b.place(len(out)-tail, it.msg.Body)
		return nil
	}
	out, err := b.enc.Append(b.buf, it.msg)
	if err != nil {
		return err
	}
	b.buf = out
	b.size += len(out) - old
	return nil
}

func (b *batch) addShared(it *item, large bool) error {
	e := it.shared.encode(b.shared, b.enc, it.msg, large)
	switch {
	case e.err != nil:
		return e.err
	case e.hole:
		old := len(b.buf)
		b.buf = append(b.buf, e.wire...)
		b.size += len(e.wire) + len(it.msg.Body)
		b.place(old+len(e.wire)-e.tail, it.msg.Body)
	case large:
		b.size += len(e.wire)
		b.place(len(b.buf), e.wire)
	default:
		b.buf = append(b.buf, e.wire...)
		b.size += len(e.wire)
	}
	return nil
}

// place puts body where it lies after the first n bytes of buf.
func (b *batch) place(n int, body []byte) {
	if n > b.cut {
		b.vec = append(b.vec, b.buf[b.cut:n:n])
	}
	b.vec = append(b.vec, body)
	b.cut = n
}

// seal completes vec, or leaves it empty if all is in buf.
func (b *batch) seal() {
	if len(b.vec) > 0 && b.cut < len(b.buf) {
		b.vec = append(b.vec, b.buf[b.cut:])
	}
}

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
