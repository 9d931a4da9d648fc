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
	ks, err := importBitcoin([]byte(`{"Version":1,"Key":[0],"Addresses":[
		{"Addr":"1.2.3.4:8333","Src":"5.6.7.8:8333","Attempts":2,"TimeStamp":1500000000,"LastAttempt":1500000001,"LastSuccess":1500000002},
		{"Addr":"[2001:db8::1]:8333","LastSuccess":-62135596800},
		{"Addr":"aaaaaaaaaaaaaaaa.onion:8333"}],"NewBuckets":[[]],"TriedBuckets":[[]]}`))
	if err != nil || len(ks) != 2 {
		t.Fatalf("%+v, %v; want two peers", ks, err)
	}
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
		if ks, err := importBitcoin([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || ks != nil {
			t.Errorf("%.40q: %v, %v; want %q", text, ks, err, want)
		}
	}
}

func FuzzImportBitcoin(f *testing.F) {
	f.Add([]byte(`{"Version":1,"Addresses":[{"Addr":"1.2.3.4:8333","Attempts":-1,"LastSuccess":9}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ks, err := importBitcoin(b)
		if err != nil && ks != nil {
			t.Errorf("%d peers beside %v", len(ks), err)
		}
		for _, k := range ks {
			if !k.Addr.Dialable() || k.Tries < 0 {
				t.Errorf("took over %+v", k)
			}
		}
	})
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
