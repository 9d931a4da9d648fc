package bitcoin

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// versionFrame is what a Soter or Bitcoin node says first.
func versionFrame(t testing.TB, p Params, edit func(*Version)) []byte {
	t.Helper()
	v := Version{Protocol: 70016, Nonce: 77, Agent: "/other:1.2.3/", Genesis: p.Genesis, Relay: true}
	if edit != nil {
		edit(&v)
	}
	b, err := v.append(nil, v.Protocol, p.Soter)
	if err != nil {
		t.Fatal(err)
	}
	return frameOf(p, "version", b)
}

// TestChecksInOrder gives a version message several faults at once: the first in
// the order of soter.md 1.5 decides.
func TestChecksInOrder(t *testing.T) {
	p := SoterSim()
	var asked, judged bool
	cfg := Config{Params: p, Judge: func(*Version) *Reject {
		judged = true
		return &Reject{Command: "version", Code: RejectNonstandard, Reason: "judged"}
	}}
	faults := []struct {
		what string
		set  func(v *Version)
		err  string
	}{
		{"protocol", func(v *Version) { v.Protocol = 208 }, "judged"}, // the judge comes before
		{"agent", func(v *Version) { v.Agent = "/x:1.0.0/us:2.0.0/" }, "peer version 2.0.0 is incompatible with our version 1.0.0"},
		{"genesis", func(v *Version) { v.Genesis = Hash{} }, "peer genesis block hash different from ours"},
		{"self", func(v *Version) { v.Nonce = 1 }, dialect.ErrSelf.Error()},
	}
	for i := range faults {
		asked, judged = false, false
		o := opening(t, false, "10.0.0.2:1", 1)
		o.Self.Agent = "/lib:9.0.0/us:1.0.0(x)/"
		o.Admit = func(dialect.Intro) error { asked = true; return nil }
		c := &conn{in: versionFrame(t, p, func(v *Version) {
			for _, f := range faults[:i+1] {
				f.set(v)
			}
		})}
		_, err := mustNew(t, cfg).Open(c, o)
		if err == nil || !strings.Contains(err.Error(), faults[i].err) || asked || judged != (i == 0) {
			t.Errorf("up to %s: ends with %v; node asked %v, judge asked %v", faults[i].what, err, asked, judged)
		}
		if silent := faults[i].what == "self"; silent != (c.out.Len() == 0) {
			t.Errorf("up to %s: %d bytes written", faults[i].what, c.out.Len())
		}
	}
}

func TestMinimumBeforeAdmit(t *testing.T) {
	p := SoterSim()
	o := opening(t, false, "10.0.0.2:1", 1)
	o.Admit = func(dialect.Intro) error { t.Error("the node is asked"); return nil }
	c := &conn{in: versionFrame(t, p, func(v *Version) { v.Protocol = 208 })}
	_, err := mustNew(t, Config{Params: p}).Open(c, o)
	if !errors.Is(err, fault.Refused) || summary(t, split(t, c.out.Bytes())) != "reject version 11" {
		t.Errorf("ends with %v, written %q", err, c.out.Bytes())
	}
}

// TestNegativeVersion takes a protocol version of -1 for the largest.
func TestNegativeVersion(t *testing.T) {
	p := SoterSim()
	c := &conn{in: versionFrame(t, p, func(v *Version) { v.Protocol = 1<<32 - 1 })}
	l, err := mustNew(t, Config{Params: p}).Open(c, opening(t, false, "10.0.0.2:1", 1))
	if err != nil || l.Intro.Version != feeFilterVersion {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestIntro looks at what both sides learn of each other.
func TestIntro(t *testing.T) {
	for name, p := range networks {
		cfg := Config{Params: p, Services: 5, NoRelay: true, Hello: func(own *Version, to addr.Addr) error {
			own.LastBlock = int32(to.Port)
			own.Nonce, own.Genesis = 0, Hash{}
			return nil
		}}
		x, y := openPair(t, cfg, func(o *dialect.Opening) {
			o.Self.Agent = "test"
			o.Self.Listen = addr.Addr{Port: 1000 + uint16(o.Self.Nonce)}
		})
		if x.err != nil || y.err != nil {
			t.Fatal(name, x.err, y.err)
		}
		in := y.link.Intro
		hs := in.Info.(*Handshake)
		switch {
		case in.Nonce != 1, in.Agent != "/test/", in.ID != "", in.Listen != addr.Addr{Port: 1001}:
			t.Errorf("%s: the listener knows %+v", name, in)
		case hs.Dialed, hs.Version.LastBlock != 8333, hs.Version.Relay, hs.Version.Services != 5, hs.Version.Time != start.Unix():
			t.Errorf("%s: the listener has %+v", name, hs.Version)
		case hs.Version.To.Addr != mustAddr(t, "10.0.0.2:8333"), hs.Version.To.Services != ServiceNetwork:
			t.Errorf("%s: the dialer wrote to %+v", name, hs.Version.To)
		case hs.Own.LastBlock != 50000:
			t.Errorf("%s: the listener wrote %+v", name, hs.Own)
		}
		if d := x.link.Intro.Info.(*Handshake); !d.Dialed || d.AddrV2 != !p.Soter || d.WtxidRelay {
			t.Errorf("%s: the dialer has %+v", name, d)
		}
		want := uint32(feeFilterVersion)
		if !p.Soter {
			want = sendAddrV2Version
		}
		if in.Version != want || x.link.Shared != y.link.Shared {
			t.Errorf("%s: version %d, want %d; shared %q and %q", name, in.Version, want, x.link.Shared, y.link.Shared)
		}
	}
}

func TestHelloFails(t *testing.T) {
	broken := errors.New("no blocks")
	cfg := Config{Params: SoterSim(), Hello: func(*Version, addr.Addr) error { return broken }}
	c := new(conn)
	_, err := mustNew(t, cfg).Open(c, opening(t, true, "10.0.0.2:1", 1))
	if !errors.Is(err, broken) || fault.KindOf(err) != fault.Local || c.out.Len() > 0 {
		t.Errorf("ends with %v after %d bytes", err, c.out.Len())
	}
}

// TestBeforeVerAck sends a Bitcoin node what may come before verack, and what may
// not.
func TestBeforeVerAck(t *testing.T) {
	p := BitcoinSim()
	f := func(names ...string) (b []byte) {
		for _, n := range names {
			b = append(b, frameOf(p, n, nil)...)
		}
		return b
	}
	for name, c := range map[string]struct {
		in []byte
		ok bool
	}{
		"nothing":         {f("verack"), true},
		"all that is new": {f("wtxidrelay", "sendaddrv2", "sendtxrcncl", "verack"), true},
		"fifteen others":  {append(f(slices.Repeat([]string{"novel"}, 15)...), f("verack")...), true},
		"sixteen others":  {append(f(slices.Repeat([]string{"novel"}, 16)...), f("verack")...), false},
		"a transaction":   {f("tx", "verack"), false},
		"another version": {append(versionFrame(t, p, nil), f("verack")...), false},
		"a reject":        {frameOf(p, "reject", (&Reject{"version", RejectObsolete, "old", Hash{}}).Append(nil)), false},
		"a bad reject":    {f("reject"), false},
		"too large":       {frameOf(p, "novel", make([]byte, maxText+1)), false},
		"a large one":     {append(frameOf(p, "novel", make([]byte, 20_000)), f("verack")...), true},
		"a bad checksum":  {append(frameOf(p, "novel", []byte{1})[:headerSize], 2), false},
		"no more":         {nil, false},
	} {
		c1 := &conn{in: append(versionFrame(t, p, nil), c.in...)}
		l, err := mustNew(t, Config{Params: p}).Open(c1, opening(t, false, "10.0.0.2:1", 1))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if k := fault.KindOf(err); err != nil && k != fault.Protocol && k != fault.IO && k != fault.Refused {
			t.Errorf("%s: %v of kind %v", name, err, k)
		}
		if hs := (*Handshake)(nil); err == nil {
			hs = l.Intro.Info.(*Handshake)
			if news := name == "all that is new"; hs.AddrV2 != news || hs.WtxidRelay != news {
				t.Errorf("%s: %+v", name, hs)
			}
		}
	}
}

// TestOldBitcoin speaks to a node that does not know addrv2: it is not told of it.
func TestOldBitcoin(t *testing.T) {
	p := BitcoinSim()
	c := &conn{in: append(versionFrame(t, p, func(v *Version) { v.Protocol = 70015 }), frameOf(p, "verack", nil)...)}
	l, err := mustNew(t, Config{Params: p}).Open(c, opening(t, false, "10.0.0.2:1", 1))
	if err != nil || l.Intro.Version != 70015 {
		t.Fatal(err)
	}
	if s := summary(t, split(t, c.out.Bytes())); s != "version verack" {
		t.Errorf("written %q", s)
	}
}

// TestRefusalIsTold lets the node refuse a peer: the dialer learns why.
func TestRefusalIsTold(t *testing.T) {
	for name, p := range networks {
		x, y := openPair(t, Config{Params: p}, func(o *dialect.Opening) {
			if !o.Dialing {
				o.Admit = func(dialect.Intro) error { return &dialect.Refusal{Reason: "full"} }
			}
		})
		r, ok := errors.AsType[*dialect.Refusal](x.err)
		if !ok || !strings.Contains(r.Reason, "full") || fault.KindOf(x.err) != fault.Refused || fault.KindOf(y.err) != fault.Refused {
			t.Errorf("%s: the dialer ends with %v, the listener with %v", name, x.err, y.err)
		}
	}
}

func TestNewChecks(t *testing.T) {
	for field, c := range map[string]Config{
		"Params.Net":     {},
		"Params.Genesis": {Params: Params{Net: 1, Soter: true}},
		"MinVersion":     {Params: SoterSim(), MinVersion: 80_000},
		"Ping":           {Params: SoterSim(), Ping: 1},
		"Idle":           {Params: SoterSim(), Idle: -1},
		"VerAck":         {Params: SoterSim(), VerAck: 1},
		"Known":          {Params: SoterSim(), Known: -1},
		"AddrInterval":   {Params: SoterSim(), AddrInterval: 1},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, p := range []Params{SoterMain(), SoterRegTest(), SoterSim(), BitcoinMain(), BitcoinTest(), BitcoinRegTest(), BitcoinSim()} {
		d := mustNew(t, Config{Params: p})
		if d.Params() != p || p.Name == "" || p.Port == 0 || (d.Name() == "soter") != p.Soter {
			t.Errorf("%s: %+v", d.Name(), d.Params())
		}
	}
	for want, p := range map[int]Params{6: SoterMain(), 4: BitcoinTest(), 0: SoterSim()} {
		for _, s := range p.Seeds() {
			if a, err := addr.Join(s, "8333"); err != nil || a.Host != s {
				t.Errorf("%s: seed %q: %v", p.Name, s, err)
			}
		}
		if n := len(p.Seeds()); n != want {
			t.Errorf("%s: %d seeds, want %d", p.Name, n, want)
		}
	}
	if s := SoterMain().Genesis.String(); s != mainGenesis {
		t.Errorf("the hash is printed as %s", s)
	}
	for _, s := range []string{"", "00", strings.Repeat("g", 64)} {
		if _, err := ParseHash(s); err == nil {
			t.Errorf("%q is a hash", s)
		}
	}
}
