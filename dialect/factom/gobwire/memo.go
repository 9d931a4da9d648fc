package gobwire

import (
	"bytes"
	"math"

	"parley/wire"
)

// memo is the front of the last Long or Short that was read. Nearly all that
// follow on one stream differ from it in the length, the checksum and the payload
// alone, so they are compared with it instead of being walked through. It never
// changes what is read: equal bytes mean the same, since a stream defines a type
// once.
type memo struct {
	of   shape
	buf  []byte // all up to the payload
	a    []byte // of buf: up to the header's length; all of it for a Short
	b    []byte // from there to the checksum
	c    []byte // from there to the length of the payload
	head Header // aliases buf; of a Short the type alone
}

// maxFront is the longest front that is remembered. Real ones have about 100 bytes.
const maxFront = 512

// marks say where a Long has what differs from one to the next. A number is -1
// if it was not met.
type marks struct {
	header         int
	typ            typeID // of the header
	length, lenEnd int
	crc, crcEnd    int
	size           int // of the payload, which is the last
}

var unmarked = marks{header: -1, length: -1, crc: -1, size: -1}

// inOrder reports whether everything was met, as all known encoders write it.
func (m *marks) inOrder() bool {
	return m.header >= 0 && m.length > m.header && m.crc >= m.lenEnd && m.size > m.crcEnd
}

// learn remembers the front of msg.
func (m *memo) learn(t *Types, msg []byte, at *marks) {
	if !at.inOrder() || at.size > maxFront {
		return
	}
	m.of = shapeLong
	m.buf = append(m.buf[:0], msg[:at.size]...)
	m.a, m.b, m.c = m.buf[:at.length], m.buf[at.lenEnd:at.crc], m.buf[at.crcEnd:]
	r := wire.NewReader(m.buf[at.header:])
	m.head = Header{}
	t.header(&r, at.typ, &m.head, &marks{})
}

// read takes msg if it has the same front. Otherwise p is as it was.
func (m *memo) read(msg []byte, p *Long) bool {
	if m.of != shapeLong || len(m.a) == 0 || !bytes.HasPrefix(msg, m.a) {
		return false
	}
	length, rest, ok := cutUint(msg[len(m.a):], math.MaxUint32)
	if !ok || !bytes.HasPrefix(rest, m.b) {
		return false
	}
	sum, rest, ok := cutUint(rest[len(m.b):], math.MaxUint32)
	if !ok || !bytes.HasPrefix(rest, m.c) {
		return false
	}
	if p.Payload, ok = lastBytes(rest[len(m.c):]); !ok {
		return false
	}
	p.Header = m.head
	p.Header.Length, p.Header.Crc32 = uint32(length), uint32(sum)
	return true
}

// learnShort remembers the front of msg, which ends where its payload begins.
func (m *memo) learnShort(front []byte, typ uint16) {
	if len(front) > maxFront {
		return
	}
	m.of = shapeShort
	m.buf = append(m.buf[:0], front...)
	m.a, m.head = m.buf, Header{Type: typ}
}

// readShort takes msg if it has the same front. Otherwise p is as it was.
func (m *memo) readShort(msg []byte, p *Short) bool {
	if m.of != shapeShort || len(m.a) == 0 || !bytes.HasPrefix(msg, m.a) {
		return false
	}
	b, ok := lastBytes(msg[len(m.a):])
	if ok {
		p.Type, p.Payload = m.head.Type, b
	}
	return ok
}

// lastBytes takes the value of the last field of a struct, and the struct's end.
func lastBytes(b []byte) ([]byte, bool) {
	n, rest, ok := cutUint(b, math.MaxUint32)
	if !ok || n+1 != uint64(len(rest)) || rest[n] != 0 {
		return nil, false
	}
	return rest[:n:n], true
}

// cutUint is readUint without a reader, for numbers up to max.
func cutUint(b []byte, max uint64) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	n := 0x101 - int(b[0])
	if n > 9 || n > len(b) {
		return 0, nil, false
	}
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, b[n:], v <= max
}

// Front is what the Longs of one type that an encoder writes have in common.
type Front struct {
	a, b, c []byte // before the header's length, between it and the checksum, and up to that of the payload
}

// NewFront returns the front of Longs with a header that differs from h in length
// and checksum alone.
func (ids IDs) NewFront(h *Header) Front {
	var f Front
	w := fields{dst: append(appendInt(nil, ids.Long), 1)}
	w.uint(uint64(h.Network))
	w.uint(uint64(h.Version))
	w.uint(uint64(h.Type))
	f.a = append(w.dst, w.skipped+1)
	w = fields{}
	w.text(h.TargetPeer)
	f.b = append(w.dst, w.skipped+1)
	w = fields{}
	w.rest(h)
	f.c = append(w.dst, 0, 1)
	return f
}

// Append appends what AppendLong does for a header with that length and checksum
// and a payload of n bytes. None of the three may be zero: gob leaves zeros out.
func (f *Front) Append(dst []byte, length, sum uint32, n int) []byte {
	size := len(f.a) + len(f.b) + len(f.c) + uintLen(uint64(length)) + uintLen(uint64(sum)) + uintLen(uint64(n)) + n + 1
	dst = appendUint(dst, uint64(size))
	dst = appendUint(append(dst, f.a...), uint64(length))
	dst = appendUint(append(dst, f.b...), uint64(sum))
	return appendUint(append(dst, f.c...), uint64(n))
}

// ShortFront is what the Shorts of one type that an encoder writes have in common.
type ShortFront []byte

// NewShortFront returns the front of Shorts of a type that is not zero.
func (ids IDs) NewShortFront(typ uint16) ShortFront {
	w := fields{dst: appendInt(nil, ids.Short)}
	w.uint(uint64(typ))
	return append(w.dst, w.skipped+1)
}

// Append appends what AppendShort does for a payload of n bytes, of which there
// must be some.
func (f ShortFront) Append(dst []byte, n int) []byte {
	dst = appendUint(dst, uint64(len(f)+uintLen(uint64(n))+n+1))
	return appendUint(append(dst, f...), uint64(n))
}

// uintLen returns how many bytes appendUint appends.
func uintLen(v uint64) int {
	n := 1
	for ; v >= 0x80 && n < 9; n++ {
		if n > 1 && v>>(8*(n-1)) == 0 {
			break
		}
	}
	return n
}
