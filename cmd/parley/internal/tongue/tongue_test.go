package tongue

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/config"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/dialect/factom"
)

// TestEveryDialectHasOne makes every dialect that can be configured.
func TestEveryDialectHasOne(t *testing.T) {
	if len(tongues) != len(config.Dialects()) {
		t.Errorf("%d tongues for %d dialects", len(tongues), len(config.Dialects()))
	}
	for _, name := range config.Dialects() {
		s, err := config.Load(config.Options{
			Env:   []string{"HOME=" + t.TempDir()},
			Flags: []config.Given{{Name: "dialect", Text: name}, {Name: "network", Text: map[string]string{"cometbft": "c"}[name]}},
		})
		if err != nil {
			t.Fatal(err)
		}
		spoken, err := Of(s).Speak(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if base, _, _ := strings.Cut(name, "/"); !strings.HasPrefix(spoken.Dialect.Name(), base) || spoken.Network != s.NetworkID() {
			t.Errorf("%s speaks %s on network %#x, want %#x", name, spoken.Dialect.Name(), spoken.Network, s.NetworkID())
		}
		if err := Check(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKey lets several programs make a key at once: they must agree.
func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "node_key.json")
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := nodeKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, k := range keys {
		if len(k) == 0 || !bytes.Equal(k, keys[0]) {
			t.Errorf("keys differ: %x and %x", k, keys[0])
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v; want the key alone", left, err)
	}
	for text, want := range map[string]string{
		"{}": "node_key.json: ", strings.Repeat(" ", maxKeyFile+1): "over the limit of 4096 bytes",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := nodeKey(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: %v, want %q", text, err, want)
		}
	}
}

func TestImportBitcoin(t *testing.T) {
	saved, err := importBitcoin(nil, []byte(`{"Version":1,"Key":[0],"Addresses":[
		{"Addr":"1.2.3.4:8333","Src":"5.6.7.8:8333","Attempts":2,"TimeStamp":1500000000,"LastAttempt":1500000001,"LastSuccess":1500000002},
		{"Addr":"[2001:db8::1]:8333","LastSuccess":-62135596800},
		{"Addr":"aaaaaaaaaaaaaaaa.onion:8333"}],"NewBuckets":[[]],"TriedBuckets":[[]]}`))
	if err != nil || len(saved.Peers) != 2 {
		t.Fatalf("%+v, %v; want two peers", saved, err)
	}
	ks := saved.Peers
	if k := ks[0]; k.Addr.String() != "1.2.3.4:8333" || k.Tries != 2 || !k.Seen.Equal(time.Unix(1500000002, 0)) {
		t.Errorf("the first is %+v", k)
	}
	if k := ks[1]; k.Addr.String() != "[2001:db8::1]:8333" || !k.Seen.IsZero() {
		t.Errorf("the second is %+v, want one that was never met", k)
	}
	many := `{"Version":1,"Addresses":[` + strings.TrimSuffix(strings.Repeat("{},", maxImport+1), ",") + `]}`
	for text, want := range map[string]string{
		many:                       "Addresses: 100001 entries, limit 100000",
		"{\n\n\"Version\": \"1\"}": "line 3: ",
		"":                         "unexpected end",
		`{"Version":1,"Addresses":[{"Addr":"0.0.0.0:1"}]}`: "Addresses[0]: Addr: 0.0.0.0:1 can not be dialed",
	} {
		if ks, err := importBitcoin(nil, []byte(text)); err == nil || !strings.Contains(err.Error(), want) || ks != nil {
			t.Errorf("%.40q: %v, %v; want %q", text, ks, err, want)
		}
	}
}

func FuzzImportBitcoin(f *testing.F) {
	f.Add([]byte(`{"Version":1,"Addresses":[{"Addr":"1.2.3.4:8333","Attempts":-1,"LastSuccess":9}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		saved, err := importBitcoin(nil, b)
		if err != nil {
			if saved != nil {
				t.Errorf("%d peers beside %v", len(saved.Peers), err)
			}
			return
		}
		for _, k := range saved.Peers {
			if !k.Addr.Dialable() || k.Tries < 0 {
				t.Errorf("took over %+v", k)
			}
		}
	})
}

func TestImportFactom(t *testing.T) {
	s := &config.Settings{Net: config.Facts{ID: 7}}
	until := time.Date(2100, 1, 2, 3, 4, 5, 6, time.UTC)
	saved, err := importFactom(s, []byte(`{"bans":{"1.2.3.4":"2100-01-02T03:04:05.000000006Z","5.6.7.8:9":"2100-01-02T03:04:05.000000006Z"},
		"peers":[{"ip":"127.0.0.9","port":"5002"},{"ip":"2001:db8::1","port":"1"},{"ip":"a.example","port":"8108"}]}`))
	if err != nil || len(saved.Peers) != 3 || len(saved.Bans) != 2 {
		t.Fatalf("%+v, %v; want three peers and two bans", saved, err)
	}
	if b := saved.Bans[0]; b.Addr.String() != "1.2.3.4" || !b.Until.Equal(until) || saved.Peers[1].Addr.String() != "[2001:db8::1]:1" {
		t.Errorf("read as %+v", saved)
	}
	saved, err = importFactom(s, []byte(`{"1.2.3.4:8108":{"QualityScore":3,"Address":"1.2.3.4","Port":"8108","Network":7},"5.6.7.8:1":{"Address":"5.6.7.8","Port":"1","Network":8}}`))
	if err != nil || len(saved.Peers) != 1 || saved.Peers[0].Addr.String() != "1.2.3.4:8108" {
		t.Errorf("%+v, %v; want the one peer of the network", saved, err)
	}
	for text, want := range map[string]string{
		"{\n,": "line 2: ",
		`{"peers":[{"ip":"1.2.3.4","port":"0"}]}`: "peers[0]: ",
		`{"bans":{"!":"2100-01-02T03:04:05Z"}}`:   `bans: "!": want an IP`,
		`{"bans":{"1.2.3.4":"soon"}}`:             "peers file: ",
		`{"1.2.3.4:5":7}`:                         `"1.2.3.4:5": `,
	} {
		if saved, err := importFactom(s, []byte(text)); err == nil || !strings.Contains(err.Error(), want) || saved != nil {
			t.Errorf("%q: %v, %v; want %q", text, saved, err, want)
		}
	}
}

// TestCustomNetworks compares the number of a custom network with the dialect's.
func TestCustomNetworks(t *testing.T) {
	for _, name := range []string{"myNetwork", "fct_community_test", "x"} {
		s, err := config.Load(config.Options{Env: []string{"HOME=/nonexistent"}, Flags: []config.Given{
			{Name: "network", Text: "custom"}, {Name: "custom-network", Text: name}}})
		if err != nil {
			t.Fatal(err)
		}
		if want := factom.NetworkID(name); s.NetworkID() != want {
			t.Errorf("%q has the number %#x, want %#x", name, s.NetworkID(), want)
		}
	}
}

func TestKinds(t *testing.T) {
	other, err := bitcoin.Other("cmpctblock", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ got, want string }{
		{command(dialect.Message{Type: bitcoin.TypeTx}), "tx"},
		{command(other), "cmpctblock"},
		{channel(dialect.Message{Type: 0x22}), "channel 0x22"},
		{typed(dialect.Message{Type: 6}), "type 6"},
	} {
		if tt.got != tt.want {
			t.Errorf("%d: %s, want %s", i, tt.got, tt.want)
		}
	}
}
