package up

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"parley/cmd/parley/internal/seedsrv"
	"parley/cmd/parley/internal/speech"
	"parley/internal/topology"
)

// network is all nodes and what they have in common.
type network struct {
	// Immutable.
	opt     options
	lang    speech.Language
	id      uint32          // network number; nodes of other runs do not belong
	edges   [][2]int        // nil if nodes find each other
	seeds   *seedsrv.Server // nil if they do not
	members []*member
	book    *ledger
	lines   lines
	tell    func(format string, args ...any) // tells the user what happened

	wg sync.WaitGroup // every goroutine of the network
}

// seedNodes is how many nodes are in the seed file. The others must be found.
const seedNodes = 3

// Streams of randomness, so that one seed serves several purposes.
const (
	streamTopology = iota
	streamKills
	streamFiller
	streamNodes // and on, two for each node
)

func stream(seed uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }

// newNetwork lays out a network of which nothing runs yet.
func newNetwork(o options, tell func(string, ...any)) (*network, error) {
	lang, _ := speech.Of(o.dialect) // the options were checked
	n := &network{opt: o, lang: lang, id: networkID(o.seed), book: newLedger(o.nodes), tell: tell}
	var err error
	if o.topology == discover {
		n.seeds, err = seedsrv.Listen()
	} else {
		n.edges, err = topology.Edges(o.topology, o.nodes, stream(o.seed, streamTopology))
	}
	if err != nil {
		return nil, err
	}
	for i := range o.nodes {
		l := &loss{perMille: o.drop, rand: stream(o.seed, streamNodes+2*i)}
		a := newApp(i, n.lang, &n.opt, n.book, l)
		n.members = append(n.members, &member{net: n, index: i, app: a, rand: stream(o.seed, streamNodes+2*i+1)})
	}
	return n, nil
}

// networkID returns a number that another run on this machine does not have:
// ports are taken over, and a stray node must not be let in.
func networkID(seed uint64) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "parley up %d %d", seed, os.Getpid())
	return h.Sum32()
}

// start starts every node, in order: each needs the addresses of lower ones.
func (n *network) start(ctx context.Context) error {
	if n.seeds != nil {
		n.wg.Go(func() {
			if err := n.seeds.Serve(ctx); err != nil {
				n.tell("%v", err)
			}
		})
	}
	for _, m := range n.members {
		if err := m.start(ctx); err != nil {
			return fmt.Errorf("node %d: %w", m.index, err)
		}
		if n.seeds != nil && m.index < seedNodes {
			n.seeds.Add(m.address())
		}
	}
	return nil
}

// stop ends every node at once and waits for all goroutines. cancel must end
// the context that start was given.
func (n *network) stop(cancel context.CancelFunc) {
	for _, m := range n.members {
		m.app.leave()
		m.mu.Lock()
		m.state = stopping
		m.mu.Unlock()
	}
	cancel()
	n.wg.Wait()
}

// await waits until ok, which is asked after each change, for as long as the network
// gets on: it gives up when it has not for a while, or when ctx is done. How long all
// takes is up to the machine. It returns what ok said last.
func (n *network) await(ctx context.Context, while time.Duration, ok func() bool) bool {
	var got mark
	timer := time.NewTimer(while)
	defer timer.Stop()
	for {
		if ok() {
			return true
		}
		if got.raise(n) {
			timer.Reset(while)
		}
		select {
		case <-n.book.changed:
		case <-timer.C:
			return ok()
		case <-ctx.Done():
			return ok()
		}
	}
}

// mark is how far a network has got at most. It can not rise without end while no
// blocks are made.
type mark struct {
	arrived uint64 // blocks, at all nodes
	ends    int    // of links
}

// raise reports whether the network has got further than ever before.
func (m *mark) raise(n *network) bool {
	was := *m
	m.arrived, m.ends = max(m.arrived, n.book.arrivals()), max(m.ends, n.ends())
	return *m != was
}

// ends counts the links of all nodes. One between nodes has two ends.
func (n *network) ends() (sum int) {
	for _, m := range n.members {
		sum += m.app.count()
	}
	return sum
}

// links returns the links between nodes as both ends see them: each counts
// once, and only if the two have agreed that it is there.
func (n *network) links() [][2]int {
	byPort := make(map[uint16]int, len(n.members))
	for _, m := range n.members {
		byPort[m.address().Port] = m.index
	}
	half := make(map[[2]int]bool) // from an end that has it to the other
	for _, m := range n.members {
		for _, l := range m.app.live() {
			peer, ok := byPort[l.Addr().Port]
			if !l.Dialed() {
				peer, ok = n.lines.maker(l.Addr(), m.address())
			}
			if ok {
				half[[2]int{m.index, peer}] = true
			}
		}
	}
	var both [][2]int
	for e := range half {
		if e[0] < e[1] && half[[2]int{e[1], e[0]}] {
			both = append(both, e)
		}
	}
	return both
}

// connected reports whether every link of the topology is there, or, of nodes
// that find each other, whether each can be reached from each.
func (n *network) connected() bool {
	if n.seeds == nil {
		return len(n.links()) >= len(n.edges)
	}
	return topology.Connected(n.opt.nodes, n.links())
}
