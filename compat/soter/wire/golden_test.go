package wire

import (
	"bytes"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/compat/soter/chainhash"
	"parley/internal/golden"
)

// recording is one file of testdata: what soterd wrote, or what it did when
// something was written to it.
type recording struct {
	name   string
	Frames []frame
	Expect struct {
		Callbacks []string
		Errors    []string `json:"read_errors"`
	}
}

type frame struct {
	Dir      string
	Hex      string
	Meaning  string
	Pver     uint32
	Encoding string
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return golden.Bytes(t, s)
}

func (f *frame) bytes(t testing.TB) []byte {
	t.Helper()
	return unhex(t, f.Hex)
}

func (f *frame) enc() MessageEncoding {
	if f.Encoding == "witness" {
		return WitnessEncoding
	}
	return BaseEncoding
}

// recordings loads the files of testdata that match a pattern, of which there must
// be so many.
func recordings(t testing.TB, pattern string, want int) (rs []*recording) {
	t.Helper()
	for _, path := range golden.Match(t, "testdata/"+pattern, want) {
		r := &recording{name: filepath.Base(path)}
		golden.Load(t, path, r)
		rs = append(rs, r)
	}
	return rs
}

// recorded returns the message of one frame of one file.
func recorded(t testing.TB, name string, i int) Message {
	t.Helper()
	f := recordings(t, name, 1)[0].Frames[i]
	_, m, _, err := ReadMessageWithEncodingN(bytes.NewReader(f.bytes(t)), f.Pver, SimNet, f.enc())
	if err != nil {
		t.Fatalf("%s: %v", f.Meaning, err)
	}
	return m
}

// TestGoldenMessages reads every message that soterd wrote and writes it to the same
// bytes, by every function that can.
func TestGoldenMessages(t *testing.T) {
	for _, r := range recordings(t, "msg_*", 25) {
		for _, f := range r.Frames {
			b := f.bytes(t)
			n, m, payload, err := ReadMessageWithEncodingN(bytes.NewReader(b), f.Pver, SimNet, f.enc())
			if err != nil || n != len(b) || m.Command() != strings.TrimPrefix(r.name, "msg_") || !bytes.Equal(payload, b[headerSize:]) {
				t.Errorf("%s: %d of %d bytes read as %+v with %x, error %v", f.Meaning, n, len(b), m, payload, err)
				continue
			}
			writesTo(t, m, f.Pver, f.enc(), b)
			again := empty(m.Command())
			next := "next"
			if m.Command() == CmdVersion {
				next = "" // it takes all that is there for fields
			}
			buf := bytes.NewBuffer(append(bytes.Clone(payload), next...))
			if err := again.BtcDecode(buf, f.Pver, f.enc()); err != nil || !reflect.DeepEqual(again, m) || buf.String() != next {
				t.Errorf("%s: reads as %+v from a buffer and leaves %q, error %v", f.Meaning, again, buf, err)
			}
			again = empty(m.Command())
			if err := again.BtcDecode(bytes.NewReader(payload), f.Pver, f.enc()); err != nil || !reflect.DeepEqual(again, m) {
				t.Errorf("%s: reads as %+v from a reader, error %v", f.Meaning, again, err)
			}
		}
	}
}

// writesTo checks that m is written to the bytes of a whole message.
func writesTo(t *testing.T, m Message, pver uint32, enc MessageEncoding, want []byte) {
	t.Helper()
	var w, p bytes.Buffer
	n, err := WriteMessageWithEncodingN(&w, m, pver, SimNet, enc)
	if err != nil || n != len(want) || !bytes.Equal(w.Bytes(), want) {
		t.Errorf("%s is written to %x, %d bytes, error %v; want %x", m.Command(), w.Bytes(), n, err, want)
	}
	if err := m.BtcEncode(&p, pver, enc); err != nil || !bytes.Equal(p.Bytes(), want[headerSize:]) {
		t.Errorf("%s has payload %x, error %v; want %x", m.Command(), p.Bytes(), err, want[headerSize:])
	}
	if b, err := AppendMessage([]byte("before"), m, pver, SimNet, enc); err != nil || !bytes.Equal(b, append([]byte("before"), want...)) {
		t.Errorf("%s is appended to %x, error %v", m.Command(), b, err)
	}
}

// TestGoldenSession reads a whole session of two soterd peers, message after message
// from one stream, and writes it again.
func TestGoldenSession(t *testing.T) {
	r := recordings(t, "session_two_peers", 1)[0]
	if len(r.Frames) < 20 {
		t.Fatalf("%d frames", len(r.Frames))
	}
	var stream, again bytes.Buffer
	for _, f := range r.Frames {
		stream.Write(f.bytes(t))
	}
	want := bytes.Clone(stream.Bytes())
	for range r.Frames {
		m, _, err := ReadMessage(&stream, ProtocolVersion, SimNet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := WriteMessageWithEncodingN(&again, m, ProtocolVersion, SimNet, LatestEncoding); err != nil {
			t.Fatal(err)
		}
	}
	if stream.Len() != 0 || !bytes.Equal(again.Bytes(), want) {
		t.Errorf("the session is written to\n%x, want\n%x", again.Bytes(), want)
	}
}

// counting returns the 32 bytes from first upwards, as the recordings have them.
func counting(first byte) (h chainhash.Hash) {
	for i := range h {
		h[i] = first + byte(i)
	}
	return h
}

var epoch2020 = time.Unix(1577836800, 0)

// TestGoldenFields compares messages field by field with what the recordings say
// they mean.
func TestGoldenFields(t *testing.T) {
	genesis, err := chainhash.NewHashFromStr("5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2")
	if err != nil {
		t.Fatal(err)
	}
	four, height := net.ParseIP, int32(4321)
	stop := counting(0xc0)
	header := BlockHeader{
		Version: 1, PrevBlock: counting(0x40), MerkleRoot: counting(0x60),
		Timestamp: epoch2020, Bits: 0x207fffff, Nonce: 0xdeadbeef,
	}
	in := &TxIn{
		PreviousOutPoint: OutPoint{Hash: counting(0x20), Index: 7}, SignatureScript: []byte{0x51, 0x52, 0x53}, Sequence: 0xfffffffe,
	}
	out := &TxOut{Value: 5_000_000_000, PkScript: []byte{0x76, 0xa9, 0x14, 0x88, 0xac}}
	tx := &MsgTx{Version: 1, TxIn: []*TxIn{in}, TxOut: []*TxOut{out}, LockTime: 99}
	for _, c := range []struct {
		name string
		i    int
		want Message
	}{
		{"msg_version", 0, &MsgVersion{
			ProtocolVersion: 70013, Services: SFNodeNetwork | SFNodeBloom, Timestamp: epoch2020,
			AddrYou: NetAddress{Services: SFNodeNetwork, IP: four("10.0.0.1"), Port: 18555},
			AddrMe:  NetAddress{IP: four("10.0.0.2"), Port: 18555},
			Nonce:   0x1122334455667788, UserAgent: "/soterwire:0.6.0/peer:1.0.0(comment)/",
			GenesisHash: *genesis, LastBlock: 1234,
		}},
		{"msg_getblocks", 0, &MsgGetBlocks{ProtocolVersion: 70013, BlockLocatorHeights: []*int32{&height}, HashStop: stop}},
		{"msg_feefilter", 1, &MsgFeeFilter{MinFee: -1}},
		{"msg_filterload", 0, &MsgFilterLoad{Filter: []byte{0xb5, 0x0f}, HashFuncs: 11, Tweak: 0x80000001, Flags: BloomUpdateP2PubkeyOnly}},
		{"msg_tx", 0, tx},
		{"msg_block", 0, &MsgBlock{
			Header: header,
			Parents: ParentSubHeader{Version: 1, Size: 2, Parents: []*Parent{
				{Hash: counting(0x80)}, {Hash: counting(0x90), Data: counting(0x02)},
			}},
			Verification: VerificationSubHeader{Version: 1, Size: 8, CycleNonces: []uint32{1000, 1001, 1004, 1009, 1016, 1025, 1036, 1049}},
			Transactions: []*MsgTx{tx},
		}},
	} {
		if got := recorded(t, c.name, c.i); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
}

// TestGoldenMeaning looks into messages whose recordings say what they mean.
func TestGoldenMeaning(t *testing.T) {
	genesis := recorded(t, "msg_version", 0).(*MsgVersion).GenesisHash
	if b := recorded(t, "msg_block", 2).(*MsgBlock); b.BlockHash() != genesis {
		t.Errorf("the genesis block has hash %s, want %s", b.BlockHash(), genesis)
	}
	if a := recorded(t, "msg_alert", 1).(*MsgAlert).Payload; a == nil || a.Version != 1 || a.RelayUntil != 1577836800 ||
		a.Expiration != 1577836801 || a.ID != 5 || a.Cancel != 4 || !reflect.DeepEqual(a.SetCancel, []int32{1, 2}) ||
		a.MaxVer != 70013 || !reflect.DeepEqual(a.SetSubVer, []string{"/x:1/"}) || a.Priority != 100 {
		t.Errorf("the alert says %+v", a)
	}
	if a := recorded(t, "msg_alert", 0).(*MsgAlert); a.Payload != nil {
		t.Errorf("an opaque alert says %+v", a.Payload)
	}
	heights := []int32{0, 123456, -1}
	types := []InvType{InvTypeTx, InvTypeBlock, InvTypeWitnessBlock}
	for i, v := range recorded(t, "msg_inv", 0).(*MsgInv).InvList {
		if v.Height != heights[i] || v.Type != types[i] {
			t.Errorf("inventory %d is %+v, want type %s and height %d", i, v, types[i], heights[i])
		}
	}
}
