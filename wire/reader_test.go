package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

func TestReader(t *testing.T) {
	r := NewReader([]byte{
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		0x7f, 0xac, 0x02, 0x03, 2, 'h', 'i', 3, 'x', 'y', 'z', 'r',
	})
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	check("byte", r.Byte(), byte(1))
	check("uint16", r.Uint16(), uint16(0x0203))
	check("uint32", r.Uint32(), uint32(0x04050607))
	check("uint64", r.Uint64(), uint64(0x08090a0b0c0d0e0f))
	check("uint16 LE", r.Uint16LE(), uint16(0x0201))
	check("uint32 LE", r.Uint32LE(), uint32(0x06050403))
	check("uint64 LE", r.Uint64LE(), uint64(0x0e0d0c0b0a090807))
	check("uvarint", r.Uvarint(), uint64(127))
	check("long uvarint", r.Uvarint(), uint64(300))
	check("varint", r.Varint(), int64(-2))
	check("bytes", string(r.Bytes("name", 2)), "hi")
	check("count", r.Count("items", 1, 3), 3)
	check("taken", string(r.Take(3)), "xyz")
	check("left", r.Len(), 1)
	check("rest", string(r.Rest()), "r")
	check("end", r.End(), nil)
}

// TestReaderFailures makes each method fail; the first failure must stick and
// everything after it be zero.
func TestReaderFailures(t *testing.T) {
	over := bytes.Repeat([]byte{0xff}, 11)
	tests := []struct {
		name string
		in   []byte
		read func(r *Reader)
		want error
	}{
		{"byte", nil, func(r *Reader) { r.Byte() }, ErrShort},
		{"uint16", []byte{1}, func(r *Reader) { r.Uint16() }, ErrShort},
		{"uint32", []byte{1, 2, 3}, func(r *Reader) { r.Uint32() }, ErrShort},
		{"uint64", []byte{1, 2, 3}, func(r *Reader) { r.Uint64() }, ErrShort},
		{"uint16 LE", []byte{1}, func(r *Reader) { r.Uint16LE() }, ErrShort},
		{"uint32 LE", []byte{1, 2, 3}, func(r *Reader) { r.Uint32LE() }, ErrShort},
		{"uint64 LE", []byte{1, 2, 3}, func(r *Reader) { r.Uint64LE() }, ErrShort},
		{"take", []byte{1}, func(r *Reader) { r.Take(2) }, ErrShort},
		{"take less than nothing", []byte{1}, func(r *Reader) { r.Take(-1) }, ErrShort},
		{"varint cut", []byte{0x80}, func(r *Reader) { r.Uvarint() }, ErrShort},
		{"varint over", over, func(r *Reader) { r.Varint() }, ErrOverflow},
		{"bytes over the limit", []byte{3, 1, 2, 3}, func(r *Reader) { r.Bytes("name", 2) }, ErrLimit},
		{"bytes cut", []byte{3, 1, 2}, func(r *Reader) { r.Bytes("name", 9) }, ErrShort},
		{"bytes of 2^64-1", binary.AppendUvarint(nil, math.MaxUint64), func(r *Reader) { r.Bytes("name", math.MaxInt) }, ErrLimit},
		{"bytes without length", nil, func(r *Reader) { r.Bytes("name", 2) }, ErrShort},
		{"count over the limit", []byte{3, 1, 2, 3}, func(r *Reader) { r.Count("items", 1, 2) }, ErrLimit},
		{"count over the input", []byte{3, 1, 2, 3, 4, 5}, func(r *Reader) { r.Count("items", 2, 9) }, ErrShort},
		{"count cut", nil, func(r *Reader) { r.Count("items", 2, 9) }, ErrShort},
		{"left over", []byte{1}, func(r *Reader) { r.End() }, ErrTrailing},
		{"caller", []byte{1}, func(r *Reader) { r.Fail(errors.ErrUnsupported); r.Fail(ErrShort) }, errors.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.in)
			tt.read(&r)
			if !errors.Is(r.Err(), tt.want) {
				t.Fatalf("error %v, want %v", r.Err(), tt.want)
			}
			first := r.Err()
			if r.Len() != 0 || r.Byte() != 0 || r.Uvarint() != 0 || r.Take(1) != nil || r.Bytes("x", 1) != nil || r.Count("x", 1, 1) != 0 {
				t.Error("something is read after a failure")
			}
			if r.End() != first {
				t.Errorf("the failure became %v", r.End())
			}
		})
	}
}

// TestTakeIsClipped makes sure that appending to what was taken spares the rest.
func TestTakeIsClipped(t *testing.T) {
	in := []byte{1, 2, 3, 4}
	r := NewReader(in)
	_ = append(r.Take(2), 9)
	if r.Byte() != 3 {
		t.Error("the rest was overwritten")
	}
}

// FuzzReader drives a reader by a script of method numbers. Nothing it returns
// may be longer than what there was, and a failure must stick.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, []byte("\x01\x02\x03\x05hello"))
	f.Add([]byte{6, 6, 5, 7}, []byte{0x0b, 0x08, 0x01, 0x0c, 0x12, 0x01, 0x78})
	f.Fuzz(func(t *testing.T, script, in []byte) {
		r := NewReader(in)
		for _, op := range script {
			before, failed := r.Len(), r.Err()
			n := 0
			switch op % 8 {
			case 0:
				r.Byte()
			case 1:
				r.Uint32()
			case 2:
				r.Uvarint()
			case 3:
				n = len(r.Bytes("b", 100))
			case 4:
				n = r.Count("c", 2, 1000) * 2
			case 5:
				n = len(r.Take(int(int8(op))))
			case 6:
				f, _ := r.Field()
				n = len(f.Data)
			case 7:
				r.Uint64LE()
			}
			if n > before || r.Len() > before || failed != nil && r.Err() != failed {
				t.Fatalf("op %d: %d bytes of %d, %d left, error %v after %v", op%8, n, before, r.Len(), r.Err(), failed)
			}
		}
	})
}
