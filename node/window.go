package node

import (
	"io"

	"parley/internal/nowait"
)

// The sizes of a read buffer.
const (
	idleBuffer  = 512               // what it is while nothing comes: enough for a ping
	smallBuffer = nowait.BufferSize // where it begins
	busyBuffer  = 256 << 10         // what it grows to because a lot arrives at once
	trusted     = 64 << 10          // what it grows to because a peer announced that much
	decayEvery  = 32                // reads between looks at whether it is too big
)

// window is a link's read buffer, owned by its reader. It grows while reads
// fill it, and for one message as large as it needs, though never to more than
// twice what has arrived: what a peer announces costs nothing until it comes.
// It shrinks when it turns out to be too big. Where it can, it begins with
// borrowed buffers, and then has none while nothing is there.
type window struct {
	in    *nowait.Reader // nil if there is nothing to borrow
	lent  bool           // buf is borrowed
	buf   []byte
	r, w  int  // buf[r:w] has arrived and is not used up
	full  bool // the last read filled what was free
	high  int  // most bytes that were needed at once since the last look
	reads int  // since the last look
}

func newWindow() *window { return &window{buf: make([]byte, smallBuffer)} }

// borrowing returns a window that borrows from in.
func borrowing(in *nowait.Reader) *window { return &window{in: in} }

// bytes returns what has arrived and is not used up.
func (b *window) bytes() []byte { return b.buf[b.r:b.w] }

// skip uses up n bytes.
func (b *window) skip(n int) { b.r += n }

// big reports whether the buffer has more memory than it keeps when idle.
func (b *window) big() bool { return len(b.buf) > idleBuffer }

// rest gives back a borrowed buffer with nothing in it.
func (b *window) rest() {
	if b.lent && b.r == b.w && !b.full {
		b.release()
	}
}

// release parts with the buffer.
func (b *window) release() {
	if b.lent {
		b.in.Free(b.buf)
	}
	b.lent, b.buf, b.r, b.w = false, nil, 0, 0
}

// borrow reads once, and has no buffer before there is something to read.
func (b *window) borrow() (int, error) {
	buf, k, err := b.in.Read()
	if buf != nil {
		b.buf, b.w, b.lent = buf, k, true
		b.full = k == len(buf)
		b.high = max(b.high, k)
		b.reads++
	}
	return k, err
}

// fill reads once. need is how many bytes the message at the front takes, as
// far as is known: more than there are, or 0 if there are none.
func (b *window) fill(c io.Reader, need int) (int, error) {
	if b.rest(); b.buf == nil {
		return b.borrow()
	}
	b.high = max(b.high, b.w-b.r, need)
	if size := b.size(need); size != len(b.buf) {
		b.resize(size)
	} else if b.r > 0 {
		b.w = copy(b.buf, b.bytes())
		b.r = 0
	}
	// Room that one large message needed is not for thousands of small ones.
	end := min(len(b.buf), max(need, busyBuffer))
	k, err := c.Read(b.buf[b.w:end])
	b.w += k
	b.full = b.w == end
	b.high = max(b.high, b.w)
	b.reads++
	return k, err
}

// size decides how large the buffer should be for the next read.
func (b *window) size(need int) int {
	have, size := b.w-b.r, len(b.buf)
	if b.full && size < busyBuffer {
		size = max(2*size, smallBuffer)
	}
	if b.reads >= decayEvery {
		if size >= 4*b.high {
			size = min(size, max(smallBuffer, ceil2(2*b.high)))
		}
		b.reads, b.high = 0, 0
	}
	if need <= size {
		return size
	}
	if need <= trusted {
		return ceil2(need)
	}
	if have < size && size >= trusted {
		return size // let it fill first
	}
	return min(need, max(trusted, 2*size))
}

// shrink returns to the smallest buffer that holds what is there.
func (b *window) shrink() {
	have := b.w - b.r
	switch {
	case b.in != nil && have == 0:
		b.release()
	case have < idleBuffer && b.big():
		b.resize(idleBuffer)
	}
	b.reads, b.high, b.full = 0, 0, false
}

func (b *window) resize(size int) {
	buf := make([]byte, size)
	k := copy(buf, b.bytes())
	b.release()
	b.w, b.buf = k, buf
}

// ceil2 returns the smallest power of two that is not below n, for n > 0.
func ceil2(n int) int {
	size := smallBuffer
	for size < n {
		size *= 2
	}
	return size
}
