package gobwire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"parley/wire"
)

func longs(t *testing.T, ids IDs) (types func() *Types, encode func(h Header, payload []byte) []byte) {
	types = func() *Types {
		ts := new(Types)
		for defs := ids.DefineLong(nil); len(defs) > 0; {
			head, size, err := Size(defs)
			if err != nil {
				t.Fatal(err)
			}
			var p Long
			if ok, err := ts.Long(defs[head:head+int(size)], &p); ok || err != nil {
				t.Fatal(ok, err)
			}
			defs = defs[head+int(size):]
		}
		return ts
	}
	encode = func(h Header, payload []byte) []byte {
		b := ids.AppendLong(nil, &h, len(payload))
		b = append(append(b, payload...), 0)
		head, _, err := Size(b)
		if err != nil {
			t.Fatal(err)
		}
		return b[head:]
	}
	return types, encode
}

// A stream that was read from its start and one that only knows the definitions
// read the same, whatever came before and whatever is wrong with a message.
func TestMemoChangesNothing(t *testing.T) {
	types, encode := longs(t, Go126)
	used, r := types(), rand.New(rand.NewPCG(3, 4))
	header := Header{Network: 7, Version: 9, NodeID: 1 << 40, PeerPort: []byte("8108"), AppHash: []byte("h"), AppType: []byte("t")}
	met := 0
	for i := range 20_000 {
		h := header
		h.Type, h.Crc32 = 6, r.Uint32()>>r.IntN(32)
		payload := bytes.Repeat([]byte("p"), r.IntN(300))
		h.Length = uint32(len(payload))
		if r.IntN(10) == 0 {
			h.PartsTotal, h.PartNo, h.TargetPeer = 2, 1, []byte("you")
		}
		msg := encode(h, payload)
		if r.IntN(3) == 0 {
			msg[r.IntN(len(msg))] = byte(r.Uint32())
		}
		if r.IntN(5) == 0 {
			msg = msg[:r.IntN(len(msg))]
		}
		var a, b, c Long
		if used.last.read(msg, &c) {
			met++
		}
		ok1, err1 := used.Long(msg, &a)
		ok2, err2 := types().Long(msg, &b)
		if ok1 != ok2 || (err1 == nil) != (err2 == nil) || ok1 && !reflect.DeepEqual(a, b) {
			t.Fatalf("message %d, % x:\n%v %v %+v\n%v %v %+v", i, msg, ok1, err1, a, ok2, err2, b)
		}
	}
	if met < 5000 {
		t.Errorf("only %d messages were like the one before", met)
	}
}

// What a front appends is what AppendLong does.
func TestFront(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		h := Header{Network: r.Uint32() >> r.IntN(32), Version: 9, Type: uint16(r.IntN(10)), NodeID: r.Uint64() >> r.IntN(64)}
		if r.IntN(2) == 0 {
			h.TargetPeer, h.PeerPort = []byte("target"), []byte("8108")
		}
		h.Length, h.Crc32 = 1+r.Uint32()>>(1+r.IntN(31)), 1+r.Uint32()>>(1+r.IntN(31))
		n := 1 + r.IntN(1<<r.IntN(20))
		f := Go113.NewFront(&h)
		got, want := f.Append([]byte("x"), h.Length, h.Crc32, n), Go113.AppendLong([]byte("x"), &h, n)
		if !bytes.Equal(got, want) {
			t.Fatalf("%+v, %d bytes:\n% x\n% x", h, n, got, want)
		}
	}
}

func TestUintLen(t *testing.T) {
	for shift := range 65 {
		for _, v := range []uint64{1<<shift - 1, 1 << (shift & 63)} {
			b := appendUint(nil, v)
			if len(b) != uintLen(v) {
				t.Errorf("%#x: %d bytes, want %d", v, uintLen(v), len(b))
			}
			r := wire.NewReader(b)
			got, rest, ok := cutUint(b, 1<<64-1)
			if !ok || got != v || len(rest) > 0 || got != readUint(&r) {
				t.Errorf("%#x: read as %#x", v, got)
			}
		}
	}
}

// The same holds for Shorts.
func TestMemoOfShorts(t *testing.T) {
	types := func() *Types {
		ts := new(Types)
		defs := Go126.DefineShort(nil)
		head, _, err := Size(defs)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := ts.Short(defs[head:], new(Short)); ok || err != nil {
			t.Fatal(ok, err)
		}
		return ts
	}
	used, r, met := types(), rand.New(rand.NewPCG(7, 8)), 0
	for i := range 20_000 {
		payload := bytes.Repeat([]byte("p"), r.IntN(300))
		b := Go126.AppendShort(nil, uint16(r.IntN(12)/4), len(payload))
		b = append(append(b, payload...), 0)
		head, _, err := Size(b)
		if err != nil {
			t.Fatal(err)
		}
		msg := b[head:]
		if r.IntN(3) == 0 {
			msg[r.IntN(len(msg))] = byte(r.Uint32())
		}
		if r.IntN(5) == 0 {
			msg = msg[:r.IntN(len(msg))]
		}
		var a, b2, c Short
		if used.last.readShort(msg, &c) {
			met++
		}
		ok1, err1 := used.Short(msg, &a)
		ok2, err2 := types().Short(msg, &b2)
		if ok1 != ok2 || (err1 == nil) != (err2 == nil) || ok1 && (a.Type != b2.Type || !bytes.Equal(a.Payload, b2.Payload)) {
			t.Fatalf("message %d, % x:\n%v %v %+v\n%v %v %+v", i, msg, ok1, err1, a, ok2, err2, b2)
		}
	}
	if met < 3000 {
		t.Errorf("only %d messages were like the one before", met)
	}
}

// What a front of Shorts appends is what AppendShort does.
func TestShortFront(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 5000 {
		typ, n := 1+uint16(r.UintN(1<<r.IntN(16))), 1+r.IntN(1<<r.IntN(20))
		got, want := Go113.NewShortFront(typ).Append([]byte("x"), n), Go113.AppendShort([]byte("x"), typ, n)
		if !bytes.Equal(got, want) {
			t.Fatalf("type %d, %d bytes:\n% x\n% x", typ, n, got, want)
		}
	}
}
