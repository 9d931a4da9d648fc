package up

import (
	"crypto/sha256"
	"sync"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/fault"
	"parley/node"
	"parley/route"
)

// The seen-filter of a node: blocks it remembers, and for how long.
const (
	seenBlocks = 1 << 10
	seenFor    = 10 * time.Minute
)

// app is the application of one node: it carries messages between the node's
// links and its chain. It outlives restarts of the node, as a disk would.
type app struct {
	// Immutable.
	index int
	block uint32 // the dialect's type of our messages
	delay time.Duration
	book  *ledger
	loss  *loss
	wake  chan struct{} // holds a token when the pacer must look again

	mu     sync.Mutex // guards the rest
	chain  *chain.Chain
	seen   *route.Seen
	node   *node.Node // in its present life
	links  map[dialect.LinkID]*node.Link
	line   []parcel  // what --delay holds back, in order
	due    time.Time // when the pacer will look again; zero for never
	meter  meter
	faults faults
}

func newApp(index int, block uint32, o *options, book *ledger, l *loss) *app {
	c := chain.New(chain.Config{Interval: o.interval(), Retry: o.retry(), Keep: o.keep(), Batch: o.batch()})
	return &app{
		index: index, block: block, delay: o.delay, book: book, loss: l,
		wake: make(chan struct{}, 1), chain: c,
		links:  make(map[dialect.LinkID]*node.Link),
		faults: faults{counts: make(map[string]uint64)},
	}
}

// begin starts a life: n is about to run. What it had seen it does not
// remember, but it has its chain. The seed is of the new seen-filter.
func (a *app) begin(n *node.Node, seed uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.node = n
	a.seen = route.NewSeen(seenBlocks, seenFor, seed)
	a.line = nil
	a.faults.ours = false
}

// leave says that the node is being stopped by us: how its links end from now
// on is nobody's fault.
func (a *app) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults.ours = true
}

// make adds a block of this node and sends it.
func (a *app) make(block []byte, h chain.Header) {
	a.step(func(now time.Time, out []chain.Send) []chain.Send {
		a.seen.Add(now, sha256.Sum256(block))
		return a.chain.Make(now, block, h, out)
	})
}

// Peer implements [node.Handler].
func (a *app) Peer(l *node.Link, up bool, why error) {
	a.step(func(now time.Time, out []chain.Send) []chain.Send {
		if up {
			a.links[l.ID()] = l
			return a.chain.Join(now, l.ID(), out)
		}
		delete(a.links, l.ID())
		a.meter.end(l)
		a.faults.add(now, why)
		return a.chain.Leave(now, l.ID(), out)
	})
	a.book.touch()
}

// Note implements [node.Handler]. No dialect here has anything to tell.
func (a *app) Note(*node.Link, any) {}

// Receive implements [node.Handler].
func (a *app) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		if m.Type == a.block && m.For&dialect.ToApp != 0 {
			a.receive(l, m.Body)
		}
	}
}

func (a *app) receive(l *node.Link, body []byte) {
	sum := sha256.Sum256(body) // blocks are large: not under the lock
	var came chain.Arrival
	var err error
	var at time.Time
	a.step(func(now time.Time, out []chain.Send) []chain.Send {
		at = now
		fresh := chain.IsBlock(body) && a.seen.Add(now, sum)
		came, out, err = a.chain.Handle(now, l.ID(), body, fresh, out)
		return out
	})
	switch {
	case err != nil:
		l.Close(fault.New(fault.Protocol, "decode", err))
	case came.New:
		a.book.arrive(a.index, came.Height, sum, at)
	case came.Held:
		a.book.duplicate(a.index)
	}
}

// height returns up to where the node has every block.
func (a *app) height() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.chain.Height()
}

// live returns the live links.
func (a *app) live() []*node.Link {
	a.mu.Lock()
	defer a.mu.Unlock()
	ls := make([]*node.Link, 0, len(a.links))
	for _, l := range a.links {
		ls = append(ls, l)
	}
	return ls
}
