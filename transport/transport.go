// Package transport makes connections: TCP, TLS, SOCKS5, and in transport/mem
// the in-memory network of the tests.
package transport

import (
	"context"
	"net"

	"parley/addr"
)

// Transport makes connections. It is safe for concurrent use.
type Transport interface {
	// Dial connects to a peer. It returns soon after ctx is done.
	Dial(ctx context.Context, to addr.Addr) (net.Conn, error)
	// Listen accepts connections at an address. Port 0 chooses a free port; the
	// zero IP without a host means every interface, IPv4 and IPv6.
	Listen(ctx context.Context, at addr.Addr) (net.Listener, error)
}

// Direct is implemented by transports that know whether the remote address of a
// connection they made is the peer's own, not that of a proxy.
type Direct interface{ Direct() bool }

// Proven is implemented by connections whose other end has proven a key.
type Proven interface {
	// Prove finishes what proves the key, within ctx.
	Prove(ctx context.Context) error
	// RemoteKey returns the proven key, in the form the transport documents.
	RemoteKey() []byte
}
