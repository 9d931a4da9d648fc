package gobwire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"parley/wire"
)

// memoOf is what the memo of a stream does with one kind of message.
type memoOf[M any] struct {
	definitions []byte
	read        func(*Types, []byte, *M) (ok bool, err error)
	recalls     func(*memo, []byte, *M) (ok bool)
}

// stream returns one that knows the definitions and has read nothing else.
func (m memoOf[M]) stream(t *testing.T) *Types {
	t.Helper()
	types := new(Types)
	for defs := m.definitions; len(defs) > 0; {
		head, size, err := Size(defs)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := m.read(types, defs[head:head+int(size)], new(M)); ok || err != nil {
			t.Fatal(ok, err)
		}
		defs = defs[head+int(size):]
	}
	return types
}

// changesNothing reads messages, some of them damaged, from a stream that was
// read from its start and from one that only knows the definitions: both read the
// same. So many at least must be like the one before.
func (m memoOf[M]) changesNothing(t *testing.T, r *rand.Rand, least int, encode func() []byte) {
	t.Helper()
	used, met := m.stream(t), 0
	for i := range 20_000 {
		msg := encode()
		head, _, err := Size(msg)
		if err != nil {
			t.Fatal(err)
		}
		msg = msg[head:]
		if r.IntN(3) == 0 {
			msg[r.IntN(len(msg))] = byte(r.Uint32())
		}
		if r.IntN(5) == 0 {
			msg = msg[:r.IntN(len(msg))]
		}
		var a, b, c M
		if m.recalls(&used.last, msg, &c) {
			met++
		}
		ok1, err1 := m.read(used, msg, &a)
		ok2, err2 := m.read(m.stream(t), msg, &b)
		if ok1 != ok2 || (err1 == nil) != (err2 == nil) || ok1 && !reflect.DeepEqual(a, b) {
			t.Fatalf("message %d, % x:\n%v %v %+v\n%v %v %+v", i, msg, ok1, err1, a, ok2, err2, b)
		}
	}
	if met < least {
		t.Errorf("only %d messages were like the one before", met)
	}
}

func TestMemoOfLongs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	longs := memoOf[Long]{Go126.DefineLong(nil), (*Types).Long, (*memo).read}
	longs.changesNothing(t, r, 5000, func() []byte {
		h := Header{Network: 7, Version: 9, NodeID: 1 << 40, PeerPort: []byte("8108"), AppHash: []byte("h"), AppType: []byte("t")}
		h.Type, h.Crc32 = 6, r.Uint32()>>r.IntN(32)
		payload := bytes.Repeat([]byte("p"), r.IntN(300))
		h.Length = uint32(len(payload))
		if r.IntN(10) == 0 {
			h.PartsTotal, h.PartNo, h.TargetPeer = 2, 1, []byte("you")
		}
		return append(append(Go126.AppendLong(nil, &h, len(payload)), payload...), 0)
	})
}

func TestMemoOfShorts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	shorts := memoOf[Short]{Go126.DefineShort(nil), (*Types).Short, (*memo).readShort}
	shorts.changesNothing(t, r, 3000, func() []byte {
		payload := bytes.Repeat([]byte("p"), r.IntN(300))
		b := Go126.AppendShort(nil, uint16(r.IntN(12)/4), len(payload))
		return append(append(b, payload...), 0)
	})
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
