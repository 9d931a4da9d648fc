package wire

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrLong means that an integer is written in more bytes than it takes.
var ErrLong = errors.New("integer is not in its shortest form")

// What the first byte of a compact integer says that does not fit into it.
const (
	compact16 = 0xfd + iota
	compact32
	compact64
)

// Compact takes an unsigned integer in the form that Bitcoin writes counts and
// lengths in: one byte below 0xfd, else that byte or one of the next two and the
// value in 2, 4 or 8 bytes, least significant first. It must be in its shortest
// form.
func (r *Reader) Compact() uint64 {
	var v, least uint64
	switch c := r.Byte(); c {
	case compact16:
		v, least = uint64(r.Uint16LE()), compact16
	case compact32:
		v, least = uint64(r.Uint32LE()), math.MaxUint16+1
	case compact64:
		v, least = r.Uint64LE(), math.MaxUint32+1
	default:
		return uint64(c)
	}
	if r.err == nil && v < least {
		r.Fail(ErrLong)
	}
	if r.err != nil {
		return 0
	}
	return v
}

// CompactCount is Count for a compact integer.
func (r *Reader) CompactCount(what string, size, max int) int {
	n := r.Compact()
	if r.err != nil {
		return 0
	}
	return r.count(what, n, size, max)
}

// CompactBytes is Bytes for a compact integer.
func (r *Reader) CompactBytes(what string, max int) []byte {
	n := r.Compact()
	if r.err != nil {
		return nil
	}
	return r.bytes(what, n, max)
}

// AppendCompact appends v as Compact reads it.
func AppendCompact(dst []byte, v uint64) []byte {
	switch {
	case v < compact16:
		return append(dst, byte(v))
	case v <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(dst, compact16), uint16(v))
	case v <= math.MaxUint32:
		return binary.LittleEndian.AppendUint32(append(dst, compact32), uint32(v))
	}
	return binary.LittleEndian.AppendUint64(append(dst, compact64), v)
}

// CompactLen returns how many bytes AppendCompact takes for v.
func CompactLen(v uint64) int {
	switch {
	case v < compact16:
		return 1
	case v <= math.MaxUint16:
		return 3
	case v <= math.MaxUint32:
		return 5
	}
	return 9
}
