package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Errors of a Reader, to be tested for with errors.Is.
var (
	ErrShort    = errors.New("ends early")
	ErrOverflow = errors.New("integer takes more than 64 bits")
	ErrTrailing = errors.New("bytes left over")
	ErrLimit    = errors.New("over the limit")
)

// Reader cuts values off the front of a byte slice. The first failure sticks:
// from then on every method returns zero, so a caller may read a whole record
// and ask Err once. Slices it returns alias the input. A Reader is a small
// value with one owner.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a reader of b, which it does not change.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Err returns the first failure, or nil.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left, 0 after a failure.
func (r *Reader) Len() int { return len(r.b) }

// Fail makes err the reader's failure unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// End returns the first failure, or ErrTrailing if bytes are left.
func (r *Reader) End() error {
	if r.err == nil && len(r.b) > 0 {
		r.Fail(fmt.Errorf("%d %w", len(r.b), ErrTrailing))
	}
	return r.err
}

// Rest takes everything that is left.
func (r *Reader) Rest() []byte {
	b := r.b
	r.b = nil
	return b
}

// Take takes the next n bytes. It fails if n is negative or more than are left.
func (r *Reader) Take(n int) []byte {
	if uint(n) > uint(len(r.b)) {
		r.Fail(ErrShort)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Byte takes one byte.
func (r *Reader) Byte() byte {
	if len(r.b) == 0 {
		r.Fail(ErrShort)
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// Uint16 takes two bytes, most significant first.
func (r *Reader) Uint16() uint16 {
	if b := r.Take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 takes four bytes, most significant first.
func (r *Reader) Uint32() uint32 {
	if b := r.Take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 takes eight bytes, most significant first.
func (r *Reader) Uint64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Uint16LE takes two bytes, least significant first.
func (r *Reader) Uint16LE() uint16 {
	if b := r.Take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint32LE takes four bytes, least significant first.
func (r *Reader) Uint32LE() uint32 {
	if b := r.Take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64LE takes eight bytes, least significant first.
func (r *Reader) Uint64LE() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Uvarint takes an unsigned integer in base 128, least significant group first,
// as protobuf writes it: at most ten bytes, not necessarily the fewest.
func (r *Reader) Uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	switch {
	case n == 0:
		r.Fail(ErrShort)
	case n < 0:
		r.Fail(ErrOverflow)
	default:
		r.b = r.b[n:]
		return v
	}
	return 0
}

// Varint takes a signed integer folded into an unsigned one (zigzag).
func (r *Reader) Varint() int64 {
	u := r.Uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// Count takes an unsigned varint that says how many of what follow, each in at
// least size bytes (which must be positive). It fails if that is more than max
// or than the bytes that are left can hold, so memory for the result may be
// made at once.
func (r *Reader) Count(what string, size, max int) int {
	n := r.Uvarint()
	if r.err != nil {
		return 0
	}
	return r.count(what, n, size, max)
}

func (r *Reader) count(what string, n uint64, size, max int) int {
	if err := CheckLen(what, n, max); err != nil {
		r.Fail(err)
		return 0
	}
	if n > uint64(len(r.b)/size) {
		r.Fail(fmt.Errorf("%s: %d in %d bytes: %w", what, n, len(r.b), ErrShort))
		return 0
	}
	return int(n)
}

// Bytes takes an unsigned varint and as many bytes. It fails if that is more
// than max.
func (r *Reader) Bytes(what string, max int) []byte {
	n := r.Uvarint()
	if r.err != nil {
		return nil
	}
	return r.bytes(what, n, max)
}

func (r *Reader) bytes(what string, n uint64, max int) []byte {
	if err := CheckLen(what, n, max); err != nil {
		r.Fail(err)
		return nil
	}
	if n > uint64(len(r.b)) {
		r.Fail(fmt.Errorf("%s: %w", what, ErrShort))
		return nil
	}
	return r.Take(int(n))
}

// CheckLen returns an error that wraps ErrLimit and names both figures if n is
// more than max.
func CheckLen(what string, n uint64, max int) error {
	if n <= uint64(max) && n <= math.MaxInt {
		return nil
	}
	return fmt.Errorf("%s: %d, limit %d: %w", what, n, max, ErrLimit)
}
