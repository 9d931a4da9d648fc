// Package nowait reads and writes connections without holding anything while
// they are not ready: a write takes what the kernel has room for at once and
// returns, and a read finds its buffer only when there is something to put into
// it. It works for connections whose descriptor Go shows; for others [Raw] is nil
// and the ordinary calls have to do.
package nowait

import (
	"net"
	"sync"
	"syscall"
)

// Raw returns c as this package needs it, or nil if it cannot be used so. Only
// plain TCP and Unix connections can: anything wrapped around one may have
// to see its bytes.
func Raw(c net.Conn) syscall.RawConn {
	if !works {
		return nil
	}
	var s syscall.Conn
	switch c := c.(type) {
	case *net.TCPConn:
		s = c
	case *net.UnixConn:
		s = c
	default:
		return nil
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}

// Writer writes without waiting. It has no connection of its own, so few of them
// serve many; one goroutine uses it at a time.
type Writer struct {
	p   []byte
	n   int
	err error
	try func(fd uintptr) (done bool) // made once, so that writing allocates nothing
}

// NewWriter returns a writer.
func NewWriter() *Writer {
	w := new(Writer)
	w.try = func(fd uintptr) bool {
		w.n, w.err = write(fd, w.p)
		return true
	}
	return w
}

// Write writes as much of p as there is room for now, and returns how much that
// was. To have no room is no error. A write deadline that is over is one.
func (w *Writer) Write(rc syscall.RawConn, p []byte) (int, error) {
	w.p, w.n, w.err = p, 0, nil
	err := rc.Write(w.try)
	w.p = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// BufferSize is how many bytes a borrowed buffer has.
const BufferSize = 4 << 10

// Buffers lends buffers to any number of readers. The zero value is ready; any
// goroutine may use it.
type Buffers struct{ pool sync.Pool }

// Get returns a buffer of [BufferSize] bytes with anything in it.
func (b *Buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[BufferSize]byte); ok {
		return p[:]
	}
	return new([BufferSize]byte)[:]
}

// Put takes a buffer of Get back.
func (b *Buffers) Put(buf []byte) { b.pool.Put((*[BufferSize]byte)(buf[:BufferSize])) }

// Reader reads one connection into buffers that it borrows. One goroutine uses
// it at a time.
type Reader struct {
	rc    syscall.RawConn
	from  *Buffers
	buf   []byte
	n     int
	err   error
	ready func(fd uintptr) (done bool)
}

// NewReader returns a reader that borrows from the given buffers.
func NewReader(rc syscall.RawConn, from *Buffers) *Reader {
	r := &Reader{rc: rc, from: from}
	r.ready = r.try
	return r
}

func (r *Reader) try(fd uintptr) bool {
	buf := r.from.Get()
	n, again, err := read(fd, buf)
	if again || err != nil {
		r.from.Put(buf)
		r.err = err
		return !again
	}
	r.buf, r.n = buf, n
	return true
}

// Read waits until there is something to read and returns it as the first n bytes
// of a buffer, which is the caller's until it calls Free. On an error there is none.
func (r *Reader) Read() (buf []byte, n int, err error) {
	r.buf, r.n, r.err = nil, 0, nil
	if err := r.rc.Read(r.ready); err != nil {
		return nil, 0, err
	}
	buf, r.buf = r.buf, nil
	return buf, r.n, r.err
}

// Free gives back a buffer that Read returned. Nothing may refer to it any more.
func (r *Reader) Free(buf []byte) { r.from.Put(buf) }
