package nat

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestEpochs(t *testing.T) {
	start := time.Unix(1e9, 0)
	for _, c := range []struct {
		name   string
		after  time.Duration
		epoch  uint32
		wanted bool
	}{
		{"in step", 1000 * time.Second, 2000, false},
		{"at once", 0, 1000, false},
		{"rounded down", time.Second, 999, false},
		{"a slow clock", 1000 * time.Second, 1880, false},
		{"a fast clock", 1000 * time.Second, 2120, false},
		{"far too slow", 1000 * time.Second, 1800, true},
		{"far too fast", 1000 * time.Second, 2300, true},
		{"restarted", 1000 * time.Second, 10, true},
		{"restarted to the same", 1000 * time.Second, 1000, true},
	} {
		var e epochs
		if e.seen(start, 1000) {
			t.Error("restarted when first seen")
		}
		if got := e.seen(start.Add(c.after), c.epoch); got != c.wanted {
			t.Errorf("%s: %v", c.name, got)
		}
		if e.seen(start.Add(c.after), c.epoch) {
			t.Errorf("%s: told twice", c.name)
		}
	}
}

func TestRoutes(t *testing.T) {
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	for _, c := range []struct{ name, table, want string }{
		{"none", head, ""},
		{"default", head + "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", "192.168.1.1"},
		{"behind others", head + "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n" +
			"eth0\t00000000\tFE01A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", "192.168.1.254"},
		{"without a gateway", head + "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
		{"nonsense", "a b\n\x00\n" + head + "eth0\t00000000\tXY\t0003\t0\t0\t100\t00000000\n", ""},
	} {
		gw, ok := readRoutes(strings.NewReader(c.table))
		if ok != (c.want != "") || ok && gw != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %v, %v, want %q", c.name, gw, ok, c.want)
		}
	}
}

func TestLocation(t *testing.T) {
	from := netip.MustParseAddr("192.168.1.1")
	answer := func(at string) []byte { return []byte("HTTP/1.1 200 OK\r\nLocation: " + at + "\r\n\r\n") }
	u, err := location(answer("http://192.168.1.1:5000/rootDesc.xml"), from)
	if err != nil || u.Path != "/rootDesc.xml" {
		t.Errorf("%v, %v", u, err)
	}
	for _, at := range []string{
		"http://192.168.1.2/", "http://router/", "https://192.168.1.1/", "file:///etc/passwd", "", "http://u:p@192.168.1.1/", "http://%zz/", "http://[::1]/",
	} {
		if u, err := location(answer(at), from); err == nil {
			t.Errorf("%q passed as %v", at, u)
		}
	}
	for _, b := range []string{"", "HTTP/1.1 404 No\r\nLocation: http://192.168.1.1/\r\n\r\n", "NOTIFY * HTTP/1.1\r\n\r\n"} {
		if _, err := location([]byte(b), from); err == nil {
			t.Errorf("%q passed", b)
		}
	}
}

func FuzzLocation(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nLOCATION: //[::\r\n\r\n"))
	from := netip.MustParseAddr("192.168.1.1")
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := location(b, from); err == nil && hostOf(u) != from {
			t.Fatalf("%q leads to %v", b, u)
		}
	})
}
