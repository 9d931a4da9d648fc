package transport_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"parley/addr"
	"parley/transport"
	"parley/transport/mem"
)

// proxied is what a proxy was asked for.
type proxied struct{ user, password, target string }

// socksProxy is a SOCKS5 proxy (RFC 1928, RFC 1929) that echoes in place of
// connecting anywhere.
type socksProxy struct {
	reply byte // of RFC 1928 section 6
	mu    sync.Mutex
	asked []proxied
}

func (p *socksProxy) serve(c net.Conn) {
	defer c.Close()
	head := make([]byte, 2)
	io.ReadFull(c, head)
	methods := make([]byte, head[1])
	io.ReadFull(c, methods)
	var ask proxied
	method := byte(0)
	if strings.IndexByte(string(methods), 2) >= 0 {
		method = 2
	}
	c.Write([]byte{5, method})
	if method == 2 {
		io.ReadFull(c, head[:1])
		ask.user, ask.password = text(c), text(c)
		c.Write([]byte{1, 0})
	}
	request := make([]byte, 4)
	io.ReadFull(c, request)
	switch request[3] {
	case 1:
		ask.target = ip(c, 4)
	case 3:
		ask.target = text(c)
	case 4:
		ask.target = ip(c, 16)
	}
	port := make([]byte, 2)
	io.ReadFull(c, port)
	ask.target = transport.HostPort(addr.Addr{Host: ask.target, Port: binary.BigEndian.Uint16(port)})
	p.mu.Lock()
	p.asked = append(p.asked, ask)
	p.mu.Unlock()
	c.Write([]byte{5, p.reply, 0, 1, 0, 0, 0, 0, 0, 0})
	if p.reply == 0 {
		io.Copy(c, c)
	}
}

func text(r io.Reader) string {
	n := make([]byte, 1)
	io.ReadFull(r, n)
	b := make([]byte, n[0])
	io.ReadFull(r, b)
	return string(b)
}

func ip(r io.Reader, size int) string {
	b := make([]byte, size)
	io.ReadFull(r, b)
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

// startProxy runs a proxy and returns a transport through it.
func startProxy(t *testing.T, p *socksProxy) transport.SOCKS {
	t.Helper()
	host := mem.New(0).From(place(t, "10.0.0.9:1"))
	at := place(t, "10.0.0.9:1080")
	ln, err := host.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { ln.Close() })
	return transport.SOCKS{Proxy: at, Under: host}
}

func TestSOCKS(t *testing.T) {
	p := &socksProxy{}
	tr := startProxy(t, p)
	for _, to := range []string{"192.0.2.1:8108", "[2001:db8::1]:8108", "seed.example:8110"} {
		talk(t, tr, place(t, to)).Close()
		if got := p.asked[len(p.asked)-1]; got != (proxied{target: to}) {
			t.Errorf("dialing %s asked the proxy for %+v", to, got)
		}
	}
	tr.User, tr.Password = "me", "secret"
	talk(t, tr, place(t, "192.0.2.1:1")).Close()
	if got := p.asked[len(p.asked)-1]; got != (proxied{"me", "secret", "192.0.2.1:1"}) {
		t.Errorf("with a password the proxy saw %+v", got)
	}
}

func TestSOCKSIsolate(t *testing.T) {
	p := &socksProxy{}
	tr := startProxy(t, p)
	tr.Isolate = true
	for range 3 {
		talk(t, tr, place(t, "192.0.2.1:1")).Close()
	}
	seen := map[string]bool{}
	for _, a := range p.asked {
		if len(a.user) < 16 || a.user == a.password || seen[a.user] || seen[a.password] {
			t.Errorf("credentials %q, %q do not isolate", a.user, a.password)
		}
		seen[a.user], seen[a.password] = true, true
	}
}

func TestSOCKSRefused(t *testing.T) {
	tr := startProxy(t, &socksProxy{reply: 5})
	c, err := tr.Dial(t.Context(), place(t, "192.0.2.1:1"))
	if err == nil || c != nil {
		t.Errorf("the proxy refused, Dial returned %v, %v", c, err)
	}
	if _, err := tr.Dial(t.Context(), place(t, "[fe80::1%eth0]:1")); err == nil {
		t.Error("an address with a zone was sent to the proxy")
	}
}

// A proxy that accepts and then says nothing does not hold up Dial for longer
// than its context.
func TestSOCKSSilent(t *testing.T) {
	host := mem.New(0).From(place(t, "10.0.0.9:1"))
	at := place(t, "10.0.0.9:1080")
	ln, err := host.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := ln.Accept(); err == nil {
			io.ReadFull(c, make([]byte, 3))
			cancel()
		}
	}()
	_, err = transport.SOCKS{Proxy: at, Under: host}.Dial(ctx, place(t, "192.0.2.1:1"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v", err)
	}
}

func TestSOCKSListens(t *testing.T) {
	host := mem.New(0).From(place(t, "10.0.0.9:1"))
	at := place(t, "10.0.0.9:8000")
	ln, err := transport.SOCKS{Under: host}.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, ln)
	talk(t, host, at)
}
