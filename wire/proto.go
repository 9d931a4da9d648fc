package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WireType says how a protobuf field is written.
type WireType uint8

// The wire types of protobuf encoding, proto2 and proto3.
const (
	Varint  WireType = 0
	Fixed64 WireType = 1
	Bytes   WireType = 2
	Group   WireType = 3 // start of a group; deprecated
	EndOf   WireType = 4 // end of a group
	Fixed32 WireType = 5
)

const (
	maxField = 1<<29 - 1 // largest field number of protobuf
	maxGroup = 16        // groups within groups; real messages have none
)

// ErrField means that a protobuf field is malformed.
var ErrField = errors.New("malformed protobuf field")

// Field is one field of a protobuf message.
type Field struct {
	Num  uint32
	Type WireType
	Int  uint64 // value of a Varint, Fixed32 or Fixed64
	Data []byte // value of Bytes; aliases the input
}

// Field takes the next field of a protobuf message. It returns false at the end
// of the input or at a failure, which Err tells apart. Fields whose number the
// caller does not know have been skipped already; groups are skipped whole.
func (r *Reader) Field() (f Field, ok bool) {
	if len(r.b) == 0 {
		return f, false
	}
	f.tag(r.Uvarint())
	switch f.Type {
	case Varint:
		f.Int = r.Uvarint()
	case Fixed64:
		f.Int = r.Uint64LE()
	case Fixed32:
		f.Int = uint64(r.Uint32LE())
	case Bytes:
		f.Data = r.Bytes("protobuf field", len(r.b))
	case Group:
		r.skipGroup(f.Num)
	default:
		f.Num = 0
	}
	if r.err == nil && (f.Num == 0 || f.Num > maxField) {
		r.Fail(ErrField)
	}
	return f, r.err == nil
}

func (f *Field) tag(t uint64) {
	f.Type = WireType(t & 7)
	if t>>3 <= maxField {
		f.Num = uint32(t >> 3)
	}
}

// skipGroup takes everything up to the end of a group whose start was taken.
// It keeps the numbers of open groups instead of calling itself, so depth costs
// nothing.
func (r *Reader) skipGroup(num uint32) {
	open := [maxGroup]uint32{num}
	for n := 1; n > 0; {
		var f Field
		f.tag(r.Uvarint())
		switch {
		case r.err != nil:
			return
		case f.Num == 0:
			r.Fail(ErrField)
		case f.Type == EndOf && open[n-1] == f.Num:
			n--
		case f.Type == Group && n < maxGroup:
			open[n] = f.Num
			n++
		case f.Type == Varint:
			r.Uvarint()
		case f.Type == Fixed64:
			r.Take(8)
		case f.Type == Fixed32:
			r.Take(4)
		case f.Type == Bytes:
			r.Bytes("protobuf field", len(r.b))
		default:
			r.Fail(fmt.Errorf("group %d: %w", num, ErrField))
		}
	}
}

// Want fails the reader and returns false if f, which it calls what, is not of
// type t.
func (r *Reader) Want(f Field, t WireType, what string) bool {
	if f.Type == t {
		return true
	}
	r.Fail(fmt.Errorf("%s: wire type %d, want %d: %w", what, f.Type, t, ErrField))
	return false
}

// AppendVarintField appends a protobuf varint field, or nothing if v is zero, as
// proto3 has it.
func AppendVarintField(dst []byte, num uint32, v uint64) []byte {
	if v == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(num)<<3|uint64(Varint))
	return binary.AppendUvarint(dst, v)
}

// AppendStringField appends a protobuf string or bytes field, or nothing if s is
// empty, as proto3 has it.
func AppendStringField[T string | []byte](dst []byte, num uint32, s T) []byte {
	if len(s) == 0 {
		return dst
	}
	return append(AppendBytesHead(dst, num, len(s)), s...)
}

// AppendBytesHead appends the tag and length of a bytes field whose n bytes the
// caller puts after it.
func AppendBytesHead(dst []byte, num uint32, n int) []byte {
	dst = binary.AppendUvarint(dst, uint64(num)<<3|uint64(Bytes))
	return binary.AppendUvarint(dst, uint64(n))
}

// UvarintLen returns how many bytes AppendUvarint takes for v.
func UvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
