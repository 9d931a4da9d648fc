package factom

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect/factom/gobwire"
	"parley/internal/golden"
)

// recording is one file of testdata: what real nodes wrote, one frame for each
// write. Those under p2p come from factom-p2p 1.13, those under legacy from
// factomd 6.6 and older.
type recording struct {
	name    string
	Nodes   map[string]json.RawMessage
	Frames  []frame
	Outcome struct {
		Negotiated map[string]string               `json:"negotiated"`
		Offers     []jsonEndpoint                  `json:"alternatives_received_by_dialer"`
		After      string                          `json:"connection_after_script"`
		PeerHash   string                          `json:"peer_hash"`
		Delivered  *struct{ From, Payload string } `json:"delivered_to_listener_app"`
	}
}

// node is how one side of a recording was configured.
type node struct {
	Network string `json:"network"`
	NodeID  string `json:"node_id"`
	Nonce   string `json:"loopback_nonce"`
	Port    string `json:"listen_port"`
	Version uint16 `json:"protocol_version"`
	Minimum uint16 `json:"protocol_version_minimum"`
}

type frame struct {
	Dir     string
	Event   string
	Hex     string
	Meaning string
	Decoded decoded
}

// decoded is what an independent program read out of a frame.
type decoded struct {
	Message string
	Struct  *struct {
		ID   int
		Name string
	}
	TypeID int `json:"type_id"`
	Header *struct {
		Network, Length, Crc32                              int64
		Version, Type, PartNo, PartsTotal                   uint16
		NodeID                                              uint64
		TargetPeer, PeerAddress, PeerPort, AppHash, AppType string
	}
	Type         uint32
	Network      uint32
	Version      uint16
	NodeID       uint32 `json:"node_id"`
	ListenPort   string `json:"listen_port"`
	Loopback     string
	Alternatives []jsonEndpoint
	PayloadLen   int    `json:"payload_len"`
	PayloadHex   string `json:"payload_hex"`
	PayloadRule  string `json:"payload_rule"`
	PayloadSum   string `json:"payload_sha256"`
}

type jsonEndpoint struct{ IP, Host, Port string }

func (e jsonEndpoint) endpoint() Endpoint { return Endpoint{e.IP + e.Host, e.Port} }

const (
	toListener = "dialer->listener"
	toDialer   = "listener->dialer"
)

// load reads a file of testdata into v.
func load(t testing.TB, name string, v any) {
	t.Helper()
	golden.Load(t, "testdata/"+name, v)
}

// recordings loads the files of testdata that match a pattern, of which there must
// be so many, and leaves out those that hold tables instead of frames.
func recordings(t testing.TB, pattern string, want int) (rs []*recording) {
	t.Helper()
	for _, path := range golden.Match(t, "testdata/"+pattern, want) {
		r := &recording{name: filepath.Base(path)}
		golden.Load(t, path, r)
		if len(r.Frames) > 0 {
			rs = append(rs, r)
		}
	}
	return rs
}

// stream returns all that one side wrote.
func (r *recording) stream(t testing.TB, dir string) (b []byte) {
	t.Helper()
	for _, f := range r.Frames {
		if f.Dir == dir {
			b = append(b, f.bytes(t)...)
		}
	}
	return b
}

// node returns the configuration of a side, or the one of both sides.
func (r *recording) node(t testing.TB, side string) (n node) {
	t.Helper()
	raw := r.Nodes[side]
	if raw == nil {
		raw = r.Nodes["both"]
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		t.Fatal(r.name, side, err)
	}
	return n
}

func (f *frame) bytes(t testing.TB) []byte { return golden.Bytes(t, f.Hex) }

// payload returns the payload of a frame, in full or as its rule says.
func (d *decoded) payload(t testing.TB) []byte {
	t.Helper()
	if d.PayloadRule == "" {
		return golden.Bytes(t, d.PayloadHex)
	}
	b := make([]byte, d.PayloadLen)
	for i := range b {
		b[i] = byte(31*i + 7)
	}
	return b
}

func (d *decoded) header() gobwire.Header {
	h := d.Header
	return gobwire.Header{
		Network: uint32(h.Network), Version: h.Version, Type: h.Type, Length: uint32(h.Length), Crc32: uint32(h.Crc32),
		PartNo: h.PartNo, PartsTotal: h.PartsTotal, NodeID: h.NodeID,
		TargetPeer: []byte(h.TargetPeer), PeerAddress: []byte(h.PeerAddress), PeerPort: []byte(h.PeerPort),
		AppHash: []byte(h.AppHash), AppType: []byte(h.AppType),
	}
}

func number[T uint32 | uint64](t testing.TB, s string) (n T) {
	t.Helper()
	for _, c := range bytes.TrimPrefix([]byte(s), []byte("0x")) {
		i := strings.IndexByte("0123456789abcdef", c)
		if i < 0 {
			t.Fatalf("%q is not a hexadecimal number", s)
		}
		n = n<<4 | T(i)
	}
	return n
}

func addrs(t testing.TB, es []jsonEndpoint) (as []addr.Addr) {
	t.Helper()
	for _, e := range es {
		a, err := e.endpoint().Addr()
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	return as
}
