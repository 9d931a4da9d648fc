// Package node runs a core.Node on real connections.
//
// A [Node] is one network speaking one dialect. It dials, listens, opens links,
// reads, writes and shuts down; whom to dial, admit and drop is decided by
// package core, and what the bytes mean by the dialect.
//
// # Goroutines
//
// One brain owns the core and every table; it is the goroutine that called
// [Node.Run]. Each listener has one, and each live link has a reader, and a writer
// while there is something to write and for some seconds after. The opening
// exchange has one before that. A saver runs while the store is written. Run waits
// for all.
//
// # Crossing between them
//
// Anyone reaches the brain through its inbox, whose senders are bounded instead
// of the queue: each link has at most two reports in it, each listener and each
// caller of a method one task, or more only if it gave up waiting. Anyone reaches a writer through its link's outbox,
// bounded in bytes. The live table and the counters are read by anyone.
//
// # Application bytes
//
// They do not visit the brain. Inbound, the reader hands what one read completed
// to [Handler.Receive] on its own goroutine. Outbound, [Link.Queue],
// [Link.Send] and [Node.Broadcast] put into outboxes, and each writer takes all
// that waits and writes it with as few system calls as it can.
package node

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/internal/nowait"
	"parley/node/internal/press"
	"parley/stats"
)

// Errors of a node's methods.
var (
	// ErrNotRunning is returned by what needs a running node: before Ready is
	// closed and after Run has returned.
	ErrNotRunning = errors.New("node is not running")
	// ErrRan is returned by Run when it was called before.
	ErrRan = errors.New("node has run already")
	// ErrStopped is why the links of a node end when Run is told to return.
	ErrStopped = errors.New("node is stopping")
)

// Node runs a [core.Node] on real connections. One node is one network
// speaking one dialect; a process may run several. Its methods may be called
// from any goroutine; those that wait for the brain must not be called from
// Handler.Peer and Handler.Note, which run on it.
type Node struct {
	// Immutable once Run is under way.
	cfg    Config
	start  time.Time
	base   context.Context // parent of every link's: Run's without its end
	at     []addr.Addr     // where the node listens
	halt   chan struct{}   // closed when the node begins to stop
	over   chan struct{}   // closed when the brain has ended
	ready  chan struct{}   // closed when the node listens
	catch  bool            // a panic on a link's goroutine ends the link, not the program
	poison bool            // overwrite lent bodies after Receive: set by tests
	quiet  time.Duration   // see the constant: shorter in tests

	ran     atomic.Bool
	live    atomic.Pointer[table]        // written by the brain, copied on change
	self    atomic.Pointer[dialect.Self] // complete once the node listens; replaced by Advertise
	picks   sync.Pool                    // of *scratch
	lines   sync.Pool                    // of *line
	buffers nowait.Buffers               // of readers
	presses presses
	turned  atomic.Uint64 // connections closed before their opening exchange
	accept  porter
	inbox   inbox
	wg      sync.WaitGroup
	ended   history

	// Owned by the brain.
	core     *core.Node
	eff      core.Effects
	links    map[core.LinkID]*Link // every link whose goroutines have not ended
	total    stats.Totals          // of links that are gone
	faults   [len(fault.Kinds)]uint64
	stopping bool
	parting  []*Link   // links that gave way to others and have not ended; see part
	leaving  int       // links whose peer has ended its half; see hungUp
	deadline time.Time // when outboxes that have not drained are given up; zero unless stopping
	save     saver
}

// New checks cfg and returns a node that does nothing until Run.
func New(cfg Config) (*Node, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:   cfg,
		halt:  make(chan struct{}),
		over:  make(chan struct{}),
		ready: make(chan struct{}),
		catch: !testing.Testing(),
		quiet: quiet,
		inbox: inbox{wake: make(chan struct{}, 1)},
		links: map[core.LinkID]*Link{},
	}
	n.presses.byName = map[string]*press.Press{}
	n.picks.New = func() any { return new(scratch) }
	n.lines.New = func() any { return &line{try: nowait.NewWriter()} }
	n.accept.init(cfg.AcceptRate, cfg.AcceptBurst)
	n.live.Store(new(table))
	n.self.Store(&n.cfg.Self)
	var seed [32]byte
	crand.Read(seed[:])
	n.core = core.New(cfg.Core, cfg.Dialect, core.Host{
		Rand:    rand.New(rand.NewChaCha8(seed)),
		Nonce:   cfg.Self.Nonce,
		Traffic: n.traffic,
	}, cfg.Seeds...)
	return n, nil
}

// Run listens and serves until ctx is done, then lets outboxes drain, ends
// every link and waits for every goroutine it started. It returns nil after an
// orderly end, and an error at once if it cannot listen or the store cannot be
// read. A store that cannot be written is logged. A node runs once.
func (n *Node) Run(ctx context.Context) error {
	if n.ran.Swap(true) {
		return ErrRan
	}
	saved, lns, err := n.begin(ctx)
	if err != nil {
		n.inbox.close()
		close(n.over)
		return err
	}
	for _, ln := range lns {
		n.wg.Go(func() { n.serve(ln) })
	}
	close(n.ready)
	n.loop(ctx, saved, lns)
	n.inbox.close()
	close(n.over)
	n.wg.Wait()
	n.store(n.save.final)
	return nil
}

// begin does all that can fail before anything runs.
func (n *Node) begin(ctx context.Context) (saved *core.Saved, lns []net.Listener, err error) {
	if n.cfg.Store != nil {
		if saved, err = n.cfg.Store.Load(); err != nil {
			return nil, nil, fmt.Errorf("store: %w", err)
		}
	}
	if lns, err = n.listen(ctx); err != nil {
		return nil, nil, err
	}
	n.advertise(n.cfg.Advertise)
	n.start = time.Now()
	n.base = context.WithoutCancel(ctx)
	return saved, lns, nil
}

// listen opens every listener, or none.
func (n *Node) listen(ctx context.Context) ([]net.Listener, error) {
	var lns []net.Listener
	for _, a := range n.cfg.Listen {
		ln, err := n.cfg.Transport.Listen(ctx, a)
		if err != nil {
			closeAll(lns)
			return nil, fmt.Errorf("listen %s: %w", a, err)
		}
		lns = append(lns, ln)
		n.at = append(n.at, where(ln.Addr()))
	}
	return lns, nil
}

func closeAll(lns []net.Listener) {
	for _, ln := range lns {
		ln.Close()
	}
}

// where returns the address in a net.Addr, or the zero address if it holds none.
func where(a net.Addr) addr.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return addr.FromAddrPort(t.AddrPort())
	}
	if a == nil {
		return addr.Addr{}
	}
	p, err := addr.Parse(a.String())
	if err != nil {
		return addr.Addr{}
	}
	return p
}

// Ready is closed once Run listens everywhere it was asked to.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Listening returns where the node accepts connections, in the order of
// Config.Listen. It is empty before Ready is closed.
func (n *Node) Listening() []addr.Addr {
	select {
	case <-n.ready:
		return append([]addr.Addr(nil), n.at...)
	default:
		return nil
	}
}

// Self returns how the node introduces itself, with everything that was
// chosen when it began to listen. It is complete once Ready is closed.
func (n *Node) Self() dialect.Self { return *n.self.Load() }

// Links ranges over the live links, those live when it is called, in the order
// they opened.
func (n *Node) Links() iter.Seq[*Link] {
	links := n.live.Load().links
	return func(yield func(*Link) bool) {
		for _, l := range links {
			if !yield(l) {
				return
			}
		}
	}
}

// Command passes a request to the dialect's rules; see [dialect.Rules]. It
// waits until they have dealt with it.
func (n *Node) Command(cmd any) error {
	return n.do(func(now time.Time) { n.core.Command(now, cmd, &n.eff) })
}

// Learn adds addresses that others told of.
func (n *Node) Learn(as []addr.Addr) error {
	return n.do(func(now time.Time) { n.core.Learn(now, as, &n.eff) })
}

// Ban refuses an address (without a port, the whole machine), an identity, or both, for
// d, and ends their links; the one that is not meant is zero. It reports how many
// links it ended. See [core.Node.Ban].
func (n *Node) Ban(a addr.Addr, id string, d time.Duration, why string) (ended int, err error) {
	err = n.do(func(now time.Time) {
		b := core.Ban{Addr: a, ID: id, Until: now.Add(d), Why: why}
		ended = n.core.Ban(now, b, &n.eff)
		n.endParting(b)
	})
	return ended, err
}

// Unban lifts the bans of an address, with those of its ports if it has none, and
// those of an identity; the one that is not meant is zero. It reports how many.
func (n *Node) Unban(a addr.Addr, id string) (lifted int, err error) {
	at := core.Within(a)
	return n.Lift(func(b core.Ban) bool { return at(b) || id != "" && b.ID == id })
}

// Lift lifts the bans of which the caller's function says so, and reports how many.
// The function must not call the Node.
func (n *Node) Lift(which func(core.Ban) bool) (lifted int, err error) {
	err = n.do(func(now time.Time) { lifted = n.core.Unban(now, which, &n.eff) })
	return lifted, err
}

// Tune replaces the limits at run time.
func (n *Node) Tune(cfg core.Config) error {
	return n.do(func(now time.Time) { n.core.Tune(now, cfg, &n.eff) })
}
