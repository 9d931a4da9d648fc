package bitcoin

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// listOf makes a list of n addresses that differ.
func listOf(n int) []NetAddr {
	as := make([]NetAddr, n)
	for i := range as {
		as[i].Addr = addr.Addr{IP: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 1}
	}
	return as
}

func TestGiveAddresses(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	b.hear(1, TypeGetAddr, nil)
	b.want("there are none to give")
	b.view.Known = someAddrs
	b.hearAlive(1, 6*time.Minute)
	b.out = nil
	b.hear(1, TypeGetAddr, nil)
	b.hear(1, TypeGetAddr, nil)
	if len(b.out) != 1 {
		t.Fatalf("two requests give %v, want one answer", b.take())
	}
	as, err := ParseAddrs(b.out[0].Body, feeFilterVersion)
	if err != nil || len(as) != 3 || as[1].Addr != someAddrs[1] || as[0].Services != ServiceNetwork || as[0].Time != uint32(b.now.Unix()) {
		t.Errorf("given %+v, %v", as, err)
	}
}

func TestGiveCache(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.view.Known = someAddrs
	accepted := &Handshake{Remote: addr.Addr{IP: someAddrs[1].IP, Port: 50_000}}
	accepted.Version.From.Addr.Port = 2
	b.joinFrom(1, &Handshake{Dialed: true, Remote: someAddrs[0]})
	b.joinFrom(2, accepted)
	b.hear(2, TypeGetAddrCache, nil)
	if len(b.out) != 1 || b.out[0].Type != TypeAddrCache {
		t.Fatal(b.take())
	}
	var c AddrCache
	if err := c.Parse(b.out[0].Body, feeFilterVersion); err != nil {
		t.Fatal(err)
	}
	got := dialable(dialable(dialable(nil, c.Outbound), c.Inbound), c.Known)
	if len(c.Outbound) != 1 || len(c.Inbound) != 1 || !slices.Equal(got, []addr.Addr{someAddrs[0], someAddrs[1], someAddrs[3]}) {
		t.Errorf("given %+v", c)
	}
}

// TestLearn lets a peer tell addresses: one unasked, then what was asked for, and
// about one in ten seconds.
func TestLearn(t *testing.T) {
	b := newBrain(t, Config{Params: SoterSim()})
	b.joinPlain(1)
	tell := func(n, want int) {
		t.Helper()
		b.learned = nil
		b.hear(1, TypeAddr, AppendAddrs(nil, listOf(n), feeFilterVersion))
		if len(b.learned) != want {
			t.Errorf("of %d addresses %d are learned, want %d", n, len(b.learned), want)
		}
	}
	tell(10, 1)
	tell(10, 0)
	b.until(time.Minute)
	tell(10, 6)
	b.view.Wanted = 3
	b.until(61 * time.Second)
	b.want("a node that wants links", "1:getaddr")
	tell(990, 990)
	tell(20, 10)
	b.until(62 * time.Second)
	b.want("nobody is asked twice at once")
	nowhere := []NetAddr{{Addr: addr.Addr{IP: ip("0.0.0.0"), Port: 1}}, {Addr: addr.Addr{IP: ip("10.0.0.1")}}}
	b.until(100 * time.Second)
	b.learned = nil
	b.hear(1, TypeAddr, AppendAddrs(nil, nowhere, feeFilterVersion))
	if len(b.learned) > 0 {
		t.Errorf("learned %v", b.learned)
	}
	c := AddrCache{Inbound: listOf(1), Outbound: listOf(2)[1:], Known: listOf(3)[2:]}
	b.hear(1, TypeAddrCache, c.Append(nil, feeFilterVersion))
	if len(b.learned) != 3 {
		t.Errorf("of three lists %v is learned", b.learned)
	}
	b.hear(1, TypeAddr, []byte{1})
	b.wantEnd("a list that ends early", 1, fault.Protocol, 100*time.Second)
}

func TestAskEveryInterval(t *testing.T) {
	b := newBrain(t, Config{Params: BitcoinSim()})
	b.view.Wanted = 1
	for id := range dialect.LinkID(3) {
		b.join(id+1, dialect.Intro{Version: feeFilterVersion, Info: &Handshake{Dialed: true}})
	}
	b.want("who is dialed is asked at once", "1:getaddr", "2:getaddr", "3:getaddr")
	b.run(2 * time.Second)
	if next := b.rules.Next(); next != start.Add(10*time.Minute) {
		t.Errorf("with nobody to ask, the rules wake at %v", next)
	}
	for range 19 {
		b.run(time.Minute)
		for id := range b.view.In {
			b.view.In[id] = b.now
		}
	}
	n := 0
	for _, s := range b.out {
		if s.Type == TypeGetAddr {
			n++
		}
	}
	if n != 3 {
		t.Errorf("three peers are asked %d times more in 19 minutes, want each once", n)
	}
}

// TestTellOwn tells whom we dialed where we listen.
func TestTellOwn(t *testing.T) {
	seen := NetAddr{Addr: mustAddr(t, "198.51.100.1:4444")}
	for _, c := range []struct {
		name   string
		dialed bool
		own    addr.Addr
		want   string
	}{
		{"port only", true, addr.Addr{Port: 8333}, "198.51.100.1:8333"},
		{"address", true, mustAddr(t, "203.0.113.9:8333"), "203.0.113.9:8333"},
		{"nowhere", true, addr.Addr{}, ""},
		{"accepted", false, addr.Addr{Port: 8333}, ""},
	} {
		for _, v2 := range []bool{false, true} {
			b := newBrain(t, Config{Params: BitcoinSim()})
			hs := &Handshake{Dialed: c.dialed, AddrV2: v2}
			hs.Own.From.Addr, hs.Version.To = c.own, seen
			b.join(1, dialect.Intro{Version: sendAddrV2Version, Info: hs})
			if c.want == "" {
				b.want(c.name)
				continue
			}
			if len(b.out) != 1 {
				t.Fatalf("%s: sends %v", c.name, b.take())
			}
			as, err := ParseAddrs(b.out[0].Body, sendAddrV2Version)
			if v2 {
				as, err = ParseAddrsV2(b.out[0].Body)
			}
			if err != nil || len(as) != 1 || as[0].Addr.String() != c.want {
				t.Errorf("%s: tells %+v, %v; want %s", c.name, as, err, c.want)
			}
		}
	}
}

// TestAddrV2 reads addresses of every network of BIP155; those that cannot be
// dialed are passed over.
func TestAddrV2(t *testing.T) {
	entry := func(id byte, address string) []byte {
		b, err := hex.DecodeString("00000000" + "00" + hex.EncodeToString([]byte{id, byte(len(address) / 2)}) + address + "208d")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	long := func(n int) string { return hex.EncodeToString(make([]byte, n)) }
	all := []byte{8}
	for id, n := range map[byte]int{3: 10, 4: 32, 5: 32, 6: 16, 77: 200} {
		all = append(all, entry(id, long(n))...)
	}
	all = append(all, entry(1, "c0000201")...)
	all = append(all, entry(2, "20010db8000000000000000000000002")...)
	all = append(all, entry(2, "00000000000000000000ffffc0000201")...)
	as, err := ParseAddrsV2(all)
	if err != nil || len(as) != 2 || as[0].Addr.String() != "192.0.2.1:8333" || as[1].Addr.String() != "[2001:db8::2]:8333" {
		t.Errorf("read %+v, %v", as, err)
	}
	back, err := ParseAddrsV2(AppendAddrsV2(nil, as))
	if err != nil || !slices.Equal(back, as) {
		t.Errorf("%+v comes back as %+v, %v", as, back, err)
	}
	for name, b := range map[string][]byte{
		"five bytes of IPv4": append([]byte{1}, entry(1, long(5))...),
		"nine bytes of Tor":  append([]byte{1}, entry(3, long(9))...),
		"no entry":           {1},
		"1001 entries":       append([]byte{0xfd, 0xe9, 3}, make([]byte, 20_000)...),
		"513 bytes":          append([]byte{1, 0, 0, 0, 0, 0, 99, 0xfd, 1, 2}, make([]byte, 600)...),
	} {
		if as, err := ParseAddrsV2(b); !errors.Is(err, fault.Protocol) || as != nil {
			t.Errorf("%s: %+v, %v", name, as, err)
		}
	}
}

// TestAddrLimits writes more addresses than a message may have.
func TestAddrLimits(t *testing.T) {
	many := listOf(1500)
	if as, err := ParseAddrs(AppendAddrs(nil, many, 70013), 70013); err != nil || len(as) != MaxAddrs {
		t.Errorf("addr: %d, %v", len(as), err)
	}
	if as, err := ParseAddrsV2(AppendAddrsV2(nil, many)); err != nil || len(as) != MaxAddrs {
		t.Errorf("addrv2: %d, %v", len(as), err)
	}
	c := AddrCache{Inbound: many[:700], Outbound: many[:600], Known: many}
	var back AddrCache
	if err := back.Parse(c.Append(nil, 70013), 70013); err != nil || len(back.Outbound) != 600 || len(back.Inbound) != 400 || len(back.Known) != 0 {
		t.Errorf("addrcache: %d, %d, %d, %v", len(back.Inbound), len(back.Outbound), len(back.Known), err)
	}
	over := AppendAddrs(nil, many, 70013)
	over[1]++ // 1001
	if _, err := ParseAddrs(append(over, make([]byte, 30)...), 70013); !errors.Is(err, fault.Protocol) {
		t.Errorf("1001 addresses: %v", err)
	}
	old, err := ParseAddrs(AppendAddrs(nil, many[:2], 31401), 31401)
	if err != nil || len(old) != 2 {
		t.Errorf("without times: %+v, %v", old, err)
	}
}
