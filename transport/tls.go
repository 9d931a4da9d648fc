package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"parley/addr"
)

var errNoTLSConfig = errors.New("tls: no configuration")

// TLS encrypts the connections of another transport with TLS. Whom it trusts
// is Config's business: for mutual TLS it holds a certificate, the roots or a
// VerifyConnection that pins keys, and ClientAuth with RequireAndVerifyClientCert
// or RequireAnyClientCert.
//
// Connections implement [Proven]. The remote key is the DER-encoded
// SubjectPublicKeyInfo of the peer's leaf certificate, or nil if it showed none.
// Prove fails if the handshake does, so also if Config does not trust the peer.
type TLS struct {
	Config *tls.Config // required
	Under  Transport   // nil means TCP
}

// Dial connects through Under and is the TLS client. Where Config names no
// server, the dialed host is the name to be verified.
func (t TLS) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	if t.Config == nil {
		return nil, errNoTLSConfig
	}
	c, err := under(t.Under).Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	cfg := t.Config
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = to.HostText()
	}
	return tlsConn{tls.Client(c, cfg)}, nil
}

// Listen accepts connections through Under and is the TLS server.
func (t TLS) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	if t.Config == nil {
		return nil, errNoTLSConfig
	}
	ln, err := under(t.Under).Listen(ctx, at)
	if err != nil {
		return nil, err
	}
	return tlsListener{ln, t.Config}, nil
}

func under(t Transport) Transport {
	if t == nil {
		return TCP{}
	}
	return t
}

type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

// Accept implements net.Listener. The handshake is left to Prove, so that a
// slow peer delays nobody else.
func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tlsConn{tls.Server(c, l.cfg)}, nil
}

type tlsConn struct{ *tls.Conn }

// Prove implements [Proven].
func (c tlsConn) Prove(ctx context.Context) error { return c.HandshakeContext(ctx) }

// Close implements net.Conn. It says no goodbye, which could block for seconds;
// CloseWrite does.
func (c tlsConn) Close() error { return c.NetConn().Close() }

// RemoteKey implements [Proven].
func (c tlsConn) RemoteKey() []byte {
	peers := c.ConnectionState().PeerCertificates
	if len(peers) == 0 {
		return nil
	}
	return peers[0].RawSubjectPublicKeyInfo
}
