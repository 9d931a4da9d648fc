package p2p

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/compat/factom/internal/seeds"
	"parley/internal/golden"
)

// oursSpecial says what a special list of the legacy cases is here, where that differs:
// "" for a list that is refused by name instead of dropped in part.
var oursSpecial = map[string]string{
	"127.0.0.1:8108,10.0.0.2:8110": "127.0.0.1:8108 10.0.0.2:8110", // documented separators
	"127.0.0.1:8108;10.0.0.2:8110": "127.0.0.1:8108 10.0.0.2:8110",
	"127.0.0.1":                    "127.0.0.1:1234",  // a host alone is dialed at our port
	"::1:8108":                     "[::1:8108]:1234", // so is this address, whose last part looks like one
	"127.0.0.1:":                   "",                // no port
	":8108":                        "",                // no host
	`"127.0.0.1:8108"`:             "",
	"tcp://127.0.0.1:8108":         "",
	"127.0.0.1:99999":              "",
	"127.0.0.1:http":               "",
}

// Every list of special peers that factomd 6.6 understands is understood alike,
// and what it drops with a line in its log is refused.
func TestLegacySpecialPeers(t *testing.T) {
	var v struct {
		Cases []struct {
			Input string
			Peers []string
		}
	}
	loadJSON(t, "legacy/special_peers_parse", &v)
	if len(v.Cases) != 17 {
		t.Fatalf("%d cases, want 17", len(v.Cases))
	}
	for _, c := range v.Cases {
		want, differs := oursSpecial[c.Input]
		if !differs {
			var all []string
			for _, p := range c.Peers {
				f := strings.Split(p, " | ")
				all = append(all, Endpoint{f[0], f[1]}.String())
			}
			want = strings.Join(all, " ")
		}
		var got []string
		s, err := parseSpecial(c.Input, "1234")
		for _, a := range s.always {
			got = append(got, a.String())
		}
		if g := strings.Join(got, " "); g != want || (err == nil) != (want != "" || c.Input == "") {
			t.Errorf("%q: %q, %v, want %q", c.Input, g, err, want)
		}
	}
}

// A seed list gives the same peers as factomd 6.6 makes of it, but for what can
// not be dialed, which is told by line. Unlike there, comments and blanks are
// tolerated, and a host may have several ports.
func TestLegacySeedFile(t *testing.T) {
	var v struct {
		Body  string   `json:"body"`
		Known []string `json:"known_peers"`
	}
	loadJSON(t, "legacy/seed_file_parse", &v)
	all, bad, err := seeds.Fetch(context.Background(), write(t, v.Body))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.String())
	}
	want := []string{"1.2.3.4:5678", "2.3.4.5:6789", "2.3.4.5:7000", "3.3.3.3:1", "4.4.4.4:1", "[2001:db8::1]:8108", "7.7.7.7:8108", "8.8.8.8:8108"}
	if !slices.Equal(got, want) {
		t.Errorf("seeds are %q, want %q", got, want)
	}
	lines := strings.Split(v.Body, "\n")
	var refused []string
	for _, b := range bad {
		refused = append(refused, lines[b.Line-1])
	}
	if want := []string{"5.5.5.5", "6.6.6.6:", ":7777", "9.9.9.9:70000"}; !slices.Equal(refused, want) {
		t.Errorf("refused are %q, want %q", refused, want)
	}
	for _, k := range v.Known {
		var host, address, port string
		if _, err := fmt.Sscanf(k, "%q -> address %q port %q", &host, &address, &port); err != nil {
			t.Fatal(err)
		}
		port, _, _ = strings.Cut(port, "#")
		ep := Endpoint{strings.TrimSpace(address), strings.TrimSpace(port)}
		if ep.Valid() && !slices.Contains(got, ep.String()) {
			t.Errorf("factomd knows %s, we do not", ep)
		}
	}
}

// What factomd 6.6 answers to a peer request is read as V9 is, whatever the
// entries say besides address and port, and without those of other networks.
func TestLegacyShare(t *testing.T) {
	var v struct {
		Input    map[string]json.RawMessage
		Response json.RawMessage
	}
	loadJSON(t, "legacy/share_selection", &v)
	c := local(9)
	c.Network = 12496365
	v9 := &ProtocolV9{s: &stream{conf: c}}
	eps, err := v9.ParsePeerShare(v.Response)
	want := []Endpoint{{"10.0.0.2", "8110"}, {"10.0.0.3", "8110"}}
	if err != nil || !slices.Equal(eps, want) {
		t.Errorf("read %v, %v, want %v", eps, err, want)
	}
	var whole []json.RawMessage
	for _, e := range v.Input {
		whole = append(whole, e)
	}
	b, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	delete(v.Input, "10.0.0.4b") // which is no address
	if eps, err = v9.ParsePeerShare(b); err == nil && slices.ContainsFunc(eps, func(ep Endpoint) bool { return ep.IP == "10.0.0.5" }) {
		t.Errorf("read %v: one is of another network", eps)
	}
}

// The peers.json of factomd 6.6 serves as a peer file. It is written anew in the
// form of 1.13.
func TestLegacyPeerFile(t *testing.T) {
	var v struct{ File json.RawMessage }
	loadJSON(t, "legacy/peers_json_save", &v)
	c := local(10)
	c.Network = 12496365
	c.PeerCacheFile = filepath.Join(t.TempDir(), "peers.json")
	if err := os.WriteFile(c.PeerCacheFile, v.File, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := n.cache.Load()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range s.Peers {
		got = append(got, k.Addr.String())
	}
	if want := []string{"10.0.0.4:8110", "10.0.0.6:8110", "52.17.183.121:8108"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if err := n.cache.Save(s); err != nil {
		t.Fatal(err)
	}
	var pc PeerCache
	b, err := os.ReadFile(c.PeerCacheFile)
	if err == nil {
		err = json.Unmarshal(b, &pc)
	}
	if err != nil || len(pc.Peers) != 3 {
		t.Errorf("written as %s, %v", b, err)
	}
	c.Network = 1
	if n, err = NewNetwork(c); err != nil {
		t.Fatal(err)
	}
	if eps := legacyPeers(v.File, uint32(n.conf.Network)); len(eps) != 0 {
		t.Errorf("peers of another network: %v", eps)
	}
}

// The messages in a journal of factomd travel unchanged in every version.
func TestLegacyJournal(t *testing.T) {
	var v struct{ Text string }
	loadJSON(t, "legacy/journal_v6_sample", &v)
	var bodies [][]byte
	for line := range strings.Lines(v.Text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "MsgHex:" {
			continue
		}
		bodies = append(bodies, golden.Bytes(t, f[1]))
	}
	if len(bodies) != 8 {
		t.Fatalf("%d messages, want 8", len(bodies))
	}
	for _, version := range []uint16{9, 10, 11} {
		a, b := pair(t, numbered(local(version), 1), numbered(local(version), 2))
		for _, body := range bodies {
			a.BlockingSend(NewParcel(only(t, a).Hash, body))
			if p := next(t, b); !reflect.DeepEqual(p.Payload, body) {
				t.Errorf("V%d: %d bytes arrived, want %d", version, len(p.Payload), len(body))
			}
		}
	}
}
