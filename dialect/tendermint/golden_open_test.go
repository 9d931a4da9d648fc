package tendermint

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

// recordedConfig returns the configuration of the recorded nodes.
func recordedConfig(seed []byte) Config {
	return Config{
		Key: ed25519.NewKeyFromSeed(seed), Network: "vector-chain", Version: "0.38.26", Moniker: "vector-node",
		App: 1, TxIndex: "on", RPCAddress: "tcp://127.0.0.1:26657", Channels: NodeChannels(),
	}
}

func (r *recording) input(t testing.TB, name string) []byte {
	t.Helper()
	s, _ := r.Inputs[name].(string)
	return unhex(t, s)
}

func (r *recording) stream(t testing.TB, dir string) (b []byte) {
	for _, f := range r.Frames {
		if f.Dir == dir {
			b = append(b, f.bytes(t)...)
		}
	}
	return b
}

// plaintexts returns what one side sealed, frame by frame.
func (r *recording) plaintexts(t testing.TB, dir string) (ps [][]byte) {
	t.Helper()
	for _, f := range r.Frames {
		var extra struct{ Plaintext string }
		if f.Dir == dir && json.Unmarshal(f.Extra, &extra) == nil && extra.Plaintext != "" {
			ps = append(ps, unhex(t, extra.Plaintext))
		}
	}
	return ps
}

// TestSession plays the dialer of a whole recorded session: what it writes is
// what the original wrote, as far as that does not depend on what was in a
// buffer before, and what it reads is what is said to be there.
func TestSession(t *testing.T) {
	r := load(t, "comet-session-v0.38.26", 11)
	d := mustNew(t, recordedConfig(r.input(t, "privA_seed32")))
	o := opening(t, true, "203.0.113.9:26656", 0)
	o.Rand = bytes.NewReader(r.input(t, "ephPrivA"))
	s := &script{in: bytes.NewReader(r.stream(t, "B->A"))}
	l, err := d.Open(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if l.Intro.ID != "1371e44c93889ce7ab89f6bfdf7ee169eadd39a6" || l.Intro.Agent != "0.38.26" || l.Intro.Listen != o.Remote.WithPort(26656) {
		t.Errorf("met %+v", l.Intro)
	}
	rest := make([]byte, s.in.Len())
	s.in.Read(rest)
	ms, rest, err := readAll(l.Decoder, rest)
	if err != nil || len(rest) > 0 || len(ms) != 2 || ms[0].Type != TypePong || ms[1].Type != TypePEX {
		t.Fatalf("read %v, %d bytes left with %v", ms, len(rest), err)
	}
	if x, err := comet.parseExchange(ms[1].Body); err != nil || len(x.addrs) != 2 {
		t.Errorf("told %+v, %v", x, err)
	}
	wrote := s.wrote.Bytes()
	for _, m := range []dialect.Message{{Type: TypePing}, {Type: TypePEX, Body: comet.request()}} {
		if wrote, err = l.Encoder.Append(wrote, m); err != nil {
			t.Fatal(err)
		}
	}
	sameSealed(t, r.plaintexts(t, "A->B")[:3], wrote, r.stream(t, "A->B"))
}

// sameSealed compares an opening and the sealed frames after it, each as far as
// there is data in it.
func sameSealed(t *testing.T, data [][]byte, got, want []byte) {
	t.Helper()
	const hello = 35
	lens := []int{103} // the proof
	for _, p := range data {
		lens = append(lens, len(p))
	}
	if len(got) != hello+len(lens)*secret.FrameSize || !bytes.Equal(got[:hello], want[:hello]) {
		t.Fatalf("wrote %d bytes, want %d frames", len(got), len(lens))
	}
	for i, n := range lens {
		at := hello + i*secret.FrameSize
		if !bytes.Equal(got[at:at+4+n], want[at:at+4+n]) {
			t.Errorf("frame %d differs", i)
		}
	}
}

// The listener reads what the dialer of the recorded session wrote, cut anywhere.
func TestSessionFromTheOtherSide(t *testing.T) {
	r := load(t, "comet-session-v0.38.26", 11)
	cfg := recordedConfig(r.input(t, "privB_seed32"))
	cfg.Channels = append(cfg.Channels, Channel{ID: 0x77})
	d := mustNew(t, cfg)
	for step := 1; step < 2*secret.FrameSize; step += 97 {
		o := opening(t, false, "203.0.113.7:50000", 0)
		o.Rand = bytes.NewReader(r.input(t, "ephPrivB"))
		s := &script{in: bytes.NewReader(r.stream(t, "A->B"))}
		l, err := d.Open(s, o)
		if err != nil {
			t.Fatal(err)
		}
		if l.Intro.ID != "fa5b843760bbecc0a7b01676d408efe702cb945c" || l.Intro.Listen != o.Remote.WithPort(26656) {
			t.Errorf("met %+v", l.Intro)
		}
		var ms []dialect.Message
		var buf []byte
		for piece := make([]byte, step); s.in.Len() > 0; {
			n, _ := s.in.Read(piece)
			var got []dialect.Message
			if got, buf, err = readAll(l.Decoder, append(buf, piece[:n]...)); err != nil {
				t.Fatal(err)
			}
			ms = append(ms, got...)
		}
		if len(ms) != 3 || ms[0].Type != TypePing || string(ms[1].Body) != "\x0a\x00" || string(ms[2].Body) != "hello app channel" {
			t.Fatalf("in pieces of %d: %v", step, ms)
		}
	}
}

// TestNodeInfo reads and writes the recorded ones, and judges them as the
// original did.
func TestNodeInfo(t *testing.T) {
	r := load(t, "comet-nodeinfo-v0.38.26", 29)
	own := mustNew(t, recordedConfig(bytes.Repeat([]byte{1}, 32))).introduce(dialect.Self{})
	valid, compatible, refused := 0, 0, 0
	for _, f := range r.Frames {
		b := f.bytes(t)
		k := 1
		if b[0] >= 0x80 {
			k = 2
		}
		n, err := parseNodeInfo(b[k:])
		if err != nil {
			t.Fatal(f.Meaning, err)
		}
		if !bytes.Equal(n.append(nil), b[k:]) {
			t.Errorf("%s: written as %x, want %x", f.Meaning, n.append(nil), b[k:])
		}
		if f.Dir != "in" {
			sameInfo(t, n, f)
			continue
		}
		wantValid := strings.Contains(f.Meaning, "Validate()=<nil>")
		if strings.Contains(f.Meaning, "unresolvable host") {
			wantValid = true // we do not look up what strangers name
		}
		if err := n.validate(); (err == nil) != wantValid {
			t.Errorf("%s: validate says %v", f.Meaning, err)
		} else if err == nil {
			valid++
		}
		if err := own.compatible(n); (err == nil) != strings.HasSuffix(f.Meaning, "CompatibleWith(theirs)=<nil>") {
			t.Errorf("%s: compatible says %v", f.Meaning, err)
		} else if err == nil {
			compatible++
		} else {
			refused++
		}
	}
	if valid != 15 || compatible != 22 || refused != 4 {
		t.Errorf("%d valid, %d compatible, %d not", valid, compatible, refused)
	}
}

func sameInfo(t *testing.T, n *NodeInfo, f recorded) {
	t.Helper()
	var e struct {
		Versions struct{ P2P, Block, App uint64 } `json:"protocol_version"`
		ID       string
		Listen   string `json:"listen_addr"`
		Network  string
		Version  string
		Channels string
		Moniker  string
		Other    struct {
			TxIndex string `json:"tx_index"`
			RPC     string `json:"rpc_address"`
		}
	}
	if err := json.Unmarshal(f.Extra, &e); err != nil {
		t.Fatal(err)
	}
	want := NodeInfo{
		P2P: e.Versions.P2P, Block: e.Versions.Block, App: e.Versions.App, ID: e.ID, ListenAddr: e.Listen, Network: e.Network,
		Version: e.Version, Moniker: e.Moniker, TxIndex: e.Other.TxIndex, RPCAddress: e.Other.RPC,
	}
	got := *n
	if !bytes.Equal(got.Channels, unhex(t, e.Channels)) {
		t.Errorf("%s: channels %x, want %s", f.Meaning, got.Channels, e.Channels)
	}
	if got.Channels = nil; !equalInfo(got, want) {
		t.Errorf("%s: read %+v, want %+v", f.Meaning, got, want)
	}
}

func equalInfo(a, b NodeInfo) bool {
	return bytes.Equal(a.append(nil), b.append(nil))
}

// introduced opens a link to a peer that has proven its key and then introduces
// itself as info has it, and returns how that ends when we dial and when we listen.
func introduced(t *testing.T, own *Dialect, key ed25519.PrivateKey, info func(n *NodeInfo)) (as, bs error) {
	t.Helper()
	var errs [2]error
	for role := range errs {
		cfg := own.cfg
		cfg.Key = key
		other := mustNew(t, cfg)
		errs[role] = scripted(t, own, other, role == 0, info)
	}
	return errs[0], errs[1]
}

// scripted runs own against a peer that follows the protocol but for what it
// says of itself.
func scripted(t *testing.T, own, other *Dialect, dialing bool, edit func(*NodeInfo)) error {
	t.Helper()
	n := other.introduce(dialect.Self{Listen: mustParse(t, "203.0.113.9:26656")})
	edit(n)
	x, y := opening(t, dialing, "192.0.2.2:26656", 1), opening(t, !dialing, "192.0.2.1:26656", 2)
	return against(own, x, func(c *pipe) error {
		conn, err := other.prove(c, y)
		if err != nil {
			return err
		}
		if dialing {
			if _, err := conn.ReadMessage(c, "node info", maxNodeInfo); err != nil {
				return err
			}
		}
		_, err = c.Write(conn.AppendMessage(nil, n.append(nil)))
		return err
	})
}

// The order of the checks: what cannot be read, what is not valid, whose key it
// is not, and only then what does not fit.
func TestNodeInfoRefused(t *testing.T) {
	own := mustNew(t, Config{Channels: NodeChannels()})
	for name, tt := range map[string]struct {
		edit func(n *NodeInfo)
		want fault.Kind
		says string
	}{
		"moniker":         {func(n *NodeInfo) { n.Moniker = "" }, fault.Protocol, "moniker"},
		"listen address":  {func(n *NodeInfo) { n.ListenAddr = "tcp://nowhere" }, fault.Protocol, "listen address"},
		"another's":       {func(n *NodeInfo) { n.ID = strings.Repeat("a", 40) }, fault.Protocol, "the key is that of"},
		"upper case":      {func(n *NodeInfo) { n.ID = strings.ToUpper(n.ID) }, fault.Protocol, "the key is that of"},
		"network":         {func(n *NodeInfo) { n.Network = "other" }, fault.Refused, "network"},
		"block version":   {func(n *NodeInfo) { n.Block = 10 }, fault.Refused, "block protocol 10"},
		"channels":        {func(n *NodeInfo) { n.Channels = []byte{0xf0} }, fault.Refused, "no channel"},
		"both":            {func(n *NodeInfo) { n.Network, n.Moniker = "other", "" }, fault.Protocol, "moniker"},
		"another and net": {func(n *NodeInfo) { n.Network, n.ID = "other", strings.Repeat("a", 40) }, fault.Protocol, "key"},
		"too long":        {func(n *NodeInfo) { n.Version = strings.Repeat("v", maxNodeInfo) }, fault.Protocol, "limit 10240"},
	} {
		a, b := introduced(t, own, testKey(2), tt.edit)
		for role, err := range []error{a, b} {
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s (role %d): %v of kind %v, want %v that says %q", name, role, err, fault.KindOf(err), tt.want, tt.says)
			}
		}
	}
	a, b := introduced(t, own, testKey(2), func(n *NodeInfo) {
		n.P2P, n.App, n.Channels, n.ListenAddr = 99, 99, []byte{0}, "no.such.host.invalid:1"
	})
	if a != nil || b != nil {
		t.Errorf("a peer with other versions and one channel in common is refused: %v, %v", a, b)
	}
}
