// Package mem is an in-memory network for tests. Its connections behave like
// TCP where it matters to an engine: they buffer a bounded amount, arrive after
// a latency, honor deadlines in both directions, can be half closed, and are
// reset when a side closes with bytes unread. Everything that waits blocks
// durably in a testing/synctest bubble.
package mem

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"parley/addr"
)

// Backlog is how many connections may wait to be accepted by a listener. More
// are refused.
const Backlog = 128

// firstPort is the first port that is given out where none is asked for.
const firstPort = 49152

// Network connects the hosts of one test. It is safe for concurrent use.
type Network struct {
	latency time.Duration

	mu        sync.Mutex
	listeners map[addr.Addr]*listener
	names     map[string]addr.Addr
	cut       map[path]bool
	conns     map[*conn]struct{} // dialing ends that are open
	port      uint16             // the last that was given out
}

// path is a pair of hosts, the lower first.
type path struct{ a, b netip.Addr }

func between(a, b addr.Addr) path {
	if b.IP.Less(a.IP) {
		a, b = b, a
	}
	return path{a.IP, b.IP}
}

// New returns a network on which bytes take the given time from end to end.
func New(latency time.Duration) *Network {
	return &Network{
		latency:   latency,
		listeners: map[addr.Addr]*listener{},
		names:     map[string]addr.Addr{},
		cut:       map[path]bool{},
		conns:     map[*conn]struct{}{},
		port:      firstPort - 1,
	}
}

// Name lets a host be dialed by name.
func (n *Network) Name(name string, a addr.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = a
}

// Cut stops all bytes between two hosts, and connections under way between
// them. Nothing is lost: bytes wait until Heal.
func (n *Network) Cut(a, b addr.Addr) { n.setCut(a, b, true) }

// Heal undoes Cut.
func (n *Network) Heal(a, b addr.Addr) { n.setCut(a, b, false) }

func (n *Network) setCut(a, b addr.Addr, cut bool) {
	p := between(a, b)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[p] = cut
	for c := range n.conns {
		if between(c.local, c.remote) == p {
			c.in.stall(cut)
			c.out.stall(cut)
		}
	}
}

// From returns the transport of the host with a's address.
func (n *Network) From(a addr.Addr) *Host { return &Host{n: n, at: a.HostOnly()} }

// Host is one machine on a Network. It implements transport.Transport.
type Host struct {
	n  *Network
	at addr.Addr // without a port
}

// Direct implements transport.Direct.
func (h *Host) Direct() bool { return true }

// Listen accepts connections at an address of the host, which is also what an
// address without one means. Port 0 chooses a free port.
func (h *Host) Listen(_ context.Context, at addr.Addr) (net.Listener, error) {
	if !at.IP.IsValid() || at.IP.IsUnspecified() {
		at.IP = h.at.IP
	}
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port == 0 {
		at.Port = n.freePort(at)
	}
	if n.listeners[at] != nil {
		return nil, fmt.Errorf("listen %s: %w", at, syscall.EADDRINUSE)
	}
	l := &listener{n: n, at: at, conns: make(chan *conn, Backlog), done: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

// freePort returns a port nobody listens on at a. Called with the lock.
func (n *Network) freePort(a addr.Addr) uint16 {
	for {
		n.port = max(n.port+1, firstPort)
		if n.listeners[a.WithPort(n.port)] == nil {
			return n.port
		}
	}
}

// Dial connects to a listener, which takes one round trip. Where nobody
// listens, it is refused; over a path that is cut, it waits for ctx.
func (h *Host) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	n := h.n
	n.mu.Lock()
	if to.Host != "" {
		a, ok := n.names[to.Host]
		if !ok {
			n.mu.Unlock()
			return nil, &net.DNSError{Err: "no such host", Name: to.Host, IsNotFound: true}
		}
		to = a.WithPort(to.Port)
	}
	from := h.at.WithPort(n.freePort(h.at))
	cut := n.cut[between(from, to)]
	n.mu.Unlock()
	if err := n.travel(ctx, cut); err != nil {
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	c, err := n.connect(from, to)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	return c, nil
}

// travel waits one round trip, or for ever.
func (n *Network) travel(ctx context.Context, cut bool) error {
	if cut {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-time.After(2 * n.latency):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Network) connect(from, to addr.Addr) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[to]
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	ab, ba := &pipe{latency: n.latency}, &pipe{latency: n.latency}
	cut := n.cut[between(from, to)] // since the dial began
	ab.stalled, ba.stalled = cut, cut
	a := &conn{n: n, in: ba, out: ab, local: from, remote: to}
	b := &conn{n: n, in: ab, out: ba, local: to, remote: from}
	select {
	case l.conns <- b:
		n.conns[a] = struct{}{}
		return a, nil
	default:
		return nil, syscall.ECONNREFUSED
	}
}

// listener accepts connections at one address.
type listener struct {
	n     *Network
	at    addr.Addr
	conns chan *conn
	done  chan struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections nobody accepted are closed.
func (l *listener) Close() error {
	l.n.mu.Lock()
	if l.n.listeners[l.at] != l {
		l.n.mu.Unlock()
		return net.ErrClosed
	}
	delete(l.n.listeners, l.at)
	l.n.mu.Unlock()
	close(l.done)
	for {
		select {
		case c := <-l.conns:
			c.Close()
		default:
			return nil
		}
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at.AddrPort()) }
