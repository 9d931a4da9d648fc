package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"parley/addr"
	"parley/compat/factom/internal/recent"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/node"
	"parley/transport"
)

// defaultPort is the protocol's usual port, for hosts given without one.
const defaultPort = "8108"

const (
	// attempts is how many dials there may be at once: the documented four.
	attempts = 4
	// leastSpread is the least number of dialed links into one network group;
	// for large targets it is a quarter of them, so that nobody with one
	// address range has more of a node than that.
	leastSpread = 4
	// redialSteps is how often the engine doubles the pause between two
	// attempts at a special peer, so that RedialInterval is the longest.
	redialSteps = 4
	// stopTime is how long Stop lets queues drain.
	stopTime = 2 * time.Second
	// frameRoom is what the wire form of the longest parcel may add to it.
	frameRoom = 64 << 10
)

// engine translates the configuration for the engine.
func (n *Network) engine() node.Config {
	c := &n.conf
	port, _ := strconv.Atoi(c.ListenPort) // was checked
	store := node.Store(nil)
	if c.PeerCacheFile != "" {
		store = n.cache
	}
	return node.Config{
		Dialect:      n.dialect(),
		Self:         dialect.Self{Network: uint32(c.Network), ID: c.NodeName},
		Transport:    n.wire,
		Handler:      handler{n},
		Core:         n.tuning(),
		Listen:       []addr.Addr{{IP: bindIP(c.BindIP), Port: uint16(port)}},
		Store:        store,
		Log:          c.Log,
		OpenTimeout:  c.HandshakeTimeout,
		WriteTimeout: c.WriteDeadline,
		StopTimeout:  stopTime,
		ReadBuffer:   V11MaxParcelSize + frameRoom,
		Outbox:       n.limit,
		Full:         node.DropOldest,
	}
}

// dialect returns how the node speaks. Everything it could object to was
// checked or is put right here.
func (n *Network) dialect() dialect.Dialect {
	c := &n.conf
	d, err := factom.New(factom.Config{
		Version:             c.ProtocolVersion,
		MinVersion:          max(c.ProtocolVersionMinimum, factom.V9),
		NodeID:              c.NodeID,
		MaxParcel:           V11MaxParcelSize,
		Ping:                second(c.PingInterval),
		ReadDeadline:        second(c.ReadDeadline),
		PeerRequestInterval: second(c.PeerRequestInterval),
		ShareTimeout:        second(c.PeerShareTimeout),
		ShareAmount:         int(min(c.PeerShareAmount, 1024)),
	})
	if err != nil {
		return nil // node.New refuses it
	}
	return d
}

// tuning returns the limits for the engine, which may change at run time.
func (n *Network) tuning() core.Config {
	c := &n.conf
	return core.Config{
		Target:    int(c.TargetPeers),
		Inbound:   orNone(c.MaxIncoming),
		Total:     int(c.MaxPeers),
		Dials:     attempts,
		PerHost:   orNone(c.PeerIPLimitIncoming),
		PerGroup:  int(max(leastSpread, c.TargetPeers/4)),
		Backoff:   max(c.RedialInterval>>redialSteps, 1),
		RoundTime: c.RoundTime,
		DropTo:    int(c.DropTo),
		Offer:     int(c.PeerShareAmount),
		Book:      core.BookConfig{PerAnswer: 1},
		Always:    n.special.Load().always,
	}
}

// orNone returns a count for the engine, where zero means the default: a
// negative number is none, or no limit where that is what none would mean.
func orNone(v uint) int {
	if v == 0 {
		return -1
	}
	return int(v)
}

// handler is what the engine calls.
type handler struct{ n *Network }

// Peer implements [node.Handler].
func (h handler) Peer(l *node.Link, up bool, _ error) { h.n.peerChanged(l, up) }

// Note implements [node.Handler]. What the dialect tells is in the metrics.
func (handler) Note(*node.Link, any) {}

// Receive implements [node.Handler].
func (h handler) Receive(l *node.Link, ms []dialect.Message) { h.n.receive(l, ms) }

// endpoints returns where the connected peers can be dialed, each once.
func (n *Network) endpoints() []Endpoint {
	var all []Endpoint
	seen := map[netip.AddrPort]bool{}
	for _, p := range n.roster.Load().peers {
		a, err := p.Endpoint.addr()
		if err != nil || a.IP.IsValid() && seen[a.AddrPort()] {
			continue
		}
		seen[a.AddrPort()] = true
		all = append(all, p.Endpoint)
	}
	return all
}

// carrier is a network's transport: TCP with the limits of the configuration.
type carrier struct {
	n   *Network
	tcp transport.Transport

	mu      sync.Mutex
	names   map[addr.Addr]netip.Addr  // the IP to which a name last led
	opening map[addr.Addr][]time.Time // by machine, attempts under way and when they must be over
}

func newCarrier(n *Network) *carrier {
	return &carrier{n: n, tcp: transport.TCP{Bind: bindIP(n.conf.BindIP)}, names: map[addr.Addr]netip.Addr{}, opening: map[addr.Addr][]time.Time{}}
}

var errIPLimit = errors.New("too many connections to one address")

// Dial implements [transport.Transport].
func (c *carrier) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	if !c.reserve(time.Now(), to) {
		return nil, fmt.Errorf("dial %s: %w", to, errIPLimit)
	}
	ctx, cancel := context.WithTimeout(ctx, c.n.conf.DialTimeout)
	defer cancel()
	conn, err := c.tcp.Dial(ctx, to)
	if err != nil {
		c.settle(to)
		return nil, err
	}
	if to.Host != "" {
		c.learn(to, conn)
		c.n.enlist() // a peer at that address may turn out to be a special one
	}
	return conn, nil
}

// Direct implements [transport.Direct].
func (c *carrier) Direct() bool {
	d, ok := c.tcp.(transport.Direct)
	return ok && d.Direct()
}

// reserve counts an attempt as a connection to its machine, until it is settled
// or must be over. It reports false if there are as many as may be.
func (c *carrier) reserve(now time.Time, to addr.Addr) bool {
	limit := int(c.n.conf.PeerIPLimitOutgoing)
	if limit == 0 || slices.Contains(c.n.special.Load().always, to) {
		return true
	}
	for _, p := range c.n.peers.Slice() {
		if !p.IsIncoming && p.Endpoint.IP == to.HostText() {
			limit--
		}
	}
	host := to.HostOnly()
	c.mu.Lock()
	defer c.mu.Unlock()
	over := func(until time.Time) bool { return !now.Before(until) }
	open := slices.DeleteFunc(c.opening[host], over)
	if len(open) < limit {
		c.opening[host] = append(open, now.Add(c.n.conf.DialTimeout+c.n.conf.HandshakeTimeout))
		return true
	}
	if c.opening[host] = open; len(open) == 0 {
		delete(c.opening, host)
	}
	return false
}

// settle ends an attempt: it failed, or is a peer now.
func (c *carrier) settle(to addr.Addr) {
	host := to.HostOnly()
	c.mu.Lock()
	defer c.mu.Unlock()
	if open := c.opening[host]; len(open) > 1 {
		c.opening[host] = open[1:]
	} else {
		delete(c.opening, host)
	}
}

// learn notes where a name led, for bans.
func (c *carrier) learn(to addr.Addr, conn net.Conn) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names) >= recent.MaxHistory {
		clear(c.names)
	}
	c.names[to.HostOnly()] = at.Addr().Unmap()
}

// resolved returns where a name last led, with the port of a, or the zero
// address.
func (c *carrier) resolved(a addr.Addr) addr.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	ip, ok := c.names[a.HostOnly()]
	if !ok {
		return addr.Addr{}
	}
	return addr.Addr{IP: ip, Port: a.Port}
}

// machines returns what a peer's machine is known by: its IP, and its name if
// it was dialed by that.
func (c *carrier) machines(a addr.Addr) []addr.Addr {
	host := a.HostOnly()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []addr.Addr{host}
	for name, ip := range c.names {
		switch {
		case name == host:
			all = append(all, addr.Addr{IP: ip})
		case a.IP.IsValid() && ip == a.IP:
			all = append(all, name)
		}
	}
	return all
}

// Listen implements [transport.Transport].
func (c *carrier) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	ln, err := c.tcp.Listen(ctx, at)
	if err != nil || c.n.conf.ListenLimit <= 0 {
		return ln, err
	}
	return patientListener{limited(ln, c.n.conf.ListenLimit)}, nil
}

// patientListener is a LimitedListener that goes on after it turned a connection
// away.
type patientListener struct{ *LimitedListener }

// Accept implements [net.Listener].
func (l patientListener) Accept() (net.Conn, error) {
	for {
		c, err := l.LimitedListener.Accept()
		if !errors.Is(err, ErrTooOften) {
			return c, err
		}
	}
}

// Close implements [net.Listener].
func (l patientListener) Close() error { return l.ln.Close() }
