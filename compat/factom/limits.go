package p2p

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"parley/compat/factom/internal/recent"
	"parley/transport"
)

// Dialer dials endpoints over TCP, each at most once in an interval. A
// [Network] has its own way to decide when to dial; this is for other uses. Its
// methods may be called from any goroutine.
type Dialer struct {
	timeout  time.Duration
	attempts *recent.History[Endpoint]

	mu   sync.Mutex
	bind netip.Addr
}

// NewDialer returns a dialer from a local IP address, or from any if bindTo is
// empty. A connection must be made within timeout.
func NewDialer(bindTo string, interval, timeout time.Duration) (*Dialer, error) {
	d := &Dialer{timeout: timeout, attempts: recent.NewHistory[Endpoint](interval)}
	return d, d.Bind(bindTo)
}

// Bind sets the local IP address to dial from; empty for any.
func (d *Dialer) Bind(to string) error {
	ip := bindIP(to)
	if to != "" && !ip.IsValid() {
		return fmt.Errorf("bind: %.80q is not an IP address", to)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bind = ip
	return nil
}

// CanDial reports whether the endpoint was not dialed within the interval.
func (d *Dialer) CanDial(ep Endpoint) bool { return !d.attempts.Young(time.Now(), ep) }

var errTooSoon = errors.New("dialed too recently")

// Dial connects to an endpoint. It is an error, and no attempt, if one was made
// within the interval.
func (d *Dialer) Dial(ep Endpoint) (net.Conn, error) {
	a, err := ep.addr()
	if err != nil {
		return nil, err
	}
	if !d.attempts.Claim(time.Now(), ep) {
		return nil, fmt.Errorf("dial %s: %w", ep, errTooSoon)
	}
	d.mu.Lock()
	t := transport.TCP{Bind: d.bind}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	defer cancel()
	return t.Dial(ctx, a)
}

// LimitedListener accepts at most one connection from an IP address within a
// time. Its methods may be called from any goroutine.
type LimitedListener struct {
	ln     net.Listener
	recent *recent.History[netip.Addr]
}

// ErrTooOften is in the tree of the error with which Accept turns a connection
// away.
var ErrTooOften = errors.New("too many connections from one address")

// NewLimitedListener listens on host:port.
func NewLimitedListener(address string, limit time.Duration) (*LimitedListener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return limited(ln, limit), nil
}

func limited(ln net.Listener, limit time.Duration) *LimitedListener {
	return &LimitedListener{ln: ln, recent: recent.NewHistory[netip.Addr](limit)}
}

// Accept waits for a connection. If another from its IP address was accepted
// within the time, it is closed and the error has ErrTooOften in its tree:
// call again. A connection that was turned away does not count.
func (ll *LimitedListener) Accept() (net.Conn, error) {
	c, err := ll.ln.Accept()
	if err != nil {
		return nil, err
	}
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err == nil && !ll.recent.Claim(time.Now(), from.Addr().Unmap()) {
		c.Close()
		return nil, fmt.Errorf("accept %s: %w", from.Addr(), ErrTooOften)
	}
	return c, nil
}

// Addr returns where the listener accepts connections.
func (ll *LimitedListener) Addr() net.Addr { return ll.ln.Addr() }

// Close ends the listener; Accept returns an error.
func (ll *LimitedListener) Close() { ll.ln.Close() }

// PeerHashCache remembers hashes for a time, at most 16,384 in each bucket. Its
// methods may be called from any goroutine.
type PeerHashCache struct {
	mu      sync.Mutex
	seen    recent.Buckets[[sha1.Size]byte]
	stopped bool
}

// NewPeerHashCache returns a cache that remembers a hash from (buckets-1) ×
// interval to buckets × interval. Fewer than one bucket counts as one, more
// than 1,024 as so many, and an interval that is not positive as a second.
func NewPeerHashCache(buckets int, interval time.Duration) *PeerHashCache {
	if interval <= 0 {
		interval = time.Second
	}
	return &PeerHashCache{seen: recent.NewBuckets[[sha1.Size]byte](min(max(buckets, 1), maxBuckets), interval)}
}

// Add remembers a hash.
func (pr *PeerHashCache) Add(hash [sha1.Size]byte) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if !pr.stopped {
		pr.seen.Add(time.Now(), hash)
	}
}

// Has reports whether a hash is remembered.
func (pr *PeerHashCache) Has(hash [sha1.Size]byte) bool {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	return !pr.stopped && pr.seen.Has(time.Now(), hash)
}

// Stop forgets everything; nothing is remembered any more. Calling it twice
// panics, as documented: it means that two owners think the cache is theirs.
func (pr *PeerHashCache) Stop() {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.stopped {
		panic("p2p: PeerHashCache stopped twice")
	}
	pr.stopped = true
	pr.seen.Clear()
}

// sentBy remembers, for one peer, which payloads it sent. The keys are keyed
// hashes of 64 bits that nobody outside the process can foresee: two payloads
// in a million have the same with a chance below 1 in 30 million, and all that
// follows is a broadcast less.
type sentBy struct {
	mu   sync.Mutex
	seen recent.Buckets[uint64]
}

// add remembers what one read brought.
func (s *sentBy) add(now time.Time, keys []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.seen.Add(now, k)
	}
}

func (s *sentBy) has(now time.Time, key uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Has(now, key)
}
