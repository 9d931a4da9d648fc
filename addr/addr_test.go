package addr

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, out string
		err     error
	}{
		{"1.2.3.4:8108", "1.2.3.4:8108", nil},
		{"[::1]:1", "[::1]:1", nil},
		{"[::ffff:10.0.0.1]:9", "10.0.0.1:9", nil},
		{"[fe80::1%eth0]:9", "[fe80::1%eth0]:9", nil},
		{"Seed.Example.org:65535", "seed.example.org:65535", nil},
		{"localhost:80", "localhost:80", nil},
		{"a_b.example.:80", "a_b.example.:80", nil},
		{"1.2.3.4", "", ErrNoPort},
		{":80", "", ErrNoHost},
		{":0", "", ErrBadPort},
		{"1.2.3.4:0", "", ErrBadPort},
		{"1.2.3.4:+80", "", ErrBadPort},
		{"1.2.3.4:-5", "", ErrBadPort},
		{"1.2.3.4:65536", "", ErrBadPort},
		{"1.2.3.4:", "", ErrBadPort},
		{"256.1.1.1:80", "", ErrBadHost},
		{"::1:80", "", ErrBadHost},
		{"[1.2.3.4]:80", "", ErrBadHost},
		{"-a.example:80", "", ErrBadHost},
		{"a-.example:80", "", ErrBadHost},
		{"a..b:80", "", ErrBadHost},
		{"a b:80", "", ErrBadHost},
		{strings.Repeat("a", 64) + ":80", "", ErrBadHost},
		{strings.Repeat("abcdefgh.", 30) + "a:80", "", ErrBadHost},
	} {
		a, err := Parse(c.in)
		if !errors.Is(err, c.err) || err == nil && a.String() != c.out {
			t.Errorf("Parse(%q) = %q, %v; want %q, %v", c.in, a, err, c.out, c.err)
		}
	}
}

func TestText(t *testing.T) {
	for _, s := range []string{"1.2.3.4:5", "[2001:db8::1]:5", "name.example:5", "1.2.3.4", "2001:db8::1", ""} {
		var a, b Addr
		if err := a.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(j, &b); err != nil || a != b {
			t.Errorf("%q became %s and then %v, %v", s, j, b, err)
		}
	}
	if got := (Addr{}).String(); got != "nowhere" {
		t.Errorf("the zero address prints as %q", got)
	}
}

func TestGroup(t *testing.T) {
	must := func(s string) Group {
		var a Addr
		if err := a.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return a.Group()
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"1.2.3.4:1", "1.2.200.7:2", true},
		{"1.2.3.4:1", "1.3.3.4:1", false},
		{"[2a00:1450:1::]:1", "[2a00:1450:ffff::]:1", true},
		{"[2a00:1450::]:1", "[2a00:1451::]:1", false},
		{"127.0.0.1:1", "[::1]:1", true},
		{"[2002:102:304::]:1", "1.2.9.9:1", true},
		{"[64:ff9b::102:304]:1", "1.2.9.9:1", true},
		{"a.example:1", "a.example:2", true},
		{"a.example:1", "b.example:1", false},
	} {
		if got := must(c.a) == must(c.b); got != c.same {
			t.Errorf("%s and %s in one group: %v, want %v", c.a, c.b, got, c.same)
		}
	}
}

func TestRoutable(t *testing.T) {
	for s, want := range map[string]bool{
		"8.8.8.8:53": true, "[2a00:1450::1]:1": true, "seed.example:1": true,
		"8.8.8.8": false, "10.0.0.1:1": false, "127.0.0.1:1": false, "[::1]:1": false, "[fe80::1%lo]:1": false,
		"192.0.2.1:1": false, "224.0.0.1:1": false, "0.0.0.0:1": false, "255.255.255.255:1": false,
		"100.64.0.1:1": false, "[fc00::1]:1": false, "localhost:1": false, "": false,
	} {
		var a Addr
		if err := a.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if got := a.Routable(); got != want {
			t.Errorf("%q is routable: %v, want %v", s, got, want)
		}
	}
}

func TestFromAddrPort(t *testing.T) {
	a := FromAddrPort(netip.MustParseAddrPort("[::ffff:1.2.3.4]:5"))
	if a != (Addr{IP: netip.MustParseAddr("1.2.3.4"), Port: 5}) || a.AddrPort() != netip.MustParseAddrPort("1.2.3.4:5") {
		t.Errorf("4-in-6 became %v", a)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.2.3.4:5", "[::1]:80", "[fe80::1%e]:9", "host.example:1", ":0", "256.1.1.1:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		if b, err := Parse(a.String()); err != nil || a != b {
			t.Errorf("%q parsed as %v, which parsed as %v, %v", s, a, b, err)
		}
		a.Group()
		a.Routable()
	})
}
