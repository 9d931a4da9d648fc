package tendermint

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"parley/fault"
)

func TestKeyFiles(t *testing.T) {
	for _, release := range releases {
		r := load(t, "comet-node-key-"+release, 6)
		good := 0
		for _, f := range r.Frames {
			if f.Dir != "file" {
				continue
			}
			var want struct {
				ID     string `json:"node_id"`
				Pubkey string
				Seed   string `json:"seed32"`
			}
			key, err := ParseKey(f.bytes(t))
			if f.Extra == nil {
				if err == nil {
					t.Errorf("%s: read as %x", f.Meaning, key)
				}
				continue
			}
			if err := errors.Join(err, json.Unmarshal(f.Extra, &want)); err != nil {
				t.Fatal(err)
			}
			good++
			pub := key.Public().(ed25519.PublicKey)
			if ID(pub) != want.ID || hex.EncodeToString(pub) != want.Pubkey || hex.EncodeToString(key.Seed()) != want.Seed {
				t.Errorf("read %x of %s, want %+v", key, ID(pub), want)
			}
			if b, err := FormatKey(key); err != nil || !bytes.Equal(b, f.bytes(t)) {
				t.Errorf("written as %s, %v", b, err)
			}
		}
		if good != 2 {
			t.Errorf("%d keys, want 2", good)
		}
	}
}

func TestKeyFilesRefused(t *testing.T) {
	key, err := NewKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(key)
	other[40] ^= 1
	swapped, err := FormatKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"halves":    swapped,
		"too large": make([]byte, maxFile+1),
		"no json":   []byte("key"),
		"array":     []byte(`{"priv_key":[]}`),
	} {
		if _, err := ParseKey(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := FormatKey(key[:32]); err == nil {
		t.Error("half a key is written")
	}
	if _, err := NewKey(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a key is made of 31 bytes")
	}
}

// The original's verdicts on addresses. It calls an address valid or not; what
// is not valid cannot be dialed.
func TestNetAddress(t *testing.T) {
	for _, release := range releases {
		good := 0
		for _, f := range load(t, "comet-netaddress-"+release, 16).Frames {
			text, verdict, _ := strings.Cut(f.Meaning, " -> ")
			n, err := ParseNetAddress(text)
			if strings.HasPrefix(verdict, "err=") {
				if err == nil {
					t.Errorf("%s is read as %v", text, n)
				}
				continue
			}
			good++
			want := strings.Fields(verdict)
			if err != nil || n.String() != want[0] || "dial="+hostPort(n.Addr) != want[1] {
				t.Errorf("%s: %v and %v, want %s", text, n, err, verdict)
			}
			dialable := !strings.Contains(verdict, "valid=invalid IP") || n.Addr.IP.String() == "2001:db8::1"
			if port := n.Addr.Port != 0; n.Addr.Dialable() != (dialable && port) {
				t.Errorf("%s: dialable is %v", text, n.Addr.Dialable())
			}
		}
		if good != 11 {
			t.Errorf("%d addresses, want 11", good)
		}
	}
}

func TestExchange(t *testing.T) {
	seen := 0
	for _, f := range load(t, "comet-pex-v0.38.26", 12).Frames {
		x, err := comet.parseExchange(f.bytes(t))
		refused := f.Dir == "in" && !strings.Contains(f.Meaning, "decode err=<nil>")
		if refused {
			if !errors.Is(err, fault.Protocol) {
				t.Errorf("%s: %+v and %v, want a protocol fault", f.Meaning, x, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f.Meaning, err)
			continue
		}
		seen++
		again := comet.request()
		if !x.request {
			again = comet.addresses(x.addrs)
		}
		if !bytes.Equal(again, f.bytes(t)) {
			t.Errorf("%s: written as %x", f.Meaning, again)
		}
		if f.Dir == "out" {
			for _, a := range x.addrs {
				if !strings.Contains(f.Meaning, a.String()) || checkID(a.ID) != nil {
					t.Errorf("%s: told %v", f.Meaning, a)
				}
			}
		}
	}
	if seen != 9 {
		t.Errorf("%d messages, want 9", seen)
	}
}

func TestExchangeSeptember(t *testing.T) {
	r := load(t, "2014-09-pex", 8)
	for _, f := range r.Frames {
		b := f.bytes(t)
		if strings.HasPrefix(f.Meaning, "live") || strings.HasPrefix(f.Meaning, "remote") {
			ms, _, err := readAll(plainDecoder{newMux(september, tableOf(t, 0, 0), defaultPacket, 1<<20)}, b)
			if err != nil || len(ms) != 1 {
				t.Fatal(f.Meaning, ms, err)
			}
			b = ms[0].Body
		}
		x, err := september.parseExchange(b)
		again := september.request()
		if !x.request {
			again = september.addresses(x.addrs)
		}
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: %+v and %v, written as %x", f.Meaning, x, err, again)
		}
		for _, a := range x.addrs {
			if strings.HasPrefix(f.Meaning, "pexAddrs") && !strings.Contains(f.Meaning, a.String()) {
				t.Errorf("%s: told %v", f.Meaning, a)
			}
		}
	}
}

// In December 2014 lists of addresses could not be sent at all, so this is the
// form that they were read in, with the type once or twice.
func TestExchangeDecember(t *testing.T) {
	as := []NetAddress{{Addr: mustParse(t, "203.0.113.7:8770")}, {Addr: mustParse(t, "[2607:f8b0:4004:c07::64]:46656")}}
	b := december.addresses(as)
	want := unhex(t, "0202 10 00000000000000000000ffffcb007107 4222 10 2607f8b040040c070000000000000064 40b6")
	if !bytes.Equal(b, want) {
		t.Errorf("written as %x, want %x", b, want)
	}
	for name, in := range map[string][]byte{"once": b, "twice": append([]byte{2}, b...)} {
		if x, err := december.parseExchange(in); err != nil || !slices.Equal(x.addrs, as) {
			t.Errorf("%s: %+v and %v", name, x, err)
		}
	}
	for _, in := range []string{"01", "0101", "0200", "020200"} {
		if x, err := december.parseExchange(unhex(t, in)); err != nil || x.request != (in[1] == '1') || len(x.addrs) != 0 {
			t.Errorf("%s: %+v and %v", in, x, err)
		}
	}
}

func TestAddrBook(t *testing.T) {
	for _, release := range releases {
		r := load(t, "comet-addrbook-"+release, 3)
		f := r.Frames[1]
		b, err := ParseAddrBook(f.bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		if b.Key != r.Inputs["key"] || len(b.Addrs) != 7 {
			t.Errorf("read %d addresses with key %s", len(b.Addrs), b.Key)
		}
		if again, err := b.Format(); err != nil || !bytes.Equal(again, f.bytes(t)) {
			t.Errorf("written as %s, %v, want %s", again, err, f.bytes(t))
		}
		old := 0
		for _, k := range b.Addrs {
			if k.Old {
				old++
				if k.LastSuccess.IsZero() || k.Addr.String() != "02030405060708090a0b0c0d0e0f101112131415@8.8.4.4:26656" {
					t.Errorf("the old one is %+v", k)
				}
			}
		}
		if old != 1 {
			t.Errorf("%d old addresses, want 1", old)
		}
	}
}

func TestAddrBook2014(t *testing.T) {
	f := load(t, "2014-09-addrbook", 4).Frames[1]
	b, err := ParseAddrBook2014(f.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if b.Key != "0102030405060708090a0b0c" || len(b.Addrs) != 2 || b.Addrs[0].Addr.Addr != mustParse(t, "8.8.8.8:46656") {
		t.Errorf("read %+v", b)
	}
	if again, err := b.Format2014(); err != nil || !bytes.Equal(again, f.bytes(t)) {
		t.Errorf("written as %s, %v, want %s", again, err, f.bytes(t))
	}
}

// An entry that was never in a bucket gets one that the original reads, and
// everything else comes back as it was.
func TestAddrBookPlaces(t *testing.T) {
	id := strings.Repeat("0a", idSize)
	b := &AddrBook{Key: "k"}
	for i := range 300 {
		a := mustParse(t, fmt.Sprintf("8.%d.0.1:26656", i%256))
		b.Addrs = append(b.Addrs, KnownAddress{Addr: NetAddress{id, a}, Src: NetAddress{id, a}, Old: i%2 == 0})
	}
	file, err := b.Format()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAddrBook(file)
	if err != nil || len(got.Addrs) != len(b.Addrs) {
		t.Fatal(err)
	}
	for i, k := range got.Addrs {
		if len(k.Buckets) != 1 || k.Old != (i%2 == 0) || k.Addr != b.Addrs[i].Addr {
			t.Fatalf("entry %d came back as %+v", i, k)
		}
	}
}

func TestAddrBookRefused(t *testing.T) {
	entry := func(edit string, to string) []byte {
		good := `{"key":"k","addrs":[{"addr":{"id":"` + strings.Repeat("0a", idSize) + `","ip":"8.8.8.8","port":1},"src":{"id":"","ip":"8.8.8.8","port":1},"buckets":[1],"attempts":1,"bucket_type":1}]}`
		if edit != "" && !strings.Contains(good, edit) {
			t.Fatal(edit)
		}
		return []byte(strings.Replace(good, edit, to, 1))
	}
	if _, err := ParseAddrBook(entry("", "")); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"too large":       make([]byte, maxBook+1),
		"too many":        []byte(`{"addrs":[{}` + strings.Repeat(`,{}`, 5<<20) + `]}`),
		"no list":         []byte(`{"addrs":{"addr":1}}`),
		"no json":         []byte("book"),
		"identity":        entry("0a0a", "0a"),
		"no ip":           entry(`"8.8.8.8"`, `""`),
		"host name":       entry(`"8.8.8.8"`, `"example.com"`),
		"zone":            entry(`"8.8.8.8"`, `"fe80::1%eth0"`),
		"port":            entry(`"port":1`, `"port":65536`),
		"bucket type":     entry(`"bucket_type":1`, `"bucket_type":3`),
		"bucket":          entry(`[1]`, `[256]`),
		"negative bucket": entry(`[1]`, `[-1]`),
		"old bucket":      entry(`[1],"attempts":1,"bucket_type":1`, `[64],"attempts":1,"bucket_type":2`),
		"many buckets":    entry(`[1]`, `[1,2,3,4,5,6,7,8,9]`),
		"attempts":        entry(`"attempts":1`, `"attempts":-1`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ParseAddrBook(b); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 8*maxBook {
			t.Errorf("%s: took %d bytes, limit %d", name, got, 8*maxBook)
		}
	}
	if _, err := ParseAddrBook2014([]byte(`{"Addrs":[{"BucketType":1}]}`)); err == nil {
		t.Error("an entry of 2014 without an address is read")
	}
	if _, err := ParseAddrBook2014([]byte(`[]`)); err == nil {
		t.Error("a list is read as a book of 2014")
	}
}
