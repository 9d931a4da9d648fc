package peer

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"parley/internal/nowait"
)

const (
	largeBuffer = 64 << 10  // what a busy peer reads into
	hugeBuffer  = 256 << 10 // where longer messages begin
	growth      = 4         // how many times what arrived a buffer for one message may be
	parcel      = 4 << 10   // bytes of short payloads that are kept together

	maxOpening = 64 << 10 // bytes of a whole handshake
)

// Buffers are shared by all peers, so that one that is idle has none.
var (
	small nowait.Buffers
	large = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
	huge  = sync.Pool{New: func() any { return new([hugeBuffer]byte) }}
)

// What intake.buf is.
const (
	noBuffer    = iota
	smallBuffer // borrowed from small
	pooled      // borrowed from large
	pooledHuge  // borrowed from huge
	ownBuffer   // made for one long message
)

// intake reads a connection. It belongs to the goroutine that does. While nothing
// is there it has no buffer, where the connection lets it; what a remote announces
// costs nothing until it arrives.
type intake struct {
	c    net.Conn
	in   *nowait.Reader // nil if there has to be a buffer to wait
	kind int
	buf  []byte
	r, w int  // buf[r:w] has arrived and is not used up
	full bool // the last read filled what was free
	kept bool // somebody goes on using the buffer

	together []byte // payloads that are kept, and room for more

	opening int // bytes of the handshake so far, while it lasts
}

func newIntake(c net.Conn) *intake {
	b := &intake{c: c}
	if rc := nowait.Raw(c); rc != nil {
		b.in = nowait.NewReader(rc, &small)
	}
	return b
}

// bytes returns what has arrived and is not used up.
func (b *intake) bytes() []byte { return b.buf[b.r:b.w] }

// skip uses up n bytes.
func (b *intake) skip(n int) { b.r += n }

var errOpening = errors.New("handshake of more than 64 KiB")

// Read implements [io.Reader] for the handshake.
func (b *intake) Read(p []byte) (n int, err error) {
	if b.r == b.w {
		if b.opening > maxOpening {
			return 0, errOpening
		}
		k, err := b.fill(0)
		if b.opening += k; err != nil {
			return 0, err
		}
	}
	n = copy(p, b.bytes())
	b.skip(n)
	return n, nil
}

// fill reads once. need is how many bytes the message at the front takes, as far
// as is known, if some of them are there.
func (b *intake) fill(need int) (n int, err error) {
	if b.r == b.w {
		return b.first()
	}
	if size := b.size(need); size != len(b.buf) || b.kept {
		b.replace(size, need)
	} else if b.r > 0 {
		b.r, b.w = 0, copy(b.buf, b.bytes())
	}
	return b.more(b.c.Read(b.buf[b.w:]))
}

// size returns how large the buffer should be: the next size when it is too small and
// full of one message, or too small for several of those that keep filling it.
func (b *intake) size(need int) int {
	have, size := b.w-b.r, len(b.buf)
	switch {
	case b.kept, b.kind == smallBuffer && (b.full || need > size):
		return largeBuffer
	case b.kind == pooled && b.full && need <= largeBuffer:
		return hugeBuffer
	case need <= size || have < size:
		return size
	}
	return min(need, growth*have)
}

// first reads when there is nothing.
func (b *intake) first() (n int, err error) {
	b.together = nil
	b.release()
	if b.in == nil {
		b.buf, b.kind = small.Get(), smallBuffer
		return b.more(b.c.Read(b.buf))
	}
	buf, n, err := b.in.Read()
	if buf != nil {
		b.buf, b.kind = buf, smallBuffer
	}
	return b.more(n, err)
}

func (b *intake) more(n int, err error) (int, error) {
	b.w += n
	b.full = b.w == len(b.buf)
	return n, err
}

// replace moves what is there to a buffer of another size.
func (b *intake) replace(size, need int) {
	var buf []byte
	kind := ownBuffer
	switch {
	case size == largeBuffer:
		buf, kind = large.Get().(*[largeBuffer]byte)[:], pooled
	case size == hugeBuffer && size != need:
		buf, kind = huge.Get().(*[hugeBuffer]byte)[:], pooledHuge
	default:
		buf = make([]byte, size)
	}
	n := copy(buf, b.bytes())
	b.release()
	b.buf, b.kind, b.w = buf, kind, n
}

// release parts with the buffer.
func (b *intake) release() {
	switch b.kind {
	case smallBuffer:
		small.Put(b.buf)
	case pooled:
		large.Put((*[largeBuffer]byte)(b.buf))
	case pooledHuge:
		huge.Put((*[hugeBuffer]byte)(b.buf))
	}
	b.kind, b.buf, b.r, b.w, b.kept = noBuffer, nil, 0, 0, false
}

// keep returns a payload at the front of what arrived in memory that the caller
// may keep: a copy, or for a long one the buffer that was made for it. Short ones
// that arrived together are copied to one place.
func (b *intake) keep(payload []byte) []byte {
	switch {
	case b.kind == ownBuffer && len(payload) > len(b.buf)/2:
		b.kept = true
		return payload
	case len(payload) > parcel/4:
		return bytes.Clone(payload)
	case cap(b.together)-len(b.together) < len(payload):
		b.together = make([]byte, 0, min(parcel, b.w-b.r))
	}
	n := len(b.together)
	b.together = append(b.together, payload...)
	return b.together[n:len(b.together):len(b.together)]
}
