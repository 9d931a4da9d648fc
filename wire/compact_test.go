package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

func TestCompact(t *testing.T) {
	for v, want := range map[uint64]string{
		0: "00", 0xfc: "fc", 0xfd: "fdfd00", 0xffff: "fdffff", 0x10000: "fe00000100",
		math.MaxUint32: "feffffffff", 1 << 32: "ff0000000001000000", math.MaxUint64: "ffffffffffffffffff",
	} {
		b := AppendCompact(nil, v)
		if hex.EncodeToString(b) != want || CompactLen(v) != len(b) {
			t.Errorf("%d is written as %x with length %d, want %s", v, b, CompactLen(v), want)
		}
		r := NewReader(b)
		if got := r.Compact(); got != v || r.End() != nil {
			t.Errorf("%x is read as %d with error %v, want %d", b, got, r.Err(), v)
		}
		for n := range b {
			r := NewReader(b[:n])
			if got := r.Compact(); got != 0 || !errors.Is(r.Err(), ErrShort) {
				t.Errorf("%x is read as %d with error %v", b[:n], got, r.Err())
			}
		}
	}
}

// TestCompactShortest refuses integers that fit into fewer bytes: two spellings
// of one message would have two hashes.
func TestCompactShortest(t *testing.T) {
	for _, s := range []string{"fd0000", "fdfc00", "fefc000000", "feffff0000", "ffffffffff00000000"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		if v := r.Compact(); v != 0 || !errors.Is(r.Err(), ErrLong) {
			t.Errorf("%s is read as %d with error %v, want %v", s, v, r.Err(), ErrLong)
		}
	}
}

func TestCompactLists(t *testing.T) {
	r := NewReader([]byte{2, 1, 2, 3, 4, 3, 'a', 'b', 'c'})
	if n := r.CompactCount("items", 2, 2); n != 2 || !bytes.Equal(r.Take(4), []byte{1, 2, 3, 4}) {
		t.Errorf("count %d with error %v", n, r.Err())
	}
	if b := r.CompactBytes("name", 3); string(b) != "abc" || r.End() != nil {
		t.Errorf("name %q with error %v", b, r.Err())
	}
	for name, f := range map[string]struct {
		in   []byte
		read func(r *Reader)
		want error
	}{
		"count over the limit": {[]byte{3, 1, 2, 3}, func(r *Reader) { r.CompactCount("items", 1, 2) }, ErrLimit},
		"count over the input": {[]byte{3, 1, 2, 3}, func(r *Reader) { r.CompactCount("items", 2, 9) }, ErrShort},
		"count of 2^64-1":      {AppendCompact(nil, math.MaxUint64), func(r *Reader) { r.CompactCount("items", 30, math.MaxInt) }, ErrLimit},
		"no count":             {nil, func(r *Reader) { r.CompactCount("items", 2, 9) }, ErrShort},
		"bytes over the limit": {[]byte{3, 1, 2, 3}, func(r *Reader) { r.CompactBytes("name", 2) }, ErrLimit},
		"bytes cut":            {[]byte{3, 1, 2}, func(r *Reader) { r.CompactBytes("name", 3) }, ErrShort},
		"no bytes":             {nil, func(r *Reader) { r.CompactBytes("name", 3) }, ErrShort},
	} {
		r := NewReader(f.in)
		f.read(&r)
		if !errors.Is(r.Err(), f.want) || r.Len() != 0 {
			t.Errorf("%s: error %v, want %v", name, r.Err(), f.want)
		}
	}
}
