package p2p

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/internal/golden"
)

// recording is what real nodes wrote in one session.
type recording struct {
	Nodes map[string]struct {
		ListenPort string `json:"listen_port"`
	}
	Frames []struct {
		Dir, Hex, Meaning string
		Decoded           struct {
			Header *struct{ TargetPeer string }
		}
	}
}

func loadJSON(t *testing.T, name string, v any) {
	t.Helper()
	golden.Load(t, "../../dialect/factom/testdata/"+name, v)
}

// What recorded nodes said in a whole session is read by a Protocol, and
// written by another byte for byte.
func TestProtocolsSpeakTheRecordedBytes(t *testing.T) {
	for _, version := range []uint16{9, 10, 11} {
		var r recording
		loadJSON(t, fmt.Sprintf("p2p/v%d_session", version), &r)
		for _, dir := range []string{"dialer->listener", "listener->dialer"} {
			t.Run(fmt.Sprintf("v%d/%s", version, dir), func(t *testing.T) { replay(t, version, &r, dir) })
		}
	}
}

func replay(t *testing.T, version uint16, r *recording, dir string) {
	var in []byte
	var targets []string
	for _, f := range r.Frames {
		if f.Dir != dir {
			continue
		}
		in = append(in, golden.Bytes(t, f.Hex)...)
		if f.Decoded.Header != nil {
			targets = append(targets, f.Decoded.Header.TargetPeer)
		}
	}
	var out bytes.Buffer
	conf := Configuration{Network: NewNetworkID("myNetwork")}
	p, h := protocol(t, version, &conf, bytes.NewBuffer(slices.Clone(in))), (*Handshake)(nil)
	h, err := p.ReadHandshake()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Valid(&conf); err != nil || h.Version != version || h.Loopback == 0 {
		t.Errorf("handshake %+v: %v", h, err)
	}
	conf.NodeID, conf.ListenPort = h.NodeID, h.ListenPort
	q := protocol(t, version, &conf, &out)
	if err := q.SendHandshake(h); err != nil {
		t.Fatal(err)
	}
	count := 0
	for ; ; count++ {
		x, err := p.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if version == 9 {
			x.Address = targets[1+count]
		}
		if err := q.Send(x); err != nil {
			t.Fatal(err)
		}
	}
	if count < 7 {
		t.Errorf("%d parcels, want a session of them", count)
	}
	if !bytes.Equal(out.Bytes(), in) {
		t.Error("written otherwise than recorded")
	}
}

func protocol(t *testing.T, version uint16, c *Configuration, rw io.ReadWriter) Protocol {
	t.Helper()
	p, err := NewProtocol(version, c, rw)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version() != version || p.String() != fmt.Sprint(version) {
		t.Errorf("version %d, %s, want %d", p.Version(), p, version)
	}
	return p
}

func TestSharesAreTheRecordedBytes(t *testing.T) {
	var r struct {
		Cases []struct {
			Version   uint16
			Set, Hex  string
			Endpoints []Endpoint
			Parsed    []Endpoint `json:"parsed_back"`
			ParseErr  string     `json:"parse_error"`
		}
	}
	loadJSON(t, "p2p/peer_share_payloads", &r)
	if len(r.Cases) < 6 {
		t.Fatalf("%d cases", len(r.Cases))
	}
	for _, c := range r.Cases {
		p := protocol(t, c.Version, &Configuration{Network: NewNetworkID("myNetwork")}, nil)
		b, err := p.MakePeerShare(c.Endpoints)
		if err != nil || hex.EncodeToString(b) != c.Hex {
			t.Errorf("version %d, %s: made %q, %v", c.Version, c.Set, b, err)
		}
		if eps, err := p.ParsePeerShare(b); err != nil || !reflect.DeepEqual(eps, c.Parsed) {
			t.Errorf("version %d, %s: parsed %v, %v, want %v", c.Version, c.Set, eps, err, c.Parsed)
		}
	}
}

// A Protocol speaks with a network as a node does.
func TestProtocolsSpeakWithNetworks(t *testing.T) {
	for _, version := range []uint16{9, 10, 11} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			n := start(t, local(10))
			conf := numbered(local(version), 7)
			conf.ListenPort = "1234"
			p := protocol(t, version, &conf, dialRaw(t, n))
			h := introduce(t, p, &conf, 99)
			if h.Network != conf.Network || h.NodeID != StringToUint32("FNode0") || h.Loopback == 0 {
				t.Errorf("answered %+v", h)
			}
			if err := p.Send(NewParcel("", []byte("hello"))); err != nil {
				t.Fatal(err)
			}
			got := next(t, n)
			if string(got.Payload) != "hello" || got.Address != "127.0.0.1:1234 00000007" {
				t.Errorf("got %q from %q", got.Payload, got.Address)
			}
			n.BlockingSend(NewParcel(got.Address, []byte("back")))
			for {
				x, err := p.Receive()
				if err != nil {
					t.Fatal(err)
				}
				if x.IsApplicationMessage() {
					if string(x.Payload) != "back" {
						t.Errorf("got %q", x.Payload)
					}
					return
				}
			}
		})
	}
}

// introduce opens a connection from the dialing side.
func introduce(t testing.TB, p Protocol, c *Configuration, nonce uint64) *Handshake {
	t.Helper()
	err := p.SendHandshake(&Handshake{
		Network: c.Network, Version: p.Version(), Type: TypeHandshake, NodeID: c.NodeID,
		ListenPort: cmp.Or(strings.TrimPrefix(c.ListenPort, "0"), "1"), Loopback: nonce,
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.ReadHandshake()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRejectsOfProtocols(t *testing.T) {
	want := &Handshake{
		Network: 5, Type: TypeRejectAlternative, NodeID: 6, ListenPort: "8108",
		Alternatives: []Endpoint{{"203.0.113.7", "8108"}, {"2001:db8::1", "1"}, {"example.org", "2"}},
	}
	for _, version := range []uint16{9, 10, 11} {
		var b bytes.Buffer
		h := *want
		h.Version = version
		p := protocol(t, version, &Configuration{}, &b)
		if err := p.SendHandshake(&h); err != nil {
			t.Fatal(err)
		}
		got, err := p.ReadHandshake()
		if err != nil || !reflect.DeepEqual(got, &h) {
			t.Errorf("version %d: read %+v, %v, want %+v", version, got, err, h)
		}
	}
}

// What no node sends is refused, without memory for what was only announced.
func TestProtocolsRefuse(t *testing.T) {
	for _, c := range []struct {
		name    string
		version uint16
		bytes   string
	}{
		{"v9 length of 2^63", 9, "f88000000000000000"},
		{"v9 garbage", 9, "05ffffffffff"},
		{"v10 length of 2^31", 10, "fc80000000"},
		{"v11 length of 4 GiB", 11, "ffffffff"},
		{"v11 empty", 11, "00000000"},
		{"v11 without payload", 11, "000000020806"},
		{"v11 unknown type", 11, "00000005080a120107"},
		{"v11 cut varint", 11, "000000020880"},
		{"v11 endless varint", 11, "0000000c08ffffffffffffffffffff7f"},
	} {
		p := protocol(t, c.version, &Configuration{}, bytes.NewBuffer(golden.Bytes(t, c.bytes)))
		if x, err := p.Receive(); err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, %v", c.name, x, err)
		}
	}
}

func TestProtocolsWithoutConnection(t *testing.T) {
	for _, p := range []Protocol{new(ProtocolV9), new(ProtocolV10), new(ProtocolV11)} {
		_, err1 := p.ReadHandshake()
		_, err2 := p.Receive()
		for _, err := range []error{p.SendHandshake(new(Handshake)), err1, err2, p.Send(NewParcel("", []byte{1}))} {
			if !errors.Is(err, errNoConnection) {
				t.Errorf("version %s: %v", p, err)
			}
		}
		b, err := p.MakePeerShare([]Endpoint{{"1.2.3.4", "5"}})
		if err != nil {
			t.Fatal(err)
		}
		if eps, err := p.ParsePeerShare(b); err != nil || len(eps) != 1 {
			t.Errorf("version %s: share %v, %v", p, eps, err)
		}
	}
	if _, err := NewProtocol(8, &Configuration{}, nil); err == nil {
		t.Error("a protocol of version 8")
	}
}

// Entries of other networks are left out of a version 9 share, as documented.
func TestShareOfAnotherNetwork(t *testing.T) {
	mine := protocol(t, 9, &Configuration{Network: MainNet}, nil)
	theirs, err := protocol(t, 9, &Configuration{Network: TestNet}, nil).MakePeerShare([]Endpoint{{"1.2.3.4", "5"}})
	if err != nil {
		t.Fatal(err)
	}
	if eps, err := mine.ParsePeerShare(theirs); err != nil || len(eps) != 0 {
		t.Errorf("got %v, %v", eps, err)
	}
}

// A share of more entries than anybody needs is an error.
func TestShareOfTooMany(t *testing.T) {
	many := make([]Endpoint, maxShared+1)
	for _, version := range []uint16{9, 10, 11} {
		p := protocol(t, version, &Configuration{}, nil)
		b, err := p.MakePeerShare(many)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.ParsePeerShare(b); err == nil {
			t.Errorf("version %d: %d entries were taken", version, len(many))
		}
	}
}

func TestV11Messages(t *testing.T) {
	h := &V11Handshake{8, 1, 11, 3, "8108", 1 << 63, []*V11Endpoint{{"a", "1"}, nil, {"b", "2"}}}
	b, err := h.Marshal()
	if err != nil || len(b) != h.Size() {
		t.Fatalf("%d bytes, size %d, %v", len(b), h.Size(), err)
	}
	var got V11Handshake
	if err := got.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	h.Alternatives[1] = new(V11Endpoint)
	if !reflect.DeepEqual(&got, h) {
		t.Errorf("got %v, want %v", &got, h)
	}
	got.Reset()
	if got.Size() != 0 || got.String() == h.String() {
		t.Errorf("after reset: %v", &got)
	}
	m := &V11Msg{6, []byte("payload")}
	if b, err = m.Marshal(); err != nil || len(b) != m.Size() {
		t.Errorf("%d bytes, size %d, %v", len(b), m.Size(), err)
	}
	var none *V11Msg
	var nobody *V11Handshake
	var nothing *V11Share
	if none.GetType() != 0 || none.GetPayload() != nil || nobody.GetAlternatives() != nil || nothing.GetShare() != nil || none.Size()+nobody.Size()+nothing.Size() != 0 {
		t.Error("getters of nil")
	}
	if err := new(V11Msg).Unmarshal([]byte{0x08, 0xff}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if err := new(V11Msg).Unmarshal(bytes.Repeat([]byte{0xff}, 12)); !errors.Is(err, ErrIntOverflowProtocolV11) {
		t.Errorf("overflow: %v", err)
	}
}

func FuzzProtocols(f *testing.F) {
	f.Add(uint8(0), []byte{0xf8, 0x80, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint8(2), []byte("\x00\x00\x00\x05\x08\x06\x12\x01\x07"))
	f.Add(uint8(2), []byte("pbuf\x00\x00\x00\x02\x08\x08"))
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		p := protocol(t, 9+uint16(which%3), &Configuration{}, struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard})
		if which&4 != 0 {
			p.ReadHandshake()
		}
		for range 100 {
			x, err := p.Receive()
			if err != nil {
				break
			}
			if err := p.Send(x); err != nil {
				t.Errorf("%v was received but can not be sent: %v", x, err)
			}
		}
		if eps, err := p.ParsePeerShare(b); err == nil {
			if _, err := p.MakePeerShare(eps); err != nil {
				t.Error(err)
			}
		}
	})
}

var _ net.Listener = patientListener{}
