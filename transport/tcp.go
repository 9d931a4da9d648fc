package transport

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"parley/addr"
)

// Keepalive probes, so that a peer whose machine vanished is noticed even by a
// dialect that never pings: after about KeepIdle + KeepCount × KeepInterval.
const (
	KeepIdle     = 30 * time.Second
	KeepInterval = 10 * time.Second
	KeepCount    = 6
)

// TCP makes plain TCP connections with TCP_NODELAY, as Go sets it, and keepalive
// probes. Its zero value is ready to use.
type TCP struct {
	// Bind is the local address that connections are dialed from. The zero
	// value leaves the choice to the system.
	Bind netip.Addr
}

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: KeepIdle, Interval: KeepInterval, Count: KeepCount}

// Dial connects to an IP address, or to the addresses of a host name one after
// another until one answers. The time it may take is ctx's.
func (t TCP) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	return t.dialer().DialContext(ctx, "tcp", HostPort(to))
}

// Listen accepts TCP connections at an address. An unspecified IPv6 address
// accepts IPv4 too where the system allows it.
func (t TCP) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	return lc.Listen(ctx, "tcp", HostPort(at))
}

// Direct implements [Direct].
func (TCP) Direct() bool { return true }

func (t TCP) dialer() *net.Dialer {
	d := &net.Dialer{KeepAliveConfig: keepAlive}
	if t.Bind.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.Bind, 0))
	}
	return d
}

// HostPort returns a in the form that package net dials and listens on: the
// port is always there, and an empty host means every interface.
func HostPort(a addr.Addr) string {
	return net.JoinHostPort(a.HostText(), strconv.Itoa(int(a.Port)))
}
