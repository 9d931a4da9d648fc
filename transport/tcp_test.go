package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"parley/addr"
	"parley/transport"
)

func place(t testing.TB, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// loopbacks returns the loopback addresses this machine has.
func loopbacks(t *testing.T) []addr.Addr {
	t.Helper()
	var as []addr.Addr
	for _, ip := range []string{"127.0.0.1", "::1"} {
		a := addr.Addr{IP: netip.MustParseAddr(ip)}
		ln, err := transport.TCP{}.Listen(t.Context(), a)
		if err != nil {
			t.Logf("no %s here: %v", ip, err)
			continue
		}
		ln.Close()
		as = append(as, a)
	}
	if len(as) == 0 {
		t.Fatal("no loopback address at all")
	}
	return as
}

// echo sends back what comes on every connection.
func echo(t *testing.T, ln net.Listener) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { io.Copy(c, c); c.Close() })
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
}

// talk dials and checks that what is sent comes back.
func talk(t *testing.T, tr transport.Transport, to addr.Addr) net.Conn {
	t.Helper()
	c, err := tr.Dial(t.Context(), to)
	if err != nil {
		t.Fatalf("dial %s: %v", to, err)
	}
	t.Cleanup(func() { c.Close() })
	c.Write([]byte("hello"))
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("through %s: %q, %v", to, got, err)
	}
	return c
}

func portOf(ln net.Listener) uint16 { return uint16(ln.Addr().(*net.TCPAddr).Port) }

func TestTCP(t *testing.T) {
	for _, a := range loopbacks(t) {
		ln, err := transport.TCP{}.Listen(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		echo(t, ln)
		c := talk(t, transport.TCP{Bind: a.IP}, a.WithPort(portOf(ln)))
		if from := addr.FromAddrPort(c.LocalAddr().(*net.TCPAddr).AddrPort()); from.IP != a.IP {
			t.Errorf("bound to %s, dialed from %s", a.IP, from)
		}
	}
}

// A listener on every interface is reached over IPv4, IPv6, an IPv4 address in
// IPv6 form, and by name.
func TestTCPEverywhere(t *testing.T) {
	ln, err := transport.TCP{}.Listen(t.Context(), addr.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	echo(t, ln)
	for _, a := range loopbacks(t) {
		talk(t, transport.TCP{}, a.WithPort(portOf(ln)))
	}
	mapped := addr.FromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), portOf(ln)))
	talk(t, transport.TCP{}, mapped)
	talk(t, transport.TCP{}, addr.Addr{Host: "localhost", Port: portOf(ln)})
}

func TestTCPErrors(t *testing.T) {
	ln, err := transport.TCP{}.Listen(t.Context(), place(t, "127.0.0.1:1").WithPort(0))
	if err != nil {
		t.Fatal(err)
	}
	at := place(t, ln.Addr().String())
	if _, err := (transport.TCP{}).Listen(t.Context(), at); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening twice: %v", err)
	}
	ln.Close()
	if _, err := (transport.TCP{}).Dial(t.Context(), at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialing nobody: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (transport.TCP{}).Dial(ctx, at); err == nil {
		t.Error("dialed although the context was over")
	}
}
