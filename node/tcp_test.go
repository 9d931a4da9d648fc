package node

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/transport"
	"parley/transport/mem"
)

// Nodes meet over IPv4, IPv6, an IPv4 address in IPv6 form, and by name, on a
// listener that is open to all of them.
func TestFamilies(t *testing.T) {
	cfg := onLoopback(nil)
	cfg.Listen = []addr.Addr{{}} // every interface
	n := run(t, cfg)
	port := n.Listening()[0].Port
	to := []addr.Addr{
		{IP: netip.MustParseAddr("127.0.0.1"), Port: port},
		addr.FromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), port)),
		{Host: "localhost", Port: port},
	}
	if ln, err := net.Listen("tcp", "[::1]:0"); err == nil {
		ln.Close()
		to = append(to, addr.Addr{IP: netip.IPv6Loopback(), Port: port})
	} else {
		t.Logf("no IPv6 here: %v", err)
	}
	for _, a := range to {
		up := make(chan *Link, 1)
		cfg := onLoopback(events{peer: func(l *Link, isUp bool, _ error) {
			if isUp {
				up <- l
			}
		}})
		cfg.Listen, cfg.Seeds = nil, []addr.Addr{a}
		other := run(t, cfg)
		if l := <-up; l.Addr() != a {
			t.Errorf("dialed %s, linked to %s", a, l.Addr())
		}
		if err := other.stop(); err != nil {
			t.Error(err)
		}
	}
	for _, e := range n.Ended(10) {
		if a, err := addr.Parse(e.Addr); err != nil || a.IP.Is4In6() {
			t.Errorf("a peer was seen at %s", e.Addr)
		}
	}
}

// keyed is a dialect that remembers the keys its transport proved.
type keyed struct {
	dialect.Dialect
	keys chan []byte
}

func (k keyed) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	k.keys <- o.Key
	return k.Dialect.Open(rw, o)
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(1000 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Over TLS the dialect gets the peer's proven key, and a link that went quiet,
// for which reads were timed out, goes on.
func TestTLS(t *testing.T) { synctest.Test(t, testTLS) }

func testTLS(t *testing.T) {
	netw := mem.New(time.Millisecond)
	cfgTLS := &tls.Config{Certificates: []tls.Certificate{certificate(t)}, ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true}
	keys := make(chan []byte, 2)
	got := newCounter()
	cfg := func(i int, seeds ...int) Config {
		c := member(netw, i, seeds...)
		c.Dialect = keyed{toy.New(toy.Config{}), keys}
		c.Transport = transport.TLS{Config: cfgTLS, Under: c.Transport}
		c.Handler = events{receive: got.receive}
		return c
	}
	_, _, l := two(t, cfg(1), cfg(2, 1))
	if a, b := <-keys, <-keys; len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("keys %x and %x", a, b)
	}
	for i := range 5 {
		if err := l.Send(t.Context(), app(numbered(i)+numbered(i))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * quiet)
	}
	if n := len(got.wait(5)); n != 5 {
		t.Errorf("%d messages arrived", n)
	}
	l.Close(nil)
	<-l.Done()
}

// A peer that does not speak TLS, or says nothing at all, ends in time.
func TestTLSGarbage(t *testing.T) { synctest.Test(t, testTLSGarbage) }

func testTLSGarbage(t *testing.T) {
	netw := mem.New(time.Millisecond)
	cfg := member(netw, 1)
	cfg.Transport = transport.TLS{Config: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}, Under: cfg.Transport}
	n := run(t, cfg)
	c := raw(t, netw, 1)
	c.Write(hello(network, 2))
	wantClosed(t, c, 0, time.Second)
	if e := n.Ended(1); len(e) != 1 || e[0].Kind == "local" || e[0].Kind == "none" {
		t.Errorf("ended: %+v", e)
	}
	wantClosed(t, raw(t, netw, 1), 9*time.Second, 11*time.Second)
	n.wantEnded(t, "timeout", "prove")
}
