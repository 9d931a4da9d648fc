package binary_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	. "parley/compat/tendermint/binary"
)

// what is written is in the form of September 2014, and reads back.
func TestForms(t *testing.T) {
	var b bytes.Buffer
	var n int64
	var err error
	WriteByte(&b, 7, &n, &err)
	WriteUInt32(&b, 0x01020304, &n, &err)
	WriteUInt64(&b, 0x0102030405060708, &n, &err)
	WriteString(&b, "hi", &n, &err)
	WriteByteSlice(&b, nil, &n, &err)
	want := "07" + "04030201" + "0807060504030201" + "020000006869" + "00000000"
	if got := hex.EncodeToString(b.Bytes()); err != nil || got != want || n != int64(len(want)/2) {
		t.Errorf("%s in %d bytes, %v; want %s", got, n, err, want)
	}
	n = 0
	x, y, z, s, e := ReadByte(&b, &n, &err), ReadUInt32(&b, &n, &err), ReadUInt64(&b, &n, &err), ReadString(&b, &n, &err), ReadByteSlice(&b, &n, &err)
	if err != nil || x != 7 || y != 0x01020304 || z != 0x0102030405060708 || s != "hi" || len(e) != 0 || n != int64(len(want)/2) {
		t.Errorf("read %v %v %v %q %v, %d bytes, %v", x, y, z, s, e, n, err)
	}
}

// What the module of September 2014 wrote, byte for byte, and that it reads back.
func TestRecorded(t *testing.T) {
	var n int64
	var err error
	when := time.Date(2014, 9, 11, 0, 0, 0, 500_000_000, time.UTC)
	for want, write := range map[string]func(w io.Writer){
		"ab":                   func(w io.Writer) { WriteByte(w, 0xab, &n, &err) },
		"3412":                 func(w io.Writer) { WriteUInt16(w, 0x1234, &n, &err) },
		"78563412":             func(w io.Writer) { WriteUInt32(w, 0x12345678, &n, &err) },
		"feffffffffffffff":     func(w io.Writer) { WriteInt64(w, -2, &n, &err) },
		"efcdab8967452301":     func(w io.Writer) { WriteUInt64(w, 0x0123456789abcdef, &n, &err) },
		"0600000068c3a96c6c6f": func(w io.Writer) { WriteString(w, "héllo", &n, &err) },
		"03000000010203":       func(w io.Writer) { WriteByteSlice(w, []byte{1, 2, 3}, &n, &err) },
		"00e6105400000000":     func(w io.Writer) { WriteTime(w, when, &n, &err) },
	} {
		var b bytes.Buffer
		if write(&b); err != nil || hex.EncodeToString(b.Bytes()) != want {
			t.Errorf("%x, %v; recorded was %s", b.Bytes(), err, want)
		}
	}
	r := bytes.NewReader([]byte{0x34, 0x12, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0xe6, 0x10, 0x54, 0, 0, 0, 0})
	u, i, at := ReadUInt16(r, &n, &err), ReadInt64(r, &n, &err), ReadTime(r, &n, &err)
	if err != nil || u != 0x1234 || i != -2 || !at.Equal(when.Truncate(time.Second)) {
		t.Errorf("read %x, %d, %v, %v", u, i, at, err)
	}
	if ReadUInt16(r, &n, &err) != 0 || err == nil {
		t.Error("read past the end")
	}
}

// After an error nothing more happens, and no memory is spent on what is announced
// and does not come.
func TestErrors(t *testing.T) {
	var n int64
	var err error
	if b := ReadByteSlice(strings.NewReader("\xff\xff\xff\xff"), &n, &err); b != nil || !errors.Is(err, ErrTooLong) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if ReadUInt64(strings.NewReader("12345678"), &n, &err) != 0 || n != 4 {
		t.Errorf("read on after an error: %d", n)
	}
	err, n = nil, 0
	allocs := testing.AllocsPerRun(1, func() {
		err, n = nil, 0
		ReadByteSlice(strings.NewReader("\x00\x00\x50\x01few"), &n, &err)
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) || allocs > 10 {
		t.Errorf("22 MB announced: %v with %.0f allocations", err, allocs)
	}
	w := failing{}
	err, n = nil, 0
	WriteUInt64(w, 1, &n, &err)
	WriteByte(w, 1, &n, &err)
	WriteBinary(w, bytes.NewBufferString("x"), &n, &err)
	if err != io.ErrClosedPipe || n != 3 {
		t.Errorf("wrote %d, %v", n, err)
	}
}

type failing struct{}

func (failing) Write(p []byte) (int, error) { return min(len(p), 3), io.ErrClosedPipe }
