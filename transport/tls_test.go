package transport_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"parley/addr"
	"parley/transport"
	"parley/transport/mem"
)

// identity makes a self-signed certificate and returns its public key too.
func identity(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "peer"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, spki
}

var errStranger = errors.New("not the pinned key")

// pinned trusts one key in place of certificate authorities.
func pinned(cert tls.Certificate, key []byte) *tls.Config {
	return &tls.Config{
		Certificates:       []tls.Certificate{cert},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			if !bytes.Equal(s.PeerCertificates[0].RawSubjectPublicKeyInfo, key) {
				return errStranger
			}
			return nil
		},
	}
}

// meet connects client to server over memory and runs both handshakes.
func meet(t *testing.T, client, server *tls.Config) (c, s net.Conn, cerr, serr error) {
	t.Helper()
	netw := mem.New(0)
	at := place(t, "10.0.0.2:8000")
	ln, err := transport.TLS{Config: server, Under: netw.From(at)}.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err = transport.TLS{Config: client, Under: netw.From(place(t, "10.0.0.1:1"))}.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.(transport.Proven).Prove(t.Context()) }()
	cerr = c.(transport.Proven).Prove(t.Context())
	if cerr != nil {
		c.Close() // as a node would, so that the other end does not wait
	}
	return c, s, cerr, <-done
}

func TestTLS(t *testing.T) {
	one, oneKey := identity(t)
	two, twoKey := identity(t)
	c, s, cerr, serr := meet(t, pinned(one, twoKey), pinned(two, oneKey))
	if cerr != nil || serr != nil {
		t.Fatalf("handshake: %v, %v", cerr, serr)
	}
	if got := c.(transport.Proven).RemoteKey(); !bytes.Equal(got, twoKey) {
		t.Errorf("the client saw key %x, want %x", got, twoKey)
	}
	if got := s.(transport.Proven).RemoteKey(); !bytes.Equal(got, oneKey) {
		t.Errorf("the server saw key %x, want %x", got, oneKey)
	}
	go c.Write([]byte("hello"))
	got := make([]byte, 8)
	if n, err := s.Read(got); string(got[:n]) != "hello" || err != nil {
		t.Errorf("read %q, %v", got[:n], err)
	}
}

func TestTLSStranger(t *testing.T) {
	one, oneKey := identity(t)
	two, _ := identity(t)
	_, thirdKey := identity(t)
	if _, _, err, _ := meet(t, pinned(one, thirdKey), pinned(two, oneKey)); !errors.Is(err, errStranger) {
		t.Errorf("the client took a stranger for its peer: %v", err)
	}
	if _, _, _, err := meet(t, pinned(one, oneKey), pinned(two, thirdKey)); err == nil {
		t.Error("the server took a stranger for its peer")
	}
}

// Without a name in the configuration the dialed host is what is verified.
func TestTLSName(t *testing.T) {
	cert, _ := identity(t)
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	c, _, err, _ := meet(t, &tls.Config{}, server)
	if err == nil {
		t.Error("a certificate that nobody vouches for was trusted")
	}
	if got := c.(interface{ ConnectionState() tls.ConnectionState }).ConnectionState(); got.HandshakeComplete {
		t.Error("the handshake completed")
	}
}

func TestTLSProveEnds(t *testing.T) {
	netw := mem.New(0)
	at := place(t, "10.0.0.2:8000")
	ln, err := netw.From(at).Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := transport.TLS{Config: &tls.Config{}, Under: netw.From(at)}.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if err := c.(transport.Proven).Prove(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("proving against a silent peer: %v", err)
	}
	if key := c.(transport.Proven).RemoteKey(); key != nil {
		t.Errorf("key %x although none was shown", key)
	}
}

func TestTLSNeedsConfig(t *testing.T) {
	if _, err := (transport.TLS{}).Dial(t.Context(), addr.Addr{}); err == nil {
		t.Error("dialed without a configuration")
	}
	if _, err := (transport.TLS{}).Listen(t.Context(), addr.Addr{}); err == nil {
		t.Error("listened without a configuration")
	}
}
