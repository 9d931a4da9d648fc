package nat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/fault"
	"parley/transport/nat/internal/pcp"
)

// serve answers HTTP with f until the test ends.
func serve(t *testing.T, f http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/desc.xml")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// describing returns a description with one connection service.
func describing(base, control string) string {
	return `<root xmlns="urn:schemas-upnp-org:device-1-0">` + base + `<device><serviceList><service>` +
		`<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>` + control +
		`</controlURL></service></serviceList></device></root>`
}

// endless writes until nobody reads.
func endless(w io.Writer, head, more string) {
	io.WriteString(w, head)
	for {
		if _, err := io.WriteString(w, strings.Repeat(more, 1000)); err != nil {
			return
		}
	}
}

func TestDescriptionRefused(t *testing.T) {
	for name, f := range map[string]http.HandlerFunc{
		"not there": http.NotFound,
		"no xml":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		},
		"endless":       func(w http.ResponseWriter, _ *http.Request) { endless(w, "<root>", "<a>text</a>") },
		"endless depth": func(w http.ResponseWriter, _ *http.Request) { endless(w, "<root>", "<device>") },
		"endless head": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			io.WriteString(w, describing("", "/ctl"))
		},
		"no service": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `<root xmlns="urn:schemas-upnp-org:device-1-0"><device></device></root>`)
		},
		"control elsewhere": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, describing("", "http://192.0.2.1/ctl"))
		},
		"base elsewhere": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, describing("<URLBase>http://192.0.2.1/</URLBase>", "/ctl"))
		},
		"base of no kind": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, describing("<URLBase>%zz</URLBase>", "/ctl"))
		},
		"control by file": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, describing("", "file:///etc/passwd"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := serve(t, f)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w, err := Network{Timeout: 10 * time.Second}.connection(t.Context(), at)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("led to %v", w)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
				t.Errorf("took %d bytes", took)
			}
		})
	}
}

// envelope is an answer with what is in it.
func envelope(body string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` + body + `</s:Body></s:Envelope>`
}

func TestAnswersRefused(t *testing.T) {
	says := func(ip string) string {
		return envelope(`<u:GetExternalIPAddressResponse xmlns:u="x"><NewExternalIPAddress>` + ip + `</NewExternalIPAddress></u:GetExternalIPAddressResponse>`)
	}
	for _, c := range []struct {
		name, body string
		status     int
		want       error
	}{
		{"a host name", says("example.com"), 200, fault.Protocol},
		{"IPv6", says("2001:db8::1"), 200, fault.Protocol},
		{"unspecified", says("0.0.0.0"), 200, ErrNoAddress},
		{"nothing", says(""), 200, ErrNoAddress},
		{"a long one", says(strings.Repeat("9", 100_000)), 200, fault.Protocol},
		{"a fault without a code", envelope("<s:Fault><faultcode>s:Client</faultcode><faultstring>" + strings.Repeat("no", 1000) + "</faultstring></s:Fault>"), 500, fault.Refused},
		{"no envelope", "hello", 200, nil},
		{"a bare error", "", 500, nil},
	} {
		var answer string
		at := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				io.WriteString(w, describing("", "/ctl"))
				return
			}
			w.WriteHeader(c.status)
			io.WriteString(w, answer)
		})
		answer = c.body
		w, err := Network{}.connection(t.Context(), at)
		if err != nil {
			t.Fatal(err) // a gateway that is not connected is a gateway
		}
		u := &upnpClient{wan: w, local: netip.MustParseAddr("127.0.0.1")}
		_, err = u.external(t.Context())
		if err == nil || c.want != nil && !errors.Is(err, c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v, want %v", c.name, err, c.want)
		}
		if _, err := u.add(t.Context(), Request{Port: 1}.filled()); err == nil {
			t.Errorf("%s: mapped", c.name)
		}
	}
}

// udp answers datagrams at the port of PCP on an address of its own.
func udp(t *testing.T, answer func(b []byte) [][]byte) netip.Addr {
	t.Helper()
	for i := range 64 {
		at := netip.AddrFrom4([4]byte{127, 200, byte(time.Now().UnixNano() >> 10), byte(i + 1)})
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: at.AsSlice(), Port: pcp.Port})
		if err != nil {
			continue
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			b := make([]byte, 2048)
			for {
				n, from, err := c.ReadFromUDPAddrPort(b)
				if err != nil {
					return
				}
				for _, a := range answer(b[:n]) {
					c.WriteToUDPAddrPort(a, from)
				}
			}
		})
		t.Cleanup(func() {
			c.Close()
			wg.Wait()
		})
		return at
	}
	t.Fatal("no address is free")
	return netip.Addr{}
}

// answered turns a request into a response that change spoils.
func answered(b []byte, change func(*pcp.Message)) []byte {
	m, err := pcp.Decode(b)
	if err != nil {
		return nil
	}
	m.Response, m.Client, m.Epoch = true, netip.Addr{}, 1000
	if m.Op == pcp.Map {
		m.External, m.ExternalAddr = 9000, outside
		change(m)
	}
	return m.Append(nil)
}

func TestPCPAnswersRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pcp.Message)
		want   error
	}{
		"of another nonce":     {func(m *pcp.Message) { m.Nonce[0]++ }, ErrNoGateway},
		"of another port":      {func(m *pcp.Message) { m.Internal++ }, ErrNoGateway},
		"of another transport": {func(m *pcp.Message) { m.Transport = pcp.UDP }, ErrNoGateway},
		"of another kind":      {func(m *pcp.Message) { m.Op = pcp.Announce }, ErrNoGateway},
		"a request":            {func(m *pcp.Message) { m.Response = false }, ErrNoGateway},
		"for no time":          {func(m *pcp.Message) { m.Lifetime = 0 }, fault.Protocol},
		"to no port":           {func(m *pcp.Message) { m.External = 0 }, ErrNoAddress},
		"to no address":        {func(m *pcp.Message) { m.ExternalAddr = netip.IPv4Unspecified() }, ErrNoAddress},
		"refused":              {func(m *pcp.Message) { m.Result = 200 }, fault.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			gw := udp(t, func(b []byte) [][]byte { return [][]byte{answered(b, c.change)} })
			g, err := Network{Gateway: gw}.findPCP(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			patience := time.Minute
			if c.want == ErrNoGateway { // it is waited for in vain
				patience = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if l, err := g.Map(ctx, Request{Port: 8108}); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v, want %v", l, err, c.want)
			}
		})
	}
}

// A server that does not know ANNOUNCE is one all the same, and its restarts show.
func TestPCPWithoutAnnounce(t *testing.T) {
	var epoch atomic.Uint32
	epoch.Store(100_000)
	gw := udp(t, func(b []byte) [][]byte {
		m, err := pcp.Decode(b)
		if err != nil {
			return nil
		}
		a := &pcp.Message{Response: true, Op: m.Op, Epoch: epoch.Load(), Result: pcp.UnsupportedOpcode}
		if m.Op == pcp.Map {
			*a = *m
			a.Response, a.Client, a.Epoch, a.External, a.ExternalAddr = true, netip.Addr{}, epoch.Load(), 9000, outside
		}
		return [][]byte{a.Append(nil)}
	})
	g, err := Network{Gateway: gw}.findPCP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := g.Map(t.Context(), Request{Port: 8108})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(t.Context(), l); err != nil {
		t.Errorf("a mapping that stands: %v", err)
	}
	epoch.Store(1)
	if err := g.Check(t.Context(), l); !errors.Is(err, ErrLost) {
		t.Errorf("after a restart: %v", err)
	}
}

// Strays are passed over, the answer among them counts, and too many are refused.
func TestPCPStrays(t *testing.T) {
	for _, c := range []struct {
		strays int
		want   error
	}{{10, nil}, {10 * maxStrays, fault.Protocol}} {
		gw := udp(t, func(b []byte) (all [][]byte) {
			if m, err := pcp.Decode(b); err == nil && m.Op == pcp.Map {
				for range c.strays {
					all = append(all, answered(b, func(m *pcp.Message) { m.Nonce[0]++ }))
				}
			}
			return append(all, answered(b, func(*pcp.Message) {}))
		})
		g, err := Network{Gateway: gw}.findPCP(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Map(t.Context(), Request{Port: 8108}); !errors.Is(err, c.want) {
			t.Errorf("%d strays: %v, want %v", c.strays, err, c.want)
		}
	}
}

func TestNATPMPAnswersRefused(t *testing.T) {
	for name, spoil := range map[string]func(a []byte) []byte{
		"of another port": func(a []byte) []byte { a[9]++; return a },
		"of another kind": func(a []byte) []byte { a[1]++; return a },
		"of another size": func(a []byte) []byte { return a[:15] },
		"for no time":     func(a []byte) []byte { clear(a[12:]); return a },
		"to no port":      func(a []byte) []byte { clear(a[10:12]); return a },
		"nothing":         func(a []byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			gw := udp(t, func(b []byte) [][]byte {
				a := binary.BigEndian.AppendUint32([]byte{0, b[1] | 0x80, 0, 0}, 1000)
				if b[1] == 0 {
					return [][]byte{append(a, outside.AsSlice()...)}
				}
				a = append(a, b[4:8]...)
				return [][]byte{spoil(append(a, b[8:12]...))}
			})
			g, err := Network{Gateway: gw}.findNATPMP(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if l, err := g.Map(t.Context(), Request{Port: 8108}); !errors.Is(err, fault.Protocol) {
				t.Errorf("%+v, %v", l, err)
			}
		})
	}
}

// A search is over after so many answers, whatever they say.
func TestSearchFlood(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.Close()
	wg.Go(func() {
		b := make([]byte, 2048)
		for {
			_, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			for i := range 2 * maxAnswers {
				fmt.Fprintf(to{c, from}, "HTTP/1.1 200 OK\r\nLOCATION: http://127.0.0.1:%d/\r\n\r\n", i+1)
			}
		}
	})
	urls, err := searchSSDP(t.Context(), netip.MustParseAddr("127.0.0.1"), c.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil || len(urls) == 0 || len(urls) > maxLocations {
		t.Errorf("%d gateways, limit %d, %v", len(urls), maxLocations, err)
	}
}

// to writes to one address.
type to struct {
	c  *net.UDPConn
	at netip.AddrPort
}

func (w to) Write(b []byte) (int, error) { return w.c.WriteToUDPAddrPort(b, w.at) }
