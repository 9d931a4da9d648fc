package factom

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/internal/golden"
	"parley/wire"
)

func TestAlgorithms(t *testing.T) {
	var v struct {
		StringToUint32 []struct {
			Dec   uint32
			Input string
		}
		NewNetworkID []struct{ Hex, Input, String string }
		Constants    map[string]struct{ Hex, String string } `json:"NetworkID_constants"`
		IP2Location  []struct {
			Input            string
			IP2LocationQuick uint32
		}
		Koopman struct {
			Examples []struct {
				Sum string `json:"crc32_koopman"`
				Hex string `json:"input_hex"`
			}
		} `json:"crc32_koopman"`
	}
	load(t, "p2p/algorithms", &v)
	if len(v.StringToUint32) < 7 || len(v.NewNetworkID) < 6 || len(v.Constants) != 3 || len(v.IP2Location) < 10 || len(v.Koopman.Examples) < 7 {
		t.Fatalf("the table is short: %+v", v)
	}
	for _, c := range v.StringToUint32 {
		if got := StringToUint32(c.Input); got != c.Dec {
			t.Errorf("StringToUint32(%q) = %d, want %d", c.Input, got, c.Dec)
		}
	}
	for _, c := range v.NewNetworkID {
		if got := NetworkID(c.Input); got != number[uint32](t, c.Hex) || NetworkName(got) != c.String {
			t.Errorf("NetworkID(%q) = %x, %q, want %s, %q", c.Input, got, NetworkName(got), c.Hex, c.String)
		}
	}
	for name, id := range map[string]uint32{"MainNet": MainNet, "TestNet": TestNet, "LocalNet": LocalNet} {
		if c := v.Constants[name]; number[uint32](t, c.Hex) != id || NetworkName(id) != c.String {
			t.Errorf("%s is %x, %q, want %s, %q", name, id, NetworkName(id), c.Hex, c.String)
		}
	}
	for _, c := range v.IP2Location {
		if got := location(c.Input); got != c.IP2LocationQuick {
			t.Errorf("location of %q is %d, want %d", c.Input, got, c.IP2LocationQuick)
		}
	}
	for _, c := range v.Koopman.Examples {
		if got := wire.Koopman(golden.Bytes(t, c.Hex)); got != number[uint32](t, c.Sum) {
			t.Errorf("checksum of %s is %08x, want %s", c.Hex, got, c.Sum)
		}
	}
}

// TestEndpoints holds our view of endpoints against the original's, which also
// takes ports and misspelled IPv4 addresses that nobody can dial.
func TestEndpoints(t *testing.T) {
	var v struct {
		Endpoint []struct {
			IP, Port, String string
			Valid            bool
		}
	}
	load(t, "p2p/algorithms", &v)
	stricter := map[string]bool{
		"127.0.0.1:-5": true, "127.0.0.1:99999": true, "x-.org:80": true, "1.2.3:80": true, "999.1.1.1:80": true,
	}
	looser := map[string]bool{"ex_ample.org:80": true, "example.org.:80": true}
	for _, c := range v.Endpoint {
		a, err := Endpoint{c.IP, c.Port}.Addr()
		if want := c.Valid && !stricter[c.String] || looser[c.String]; want != (err == nil) {
			t.Errorf("%q: %v and %v, want valid %v", c.String, a, err, want)
		}
		if err == nil && !strings.HasPrefix(c.Port, "+") && EndpointOf(a) != (Endpoint{c.IP, c.Port}) {
			t.Errorf("%q comes back as %+v", c.String, EndpointOf(a))
		}
	}
	if a, err := (Endpoint{"::ffff:10.0.0.1", "8108"}).Addr(); err != nil || a != mustAddr(t, "10.0.0.1:8108") {
		t.Errorf("a mapped address becomes %v and %v", a, err)
	}
}

func TestLegacyTables(t *testing.T) {
	var crc struct {
		Cases []struct {
			Sum string `json:"crc32_koopman"`
			Hex string `json:"payload_hex"`
		}
	}
	load(t, "legacy/crc_koopman", &crc)
	for _, c := range crc.Cases {
		if got := wire.Koopman(golden.Bytes(t, c.Hex)); got != number[uint32](t, c.Sum) {
			t.Errorf("checksum %08x, want %s", got, c.Sum)
		}
	}
	var nets struct {
		Cases []struct {
			Name string
			ID   uint32 `json:"network_id_dec"`
		}
	}
	load(t, "legacy/custom_network_ids", &nets)
	for _, c := range nets.Cases {
		if got := NetworkID(c.Name); got != c.ID {
			t.Errorf("network %q is %d, want %d", c.Name, got, c.ID)
		}
	}
	if len(crc.Cases) < 6 || len(nets.Cases) < 6 {
		t.Error("the tables are short")
	}
}

// TestWireSizes holds the sizes of whole parcels against the recorded table.
func TestWireSizes(t *testing.T) {
	var v struct {
		Rows []struct {
			Payload, V9, V10, V11 int
			V9First               int `json:"v9_first"`
			V10First              int `json:"v10_first"`
		}
	}
	load(t, "p2p/wire_sizes", &v)
	if len(v.Rows) < 12 {
		t.Fatalf("%d rows", len(v.Rows))
	}
	prelude := len(gobwire.Go126.DefineShort(nil))
	for _, row := range v.Rows {
		m := dialect.Message{Type: TypeMessage, Body: make([]byte, row.Payload)}
		for i := range m.Body {
			m.Body[i] = byte(31*i + 7)
		}
		h := gobwire.Header{
			Network: testNetwork, Version: V9, Type: uint16(TypeMessage), Length: uint32(row.Payload), Crc32: wire.Koopman(m.Body),
			TargetPeer: []byte("127.0.0.1:28108 0000cafe"), NodeID: 0xd1a1e400, PeerPort: []byte("28109"), AppHash: appHash, AppType: appType,
		}
		v9 := len(gobwire.Go126.AppendLong(nil, &h, row.Payload)) + row.Payload + 1
		v10, _ := encoder10{}.Append(nil, m)
		v11, _ := codec11{}.Append(nil, m)
		got := []int{v9, v9 + len(gobwire.Go126.DefineLong(nil)), len(v10), len(v10) + prelude, len(v11)}
		if want := []int{row.V9, row.V9First, row.V10, row.V10First, row.V11}; !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: sizes %v, want %v", row.Payload, got, want)
		}
	}
}

// TestShares holds the payloads of peer responses against the recorded ones, in
// both directions.
func TestShares(t *testing.T) {
	var v struct {
		Cases []struct {
			Endpoints []jsonEndpoint
			Hex, Set  string
			Version   uint16
		}
	}
	load(t, "p2p/peer_share_payloads", &v)
	if len(v.Cases) != 18 {
		t.Fatalf("%d cases, want 18", len(v.Cases))
	}
	for _, c := range v.Cases {
		es := make([]Endpoint, len(c.Endpoints))
		for i, e := range c.Endpoints {
			es[i] = e.endpoint()
		}
		if got := hex.EncodeToString(appendShare(nil, c.Version, testNetwork, es)); got != c.Hex {
			t.Errorf("V%d, %s: we write\n%s, recorded is\n%s", c.Version, c.Set, got, c.Hex)
		}
		got, err := parseShare(c.Version, golden.Bytes(t, c.Hex), len(es))
		if err != nil || len(got) != len(es) || len(es) > 0 && !reflect.DeepEqual(got, es) {
			t.Errorf("V%d, %s: read %v and %v, want %v", c.Version, c.Set, got, err, es)
		}
		if len(es) > 0 {
			if _, err := parseShare(c.Version, golden.Bytes(t, c.Hex), len(es)-1); err == nil {
				t.Errorf("V%d, %s: %d endpoints pass a limit of %d", c.Version, c.Set, len(es), len(es)-1)
			}
		}
	}
}

// TestLegacyShare learns from the peer response of an old node.
func TestLegacyShare(t *testing.T) {
	r := recordings(t, "legacy/stream_v9", 1)[0]
	for _, f := range r.Frames {
		if f.Decoded.Header.Type != uint16(TypePeerResponse) {
			continue
		}
		es, err := parseShare(V9, golden.Bytes(t, f.Decoded.PayloadHex), 128)
		if err != nil || len(es) != 3 {
			t.Fatalf("%v and %v", es, err)
		}
		as, err := validAddrs(es)
		if err != nil || len(as) != 3 || as[0] == (addr.Addr{}) {
			t.Errorf("%v and %v", as, err)
		}
	}
}
