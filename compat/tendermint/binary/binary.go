// Package binary is what programs for Tendermint's p2p module of September 2014
// used beside it: the Binary interface of messages, and functions that read and
// write the primitives of that time. Integers are little endian; strings and byte
// slices follow their length in four bytes.
//
// The functions work on a running count and error, as they did: after an error
// the others do nothing, so that one check at the end is enough. What is read is
// bounded, which it was not.
package binary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxBytes is the most bytes of one string or byte slice that is read.
const MaxBytes = 22_020_096

// Binary is a message that writes itself.
type Binary interface {
	WriteTo(w io.Writer) (n int64, err error)
}

// ErrTooLong is in the tree of the error about a length over MaxBytes.
var ErrTooLong = errors.New("too long")

// WriteTo writes b.
func WriteTo(w io.Writer, b []byte, n *int64, err *error) {
	if *err != nil {
		return
	}
	k, e := w.Write(b)
	*n += int64(k)
	*err = e
}

// WriteBinary writes a message.
func WriteBinary(w io.Writer, b Binary, n *int64, err *error) {
	if *err != nil {
		return
	}
	k, e := b.WriteTo(w)
	*n += k
	*err = e
}

// WriteByte writes one byte.
func WriteByte(w io.Writer, b byte, n *int64, err *error) { WriteTo(w, []byte{b}, n, err) }

// WriteUInt16 writes two bytes.
func WriteUInt16(w io.Writer, v uint16, n *int64, err *error) {
	WriteTo(w, binary.LittleEndian.AppendUint16(nil, v), n, err)
}

// WriteInt64 writes eight bytes.
func WriteInt64(w io.Writer, v int64, n *int64, err *error) { WriteUInt64(w, uint64(v), n, err) }

// WriteTime writes the seconds since 1970, in eight bytes.
func WriteTime(w io.Writer, t time.Time, n *int64, err *error) { WriteInt64(w, t.Unix(), n, err) }

// WriteUInt32 writes four bytes.
func WriteUInt32(w io.Writer, v uint32, n *int64, err *error) {
	WriteTo(w, binary.LittleEndian.AppendUint32(nil, v), n, err)
}

// WriteUInt64 writes eight bytes.
func WriteUInt64(w io.Writer, v uint64, n *int64, err *error) {
	WriteTo(w, binary.LittleEndian.AppendUint64(nil, v), n, err)
}

// WriteByteSlice writes a length and b.
func WriteByteSlice(w io.Writer, b []byte, n *int64, err *error) {
	WriteUInt32(w, uint32(len(b)), n, err)
	WriteTo(w, b, n, err)
}

// WriteString writes a length and s.
func WriteString(w io.Writer, s string, n *int64, err *error) { WriteByteSlice(w, []byte(s), n, err) }

// ReadFull fills b.
func ReadFull(r io.Reader, b []byte, n *int64, err *error) {
	if *err != nil {
		return
	}
	k, e := io.ReadFull(r, b)
	*n += int64(k)
	*err = e
}

// ReadByte reads one byte, or returns 0 after an error.
func ReadByte(r io.Reader, n *int64, err *error) byte {
	var b [1]byte
	ReadFull(r, b[:], n, err)
	return b[0]
}

// ReadUInt16 reads two bytes, or returns 0 after an error.
func ReadUInt16(r io.Reader, n *int64, err *error) uint16 {
	var b [2]byte
	if ReadFull(r, b[:], n, err); *err != nil {
		return 0
	}
	return binary.LittleEndian.Uint16(b[:])
}

// ReadInt64 reads eight bytes, or returns 0 after an error.
func ReadInt64(r io.Reader, n *int64, err *error) int64 { return int64(ReadUInt64(r, n, err)) }

// ReadTime reads what WriteTime writes, or returns 1970 after an error.
func ReadTime(r io.Reader, n *int64, err *error) time.Time {
	return time.Unix(ReadInt64(r, n, err), 0).UTC()
}

// ReadUInt32 reads four bytes, or returns 0 after an error.
func ReadUInt32(r io.Reader, n *int64, err *error) uint32 {
	var b [4]byte
	if ReadFull(r, b[:], n, err); *err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b[:])
}

// ReadUInt64 reads eight bytes, or returns 0 after an error.
func ReadUInt64(r io.Reader, n *int64, err *error) uint64 {
	var b [8]byte
	if ReadFull(r, b[:], n, err); *err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}

// firstPiece is what is allocated at once for a length that was announced.
const firstPiece = 64 << 10

// ReadByteSlice reads a length and as many bytes, or returns nil after an error.
// Memory grows with what really comes.
func ReadByteSlice(r io.Reader, n *int64, err *error) []byte {
	length := int(ReadUInt32(r, n, err))
	if *err == nil && length > MaxBytes {
		*err = fmt.Errorf("byte slice: %d bytes, limit %d: %w", length, MaxBytes, ErrTooLong)
	}
	var b []byte
	for *err == nil && len(b) < length {
		k := min(length-len(b), max(len(b), firstPiece))
		b = append(b, make([]byte, k)...)
		ReadFull(r, b[len(b)-k:], n, err)
	}
	if *err != nil {
		return nil
	}
	return b
}

// ReadString reads what WriteString writes.
func ReadString(r io.Reader, n *int64, err *error) string { return string(ReadByteSlice(r, n, err)) }
