package node

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/transport"
)

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

	OpenTimeout  time.Duration // for dialing, and again for the opening exchange: 10s
	OpenBytes    int           // most bytes a peer may send in it: 64 KiB
	WriteTimeout time.Duration // for one batch of writes, which is about 1 MiB at most: 20s
	StopTimeout  time.Duration // for outboxes to drain when Run ends: 5s
	ReadBuffer   int           // most bytes one message may take: 32 MiB
	Outbox       int           // bytes that may wait for one peer, each message counting 64 more than its body: 8 MiB
	Full         FullPolicy    // what happens beyond that

	AcceptRate  int // connections to accept a second over all listeners, a quarter of them from one machine: 50; negative for no limit
	AcceptBurst int // connections to accept at once before the rate counts: twice AcceptRate
}

// Handler receives what arrives from peers.
//
// Peer and Note are called on the brain goroutine. They must not block, and
// must not call what waits for the brain: Attach, Command, Learn, Ban, Unban, Lift,
// Tune, Snapshot and Link.Send.
type Handler interface {
	// Peer is called when a link comes up, before its first Receive, and when
	// it goes down. A link that the node or the application ends goes down
	// when that is decided, though what was queued on it may still go out.
	// One that gives way to another link to the same peer, because both nodes
	// dialed at once, goes down after that has come up and after its last
	// Receive. Until then it takes no more messages, nor does Links have it. So
	// does one that is dropped in a round or swapped for another peer's; by then
	// that peer may be back on a new link.
	Peer(l *Link, up bool, why error)
	// Note is called with what the dialect's rules have to tell; l is nil if it
	// concerns no single link.
	Note(l *Link, v any)
	// Receive is called by the link's reader, one call after the other though not
	// always on the same goroutine, with what one read completed, at most 4,096
	// messages at once. While it runs, that peer's bytes wait in the kernel: being
	// slow is how to push back. Both the slice and the bodies are lent; they are
	// overwritten once Receive returns. A Receive that waits for something should
	// also look at l.Done.
	Receive(l *Link, ms []dialect.Message)
}

// FullPolicy says what an outbox does when it has no room.
type FullPolicy uint8

// The policies of a full outbox.
const (
	Refuse     FullPolicy = iota // Queue reports false
	DropOldest                   // Factom: make room by forgetting, but nothing from Link.Send on
	Disconnect                   // Bitcoin: a peer that does not read is not a peer
)

var (
	errNoDialect = errors.New("node: config: no dialect")
	errPolicy    = errors.New("node: config: full: unknown policy")
)

// complete returns a copy of c with every default filled in.
func (c Config) complete() (Config, error) {
	if c.Dialect == nil {
		return c, errNoDialect
	}
	if c.Full > Disconnect {
		return c, errPolicy
	}
	if c.Self.Nonce == 0 {
		c.Self.Nonce = draw()
	}
	if c.Transport == nil {
		c.Transport = transport.TCP{}
	}
	if c.Handler == nil {
		c.Handler = discard{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.OpenTimeout = positive(c.OpenTimeout, 10*time.Second)
	c.OpenBytes = positive(c.OpenBytes, 64<<10)
	c.WriteTimeout = positive(c.WriteTimeout, 20*time.Second)
	c.StopTimeout = positive(c.StopTimeout, 5*time.Second)
	c.ReadBuffer = positive(c.ReadBuffer, 32<<20)
	c.Outbox = positive(c.Outbox, 8<<20)
	if c.AcceptRate == 0 {
		c.AcceptRate = 50
	}
	c.AcceptBurst = positive(c.AcceptBurst, 2*c.AcceptRate)
	return c, nil
}

func positive[T int | time.Duration](v, or T) T {
	if v > 0 {
		return v
	}
	return or
}

// draw returns a random number that is not zero.
func draw() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if v := binary.LittleEndian.Uint64(b[:]); v != 0 {
			return v
		}
	}
}

// Advertise changes what others are told about where this node can be dialed,
// from the next opening exchange on: a gateway mapped a port, say. Either part
// may be missing, as in Config.Advertise; the zero Addr goes back to that.
// Links that are up hear nothing of it. It changes nothing if Config.Self has a
// Listen, and must not be called before Ready is closed.
func (n *Node) Advertise(a addr.Addr) {
	if a.IsZero() {
		a = n.cfg.Advertise
	}
	n.advertise(a)
}

func (n *Node) advertise(a addr.Addr) {
	self := n.cfg.introduce(a, n.at)
	n.self.Store(&self)
}

// introduce returns how the node introduces itself when it accepts connections
// at the given places: what the configuration says, else tell completed with
// the first listener's address.
func (c *Config) introduce(tell addr.Addr, at []addr.Addr) dialect.Self {
	self := c.Self
	if !self.Listen.IsZero() {
		return self
	}
	if len(at) > 0 {
		if tell.Port == 0 {
			tell.Port = at[0].Port
		}
		if ip := at[0].IP; tell.HostText() == "" && ip.IsValid() && !ip.IsUnspecified() {
			tell.IP = ip
		}
	}
	if tell.Port != 0 {
		self.Listen = tell
	}
	return self
}

// discard is the handler of a node without one.
type discard struct{}

func (discard) Peer(*Link, bool, error)          {}
func (discard) Note(*Link, any)                  {}
func (discard) Receive(*Link, []dialect.Message) {}
