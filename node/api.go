// Package node runs a core.Node on real connections.
package node

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/route"
	"parley/stats"
	"parley/transport"
)

// Node runs a [core.Node] on real connections. One node is one network
// speaking one dialect; a process may run several.
//
// Goroutines: one brain, one per listener, one per opening exchange, and a
// reader and a writer per live link. Only the brain's touches the core.
type Node struct{}

// Config says what a node is made of. New copies it. Zero fields mean the
// default given with each.
type Config struct {
	Dialect   dialect.Dialect     // required
	Self      dialect.Self        // Nonce is chosen if zero, Listen follows Advertise or the first listener if zero
	Transport transport.Transport // nil means TCP
	Handler   Handler             // nil discards application messages
	Core      core.Config
	Seeds     []addr.Addr
	Listen    []addr.Addr  // where to accept connections; port 0 chooses one
	Advertise addr.Addr    // what to tell others about where we can be dialed, if it differs from Listen; either part may be missing
	Store     Store        // nil remembers nothing over a restart
	Log       *slog.Logger // nil is silent
	Trace     func(Event)  // called on the brain goroutine; nil costs nothing

	OpenTimeout  time.Duration // for the opening exchange: 10s
	OpenBytes    int           // most bytes a peer may send in it: 64 KiB
	WriteTimeout time.Duration // for one batch of writes: 20s
	StopTimeout  time.Duration // for outboxes to drain when Run ends: 5s
	ReadBuffer   int           // most bytes one message may take: 32 MiB
	Outbox       int           // bytes that may wait for one peer: 8 MiB
	Full         FullPolicy    // what happens beyond that
}

// Handler receives what arrives from peers.
type Handler interface {
	// Peer is called on the brain goroutine when a link comes up or goes down.
	// It must not block.
	Peer(l *Link, up bool, why error)
	// Note is called on the brain goroutine with what the dialect's rules have
	// to tell; l is nil if it concerns no single link. It must not block.
	Note(l *Link, v any)
	// Receive is called on the link's reader goroutine. While it runs, that
	// peer's bytes wait in the kernel: being slow is how to push back. The
	// messages are lent; their bodies are overwritten once Receive returns.
	Receive(l *Link, ms []dialect.Message)
}

// New checks cfg and returns a node that does nothing until Run.
func New(cfg Config) (*Node, error) { return &Node{}, nil }

// Run listens and serves until ctx is done, then lets outboxes drain, ends every
// link and waits for every goroutine it started. It returns nil after an orderly end, and an
// error at once if it can not listen.
func (n *Node) Run(ctx context.Context) error { return nil }

// Ready is closed once Run listens everywhere it was asked to.
func (n *Node) Ready() <-chan struct{} { return nil }

// Listening returns where the node accepts connections, once Ready is closed.
func (n *Node) Listening() []addr.Addr { return nil }

// Attach adopts a connection made elsewhere and waits until it is open.
func (n *Node) Attach(ctx context.Context, c net.Conn, dialing bool) (*Link, error) { return nil, nil }

// Links ranges over the live links.
func (n *Node) Links() iter.Seq[*Link] { return nil }

// Broadcast queues m on the links to picks and reports how many took it. The
// body must not change afterwards, unless m is lent. A non-nil origin is the
// link m came from.
func (n *Node) Broadcast(m dialect.Message, to route.Picker, origin *Link) (queued int) { return 0 }

// Command passes a request to the dialect's rules; see [dialect.Rules].
func (n *Node) Command(cmd any) error { return nil }

// Learn adds addresses that others told of.
func (n *Node) Learn(as []addr.Addr) error { return nil }

// Ban refuses an address for d and ends its links; without a port, the whole machine. It reports how many links it ended.
func (n *Node) Ban(a addr.Addr, d time.Duration, why string) (int, error) { return 0, nil }

// Unban lifts the bans of an address and reports whether there were any.
func (n *Node) Unban(a addr.Addr) (bool, error) { return false, nil }

// Tune replaces the limits at run time.
func (n *Node) Tune(cfg core.Config) error { return nil }

// Snapshot returns the node's state at one moment.
func (n *Node) Snapshot(ctx context.Context) (*stats.Snapshot, error) { return nil, nil }

// Ended returns the links that ended last, newest first: at most max, and
// no more than the last 1,000.
func (n *Node) Ended(max int) []stats.Ended { return nil }

// Link is a live connection to a peer.
type Link struct{}

// ID names the link within its node.
func (l *Link) ID() core.LinkID { return 0 }

// Addr is the other end, as dialed or as the transport saw it.
func (l *Link) Addr() addr.Addr { return addr.Addr{} }

// Intro is how the peer introduced itself.
func (l *Link) Intro() dialect.Intro { return dialect.Intro{} }

// Dialed reports whether this node made the connection.
func (l *Link) Dialed() bool { return false }

// Always reports whether the peer is one to hold on to.
func (l *Link) Always() bool { return false }

// Stats returns the link's counters.
func (l *Link) Stats() *stats.Link { return nil }

// Queue queues m without blocking and reports whether it was taken. If it was
// and done is not nil, the writer calls done once: with nil when the kernel has
// the bytes, or with why they were lost.
func (l *Link) Queue(m dialect.Message, done func(error)) bool { return false }

// Send queues m, waiting for room until ctx is done.
func (l *Link) Send(ctx context.Context, m dialect.Message) error { return nil }

// Close ends the link after what is queued has gone out; why is what the handler will be told.
func (l *Link) Close(why error) {}

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return nil }

// FullPolicy says what an outbox does when it has no room.
type FullPolicy uint8

// The policies of a full outbox.
const (
	Refuse     FullPolicy = iota // Queue reports false
	DropOldest                   // Factom: make room by forgetting
	Disconnect                   // Bitcoin: a peer that does not read is not a peer
)

// Store keeps what a node remembers between runs. Load is called once, before
// Run serves; Save on a goroutine of its own, never twice at once.
type Store interface {
	Load() (*core.Saved, error)
	Save(*core.Saved) error
}

// OpenFile returns a store in the file at path.
func OpenFile(path string, log *slog.Logger) Store { return nil }

// Event is one line of a node's trace: a call into the core or an effect of it.
// The simulator writes the same lines, so the two can be compared.
type Event struct {
	Time time.Time
	Link core.LinkID
	What string
	Err  error
}
