package factom

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
	"parley/wire"
)

// counter is a connection that counts how much was read of it.
type counter struct {
	io.Reader
	read int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func (c *counter) Write(p []byte) (int, error) { return len(p), nil }

// TestHostileOpening feeds first parcels that no node writes. Each must be refused
// as the peer's fault, early, and without making memory for what was announced.
func TestHostileOpening(t *testing.T) {
	definition := gobwire.Go126.DefineLong(nil)
	tests := []struct {
		name string
		in   []byte
		read int // at most, of what is sent
		err  string
	}{
		{"V11 length of 2^31", []byte("pbuf\x80\x00\x00\x00"), 8, "limit 65"},
		{"V11 length of 2^32-1", []byte("pbuf\xff\xff\xff\xff"), 8, "limit 65"},
		{"gob length of 2^31", []byte("\xfc\x80\x00\x00\x00"), 5, "limit 65"},
		{"gob length of 2^64-1", []byte("\xf8\xff\xff\xff\xff\xff\xff\xff\xff"), 9, "limit 65"},
		{"gob length of nine bytes", []byte("\xf7\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 4, "length prefix"},
		{"ones", bytes.Repeat([]byte{0xff}, 300), 257, "bad gob"},
		{"definitions without end", bytes.Repeat(definition, 100), 3 * len(definition), "twice"},
		{"values without a header", append(slices.Clone(definition), 3, 0xff, 0x80, 0), 230, "version 0"},
		{"V11 handshake of nothing", []byte("pbuf\x00\x00\x00\x00"), 8, "version 0"},
		{"V11 field of the wrong type", []byte("pbuf\x00\x00\x00\x03\x0a\x01x"), 11, "wire type"},
		{"V11 half a field", []byte("pbuf\x00\x00\x00\x02\x08\x80"), 10, "ends early"},
		{"V11 endpoint of the wrong type", []byte("pbuf\x00\x00\x00\x04\x3a\x02\x08\x01"), 12, "wire type"},
	}
	d := mustNew(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, dialing := range []bool{true, false} {
				c := &counter{Reader: io.MultiReader(bytes.NewReader(tt.in), strings.NewReader(strings.Repeat("x", 1<<20)))}
				_, err := d.Open(c, opening(t, dialing, "127.0.0.1:1", 8108, 1))
				if k := fault.KindOf(err); k != fault.Protocol && k != fault.Refused || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("ends with %v, want %q", err, tt.err)
				}
				if c.read > tt.read {
					t.Errorf("read %d bytes, want at most %d", c.read, tt.read)
				}
			}
		})
	}
}

// TestManyDefinitions sends definitions up to the limits and past them: the
// exchange is refused at one of two limits, whatever comes first.
func TestManyDefinitions(t *testing.T) {
	for _, size := range []int{512, 64 << 10} {
		d := mustNew(t, Config{MaxHandshake: size})
		var in []byte
		for i := range 1000 {
			in = gobwire.IDs{Short: 64 + i}.DefineShort(in)
		}
		c := &counter{Reader: bytes.NewReader(in)}
		if _, err := d.Open(c, opening(t, false, "127.0.0.1:1", 8108, 1)); !errors.Is(err, fault.Protocol) {
			t.Errorf("ends with %v, want a protocol fault", err)
		}
		if c.read > size || c.read > 50*(gobwire.MaxTypes+1) {
			t.Errorf("read %d bytes of definitions", c.read)
		}
	}
}

// TestAnnouncedMemory announces the most that is allowed and sends nothing.
func TestAnnouncedMemory(t *testing.T) {
	in := inbox{r: strings.NewReader("abc"), left: 1 << 20}
	if n := testing.AllocsPerRun(1, func() { in.take(1 << 19) }); n > 3 {
		t.Errorf("%v allocations", n)
	}
	in = inbox{r: strings.NewReader("abc"), left: 1 << 20}
	if b, err := in.take(1 << 19); err == nil || cap(b) > 2*firstRead {
		t.Errorf("made room for %d bytes, error %v", cap(b), err)
	}
}

// TestTrickle opens byte by byte, which takes as many reads but works.
func TestTrickle(t *testing.T) {
	for _, v := range []uint16{V9, V10, V11} {
		var s script
		d := mustNew(t, Config{Version: v})
		if _, err := d.Open(&s, opening(t, true, "127.0.0.1:1", 8108, 1)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		rw := struct {
			io.Reader
			io.Writer
		}{iotest.OneByteReader(&s.out), io.Discard}
		if l, err := d.Open(rw, opening(t, false, "127.0.0.1:1", 8108, 2)); err != nil || l.Intro.Version != uint32(v) {
			t.Errorf("V%d: %v", v, err)
		}
	}
}

// TestOtherEncoding lets a listener answer in an encoding that it was not dialed
// in. It may only say no that way.
func TestOtherEncoding(t *testing.T) {
	h := Handshake{Network: testNetwork, Version: V10, Type: TypeHandshake, ListenPort: "1", Nonce: 5}
	gob := h.appendGob(nil, gobwire.Go126)
	h.Version = V11
	pbuf := h.append11(nil)
	for v, in := range map[uint16][]byte{V11: gob, V10: pbuf, V9: pbuf} {
		_, err := mustNew(t, Config{Version: v}).Open(&script{in: in}, opening(t, true, "127.0.0.1:1", 8108, 1))
		if !errors.Is(err, fault.Protocol) {
			t.Errorf("V%d: %v, want a protocol fault", v, err)
		}
	}
}

// parcelCase is what comes after a handshake, and whether it may.
type parcelCase struct {
	name string
	v    uint16
	in   []byte
	ok   bool
}

// long9 returns a V9 parcel with a header that is right until it is edited.
func long9(edit func(h *gobwire.Header), body string) []byte {
	h := gobwire.Header{Version: V9, Type: uint16(TypeMessage), Length: uint32(len(body)), Crc32: wire.Koopman([]byte(body))}
	edit(&h)
	b := gobwire.Go126.AppendLong(nil, &h, len(body))
	return append(append(b, body...), 0)
}

func short10(typ uint16, body string) []byte {
	b := gobwire.Go126.AppendShort(nil, typ, len(body))
	return append(append(b, body...), 0)
}

func keep(*gobwire.Header) {}

var gobCases = []parcelCase{
	{"V9 good", V9, long9(keep, "x"), true},
	{"V9 version", V9, long9(func(h *gobwire.Header) { h.Version = 10 }, "x"), false},
	{"V9 length", V9, long9(func(h *gobwire.Header) { h.Length++ }, "x"), false},
	{"V9 checksum", V9, long9(func(h *gobwire.Header) { h.Crc32++ }, "x"), false},
	{"V9 empty", V9, long9(keep, ""), false},
	{"V9 type 10", V9, long9(func(h *gobwire.Header) { h.Type = 10 }, "x"), false},
	{"V9 heartbeat", V9, long9(func(h *gobwire.Header) { h.Type = 0 }, "x"), true},
	{"V9 one part", V9, long9(func(h *gobwire.Header) { h.Type, h.PartsTotal = 7, 1 }, "x"), true},
	{"V9 too many parts", V9, long9(func(h *gobwire.Header) { h.Type, h.PartsTotal = 7, maxParts+1 }, "x"), false},
	{"V9 long ping", V9, long9(func(h *gobwire.Header) { h.Type = 1 }, strings.Repeat("x", maxControl+1)), false},
	{"V9 length of 2^64-1", V9, []byte("\xf8\xff\xff\xff\xff\xff\xff\xff\xff"), false},
	{"V9 one over the limit", V9, []byte("\xfd\x02\x00\x01"), false},
	{"V10 good", V10, short10(6, "x"), true},
	{"V10 empty", V10, short10(6, ""), false},
	{"V10 type 10", V10, short10(10, "x"), false},
	{"V10 alert", V10, short10(5, "x"), true},
	{"V10 long share", V10, short10(4, strings.Repeat("x", maxShare+1)), false},
	{"V10 undefined type", V10, []byte("\x04\xff\x90\x01\x06"), false},
}

var protoCases = []parcelCase{
	{"V11 good", V11, []byte("\x00\x00\x00\x05\x08\x06\x12\x01x"), true},
	{"V11 other order", V11, []byte("\x00\x00\x00\x05\x12\x01x\x08\x06"), true},
	{"V11 unknown field", V11, []byte("\x00\x00\x00\x07\x08\x06\x78\x01\x12\x01x"), true},
	{"V11 group", V11, []byte("\x00\x00\x00\x08\x08\x06\x7b\x08\x7c\x12\x01x"), false},
	{"V11 closed group", V11, []byte("\x00\x00\x00\x09\x08\x06\x7b\x08\x01\x7c\x12\x01x"), true},
	{"V11 type 65542 is cut to 6", V11, []byte("\x00\x00\x00\x07\x08\x86\x80\x04\x12\x01x"), true},
	{"V11 type 10", V11, []byte("\x00\x00\x00\x05\x08\x0a\x12\x01x"), false},
	{"V11 nothing", V11, []byte("\x00\x00\x00\x00"), false},
	{"V11 no payload", V11, []byte("\x00\x00\x00\x04\x08\x06\x12\x00"), false},
	{"V11 payload too long", V11, []byte("\x00\x00\x00\x05\x08\x06\x12\x02x"), false},
	{"V11 payload of the wrong type", V11, []byte("\x00\x00\x00\x04\x08\x06\x10\x01"), false},
	{"V11 one over the limit", V11, []byte("\x00\x02\x00\x01"), false},
	{"V11 length of 2^32-1", V11, []byte("\xff\xff\xff\xff"), false},
}

// TestHostileParcels feeds each decoder what ends a link, and what only looks as
// if it should.
func TestHostileParcels(t *testing.T) {
	for _, tt := range slices.Concat(gobCases, protoCases) {
		t.Run(tt.name, func(t *testing.T) {
			from, to := links(t, tt.v)
			if _, err := decodeAll(to.Decoder, from.Prelude); err != nil {
				t.Fatal(err)
			}
			small(to)
			_, n, err := to.Decoder.Next(tt.in)
			if tt.ok && (err != nil || n != len(tt.in)) || !tt.ok && !errors.Is(err, tt.fault()) {
				t.Errorf("takes %d of %d bytes and ends with %v, want accepted %v", n, len(tt.in), err, tt.ok)
			}
		})
	}
}

// fault is the kind with which a case ends the link: what only our own limit
// forbids is nobody's fault.
func (c parcelCase) fault() fault.Kind {
	if strings.HasSuffix(c.name, "one over the limit") {
		return fault.Refused
	}
	return fault.Protocol
}

// small lowers a link's limit: to 128 KiB in V9 and V11, to 1 MiB in V10.
func small(l *dialect.Link) {
	switch d := l.Decoder.(type) {
	case *decoder9:
		d.limit = 128 << 10
	case *decoder10:
		d.limit = 1 << 20
	case codec11:
		l.Decoder = codec11{128 << 10}
	}
}
