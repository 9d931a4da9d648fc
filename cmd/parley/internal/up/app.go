package up

import (
	"crypto/sha256"
	"sync"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/cmd/parley/internal/speech"
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
	delay time.Duration
	book  *ledger
	loss  *loss
	wake  chan struct{} // holds a token when the pacer must look again

	mu     sync.Mutex // guards the rest
	chain  *chain.Chain
	voice  speech.Speaker
	seen   *route.Seen
	node   *node.Node // in its present life
	links  map[dialect.LinkID]*node.Link
	line   []parcel  // what --delay holds back, in order
	due    time.Time // when the pacer will look again; zero for never
	meter  meter
	faults faults
}

func newApp(index int, lang speech.Language, o *options, book *ledger, l *loss) *app {
	c := chain.New(chain.Config{Interval: o.interval(), Retry: o.retry(lang.Trips), Keep: o.keep(), Batch: o.batch()})
	return &app{
		index: index, delay: o.delay, book: book, loss: l,
		wake: make(chan struct{}, 1), chain: c, voice: lang.Speaker(c, speech.Limits{Keep: o.keep(), Batch: o.batch(), Wait: o.retry(1)}),
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
	sum := sha256.Sum256(block)
	a.step(func(now time.Time) []mail {
		a.seen.Add(now, sum)
		return a.voiced(a.chain.Make(now, block, h, nil))
	})
}

// Peer implements [node.Handler].
func (a *app) Peer(l *node.Link, up bool, why error) {
	a.step(func(now time.Time) []mail {
		if up {
			a.links[l.ID()] = l
			return a.voiced(a.chain.Join(now, l.ID(), nil))
		}
		delete(a.links, l.ID())
		a.meter.end(l)
		a.faults.add(now, why)
		return a.voiced(a.chain.Leave(now, l.ID(), nil))
	})
	a.book.touch()
}

// Note implements [node.Handler]. No dialect here has anything to tell.
func (a *app) Note(*node.Link, any) {}

// Receive implements [node.Handler].
func (a *app) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		if m.For&dialect.ToApp != 0 {
			a.receive(l, m)
		}
	}
}

// receive lets the chain know what a message means, and answers.
func (a *app) receive(l *node.Link, m dialect.Message) {
	sum := sha256.Sum256(m.Body) // blocks are large: not under the lock
	var came chain.Arrival
	var err error
	var at time.Time
	a.step(func(now time.Time) (out []mail) {
		at = now
		var told []chain.Message
		var answers []dialect.Message
		if told, answers, err = a.voice.Hear(now, m, sum); err != nil {
			return nil
		}
		for _, c := range told {
			fresh := c.Kind == chain.Block && a.seen.Add(now, sum)
			arrival, sends := a.chain.Handle(now, l.ID(), c, fresh, nil)
			if arrival.Block {
				came = arrival
			}
			out = append(out, a.voiced(sends)...)
		}
		for _, answer := range answers {
			out = append(out, mail{to: l.ID(), msg: answer})
		}
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

// count returns how many links are live.
func (a *app) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.links)
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
