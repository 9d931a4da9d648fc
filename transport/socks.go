package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"

	"golang.org/x/net/proxy"

	"parley/addr"
)

var errZone = errors.New("socks: an address with a zone means nothing to a proxy")

// SOCKS dials through a SOCKS5 proxy (RFC 1928). Host names are resolved by the
// proxy, so that nothing about them leaves by another way.
type SOCKS struct {
	Proxy    addr.Addr
	User     string // for RFC 1929; empty for none
	Password string

	// Isolate draws a user and password for each connection. Proxies of
	// anonymity networks send connections with different credentials over
	// different paths, so that they cannot be linked. It replaces User.
	Isolate bool

	// Under reaches the proxy and listens. Nil means TCP.
	Under Transport
}

// Dial asks the proxy for a connection.
func (s SOCKS) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	if to.IP.Zone() != "" {
		return nil, errZone
	}
	via := &capture{under: under(s.Under), proxy: s.Proxy}
	d, err := proxy.SOCKS5("tcp", HostPort(s.Proxy), s.auth(), via)
	if err != nil {
		return nil, err
	}
	if _, err := d.(proxy.ContextDialer).DialContext(ctx, "tcp", HostPort(to)); err != nil {
		if ctx.Err() != nil { // and not the timeout that it was enforced with
			return nil, fmt.Errorf("dial %s: %w", to, ctx.Err())
		}
		return nil, err
	}
	return via.conn, nil
}

// Listen accepts connections without the proxy, which has no part in those:
// at an address of this machine, for example one that a service of the
// anonymity network forwards to.
func (s SOCKS) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	return under(s.Under).Listen(ctx, at)
}

func (s SOCKS) auth() *proxy.Auth {
	switch {
	case s.Isolate:
		return &proxy.Auth{User: rand.Text(), Password: rand.Text()}
	case s.User != "":
		return &proxy.Auth{User: s.User, Password: s.Password}
	}
	return nil
}

// capture dials the proxy and keeps the connection. What package proxy returns
// wraps it, which would hide that it is a TCP connection from writers that can
// make use of that.
type capture struct {
	under Transport
	proxy addr.Addr
	conn  net.Conn
}

// Dial implements proxy.Dialer.
func (c *capture) Dial(string, string) (net.Conn, error) {
	return nil, errors.ErrUnsupported // proxy calls DialContext
}

// DialContext implements proxy.ContextDialer.
func (c *capture) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := c.under.Dial(ctx, c.proxy)
	c.conn = conn
	return conn, err
}
