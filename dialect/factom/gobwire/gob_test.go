package gobwire

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
)

// The structs as the original declares them (factom-p2p 1.13). Their names and
// order decide what encoding/gob writes.
type (
	V9Msg struct {
		Header  V9Header
		Payload []byte
	}
	V9Header struct {
		Network     uint32
		Version     uint16
		Type        uint16
		Length      uint32
		TargetPeer  string
		Crc32       uint32
		PartNo      uint16
		PartsTotal  uint16
		NodeID      uint64
		PeerAddress string
		PeerPort    string
		AppHash     string
		AppType     string
	}
	V10Msg struct {
		Type    uint16
		Payload []byte
	}
)

func (h *Header) std() V9Header {
	return V9Header{
		h.Network, h.Version, h.Type, h.Length, string(h.TargetPeer), h.Crc32, h.PartNo, h.PartsTotal, h.NodeID,
		string(h.PeerAddress), string(h.PeerPort), string(h.AppHash), string(h.AppType),
	}
}

func (p *Long) std() V9Msg   { return V9Msg{p.Header.std(), slices.Clone(p.Payload)} }
func (p *Short) std() V10Msg { return V10Msg{p.Type, slices.Clone(p.Payload)} }

func (h *V9Header) ours() Header {
	return Header{
		h.Network, h.Version, h.Type, h.Length, []byte(h.TargetPeer), h.Crc32, h.PartNo, h.PartsTotal, h.NodeID,
		[]byte(h.PeerAddress), []byte(h.PeerPort), []byte(h.AppHash), []byte(h.AppType),
	}
}

// messages cuts a stream at its lengths.
func messages(t testing.TB, stream []byte) (ms [][]byte) {
	t.Helper()
	for len(stream) > 0 {
		head, size, err := Size(stream)
		if err != nil || uint64(head)+size > uint64(len(stream)) {
			t.Fatalf("length %d+%d of %d bytes, %v", head, size, len(stream), err)
		}
		ms = append(ms, stream[head:head+int(size)])
		stream = stream[head+int(size):]
	}
	return ms
}

// readLong reads a stream and returns the values in it.
func readLong(t testing.TB, stream []byte) (ps []V9Msg) {
	t.Helper()
	var types Types
	for _, msg := range messages(t, stream) {
		var p Long
		ok, err := types.Long(msg, &p)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			ps = append(ps, p.std())
		}
	}
	return ps
}

func encode(t testing.TB, values ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := gob.NewEncoder(&b)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// same compares messages, in which no payload and an empty one are the same.
func same(a, b V9Msg) bool {
	return a.Header == b.Header && bytes.Equal(a.Payload, b.Payload)
}

// TestReadWhatGobWrites reads random values that encoding/gob wrote.
func TestReadWhatGobWrites(t *testing.T) {
	long := func(a, b V9Msg) bool {
		got := readLong(t, encode(t, a, b))
		return len(got) == 2 && same(got[0], a) && same(got[1], b)
	}
	short := func(a, b V10Msg) bool {
		var types Types
		var got []V10Msg
		for _, msg := range messages(t, encode(t, a, b)) {
			var p Short
			ok, err := types.Short(msg, &p)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				got = append(got, p.std())
			}
		}
		return len(got) == 2 && got[0].Type == a.Type && bytes.Equal(got[1].Payload, b.Payload)
	}
	for _, f := range []any{long, short} {
		if err := quick.Check(f, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestGobReadsWhatWeWrite lets encoding/gob read random values of ours, under
// several sets of type numbers.
func TestGobReadsWhatWeWrite(t *testing.T) {
	for _, ids := range []IDs{Go126, Go113, {100, 300, 64}, {70000, 1 << 29, 65}} {
		f := func(a, b V9Msg, s V10Msg) bool {
			stream := ids.DefineLong(nil)
			for _, v := range []*V9Msg{&a, &b} {
				h := v.Header.ours()
				stream = ids.AppendLong(stream, &h, len(v.Payload))
				stream = append(append(stream, v.Payload...), 0)
			}
			stream = ids.DefineShort(stream)
			stream = ids.AppendShort(stream, s.Type, len(s.Payload))
			stream = append(append(stream, s.Payload...), 0)
			var x, y V9Msg
			var z V10Msg
			d := gob.NewDecoder(bytes.NewReader(stream))
			for _, v := range []any{&x, &y, &z} {
				if err := d.Decode(v); err != nil {
					t.Error(err)
					return false
				}
			}
			return same(x, a) && same(y, b) && z.Type == s.Type && bytes.Equal(z.Payload, s.Payload)
		}
		if err := quick.Check(f, nil); err != nil {
			t.Error(ids, err)
		}
	}
}

// Structs with the right names among others, in another order.
type (
	strange struct {
		A       bool
		B       int64
		C       float64
		D       complex128
		Payload []byte
		E       string
		F       [3]int16
		G       []string
		H       map[string][]uint8
		J       itself
		N       binary
		O       text
		Header  strangeHeader
	}
	odd struct {
		I       *nested
		K       []nested
		Payload []byte
		L       [][]map[int]nested
		M       [2][2]bool
	}
	nested struct {
		X, Y int
		Z    *string
		W    struct{ V []complex64 }
	}
	strangeHeader struct {
		AppType  string
		Unknown  nested
		NodeID   uint64
		PeerPort string
		More     []int
		Network  uint32
	}
)

// Types that encode themselves, in the three ways that gob knows.
type (
	itself struct{ N uint8 }
	binary struct{ N uint8 }
	text   struct{ N uint8 }
)

func (x itself) GobEncode() ([]byte, error)     { return make([]byte, x.N), nil }
func (x *itself) GobDecode(b []byte) error      { x.N = uint8(len(b)); return nil }
func (x binary) MarshalBinary() ([]byte, error) { return make([]byte, x.N), nil }
func (x *binary) UnmarshalBinary(b []byte) error {
	x.N = uint8(len(b))
	return nil
}
func (x text) MarshalText() ([]byte, error) { return bytes.Repeat([]byte{'x'}, int(x.N)), nil }
func (x *text) UnmarshalText(b []byte) error {
	x.N = uint8(len(b))
	return nil
}

// TestSkipUnknown skips fields of every kind that gob has.
func TestSkipUnknown(t *testing.T) {
	f := func(v strange, text string) bool {
		v.G = append(v.G, text, "")
		got := readLong(t, encode(t, v, v))
		want := V9Msg{V9Header{AppType: v.Header.AppType, NodeID: v.Header.NodeID, PeerPort: v.Header.PeerPort, Network: v.Header.Network}, v.Payload}
		return len(got) == 2 && same(got[0], want) && same(got[1], want)
	}
	g := func(v odd, text string) bool {
		v.I = &nested{X: 5, Z: &text}
		got := readLong(t, encode(t, v, v))
		return len(got) == 2 && bytes.Equal(got[0].Payload, v.Payload) && bytes.Equal(got[1].Payload, v.Payload)
	}
	for _, f := range []any{f, g} {
		if err := quick.Check(f, &quick.Config{MaxCount: 300}); err != nil {
			t.Error(err)
		}
	}
}

// TestMixed reads both structs out of one stream, in which the second is defined
// late, as in version 10.
func TestMixed(t *testing.T) {
	first, second := V9Msg{V9Header{Version: 10, Type: 8}, []byte("nonce")}, V10Msg{6, []byte("body")}
	var types Types
	ms := messages(t, encode(t, first, second, second))
	var p Long
	for _, msg := range ms[:3] {
		if _, err := types.Long(msg, &p); err != nil {
			t.Fatal(err)
		}
	}
	if !same(p.std(), first) {
		t.Errorf("read %+v", p)
	}
	var s Short
	for _, msg := range ms[3:] {
		if _, err := types.Short(msg, &s); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(s.std(), second) {
		t.Errorf("read %+v", s)
	}
}

// TestNoAllocation reads and writes values without allocating.
func TestNoAllocation(t *testing.T) {
	stream := encode(t, V9Msg{V9Header{Network: 7, NodeID: 9, AppHash: "NetworkMessage"}, make([]byte, 1000)})
	ms := messages(t, stream)
	var types Types
	for _, msg := range ms[:2] {
		if _, err := types.Long(msg, new(Long)); err != nil {
			t.Fatal(err)
		}
	}
	h := Header{Network: 7, NodeID: 9, AppHash: []byte("NetworkMessage")}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		var p Long
		types.Long(ms[2], &p)
		buf = Go126.AppendLong(buf[:0], &h, 1000)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
