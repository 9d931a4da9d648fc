package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
)

func fields(b []byte) (fs []Field, err error) {
	r := NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		fs = append(fs, f)
	}
	return fs, r.Err()
}

func TestFields(t *testing.T) {
	b := AppendVarintField(nil, 1, 300)
	b = AppendVarintField(b, 2, 0) // left out
	b = AppendStringField(b, 3, "text")
	b = AppendStringField(b, 4, []byte(nil)) // left out
	b = append(AppendBytesHead(b, 5, 2), "xy"...)
	b = append(b, 6<<3|1, 1, 0, 0, 0, 0, 0, 0, 0x80)       // fixed 64
	b = append(b, 7<<3|5, 2, 0, 0, 0)                      // fixed 32
	b = append(b, 8<<3|3, 9<<3|3, 9<<3|4, 8<<3|4)          // a group in a group
	b = append(b, 8<<3|3, 1<<3, 5, 2<<3|2, 1, 'z', 8<<3|4) // a group of fields
	b = append(b, 8<<3|3, 1<<3|1, 0, 0, 0, 0, 0, 0, 0, 0, 1<<3|5, 0, 0, 0, 0, 8<<3|4)
	b = AppendVarintField(b, maxField, math.MaxUint64)
	got, err := fields(b)
	want := []Field{
		{1, Varint, 300, nil}, {3, Bytes, 0, []byte("text")}, {5, Bytes, 0, []byte("xy")},
		{6, Fixed64, 1<<63 | 1, nil}, {7, Fixed32, 2, nil}, {Num: 8, Type: Group}, {Num: 8, Type: Group}, {Num: 8, Type: Group},
		{maxField, Varint, math.MaxUint64, nil},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v and %v, want %+v", got, err, want)
	}
	for n := range b {
		if fs, err := fields(b[:n]); err == nil && len(fs) > 0 && !reflect.DeepEqual(fs, want[:len(fs)]) {
			t.Errorf("cut at %d: %+v", n, fs)
		}
	}
}

func TestBadFields(t *testing.T) {
	open := bytes.Repeat([]byte{1<<3 | 3}, maxGroup+1)
	shut := bytes.Repeat([]byte{1<<3 | 4}, maxGroup+1)
	for name, b := range map[string][]byte{
		"field 0":             {0, 1},
		"field over 2^29":     {0x80, 0x80, 0x80, 0x80, 0x10, 1},
		"wire type 6":         {1<<3 | 6, 1},
		"wire type 7":         {1<<3 | 7, 1},
		"end without a start": {1<<3 | 4},
		"wrong end":           {1<<3 | 3, 2<<3 | 4},
		"field 0 in a group":  {1<<3 | 3, 0, 1, 1<<3 | 4},
		"wire type 7 in one":  {1<<3 | 3, 1<<3 | 7, 1<<3 | 4},
		"groups without end":  open,
		"groups too deep":     slices.Concat(open, shut),
		"group cut":           {1<<3 | 3, 1<<3 | 2, 5},
		"bytes longer than b": {1<<3 | 2, 2, 'x'},
		"bytes of 2^64-1":     {1<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"varint of eleven":    slices.Concat([]byte{1 << 3}, bytes.Repeat([]byte{0x80}, 10), []byte{1}),
	} {
		if fs, err := fields(b); err == nil {
			t.Errorf("%s: read %+v", name, fs)
		}
	}
}

func TestWant(t *testing.T) {
	r := NewReader(AppendVarintField(nil, 1, 1))
	f, _ := r.Field()
	if !r.Want(f, Varint, "type") || r.Err() != nil {
		t.Error("the right type is refused")
	}
	if r.Want(f, Bytes, "type") || !errors.Is(r.Err(), ErrField) {
		t.Errorf("the wrong type gives %v", r.Err())
	}
}

func TestUvarintLen(t *testing.T) {
	for v, want := range map[uint64]int{0: 1, 127: 1, 128: 2, 16383: 2, 16384: 3, math.MaxUint64: 10} {
		if got := UvarintLen(v); got != want {
			t.Errorf("UvarintLen(%d) = %d, want %d", v, got, want)
		}
	}
}
