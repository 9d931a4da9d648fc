package sim

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/route"
)

// FullPolicy says what an outbox does when it has no room, as package node's
// does.
type FullPolicy uint8

// The policies of a full outbox.
const (
	Refuse     FullPolicy = iota // Queue reports false
	DropOldest                   // make room by forgetting
	Disconnect                   // a peer that does not read is not a peer
)

// Spec says what a simulated node is made of. Zero fields mean the default
// given with each.
type Spec struct {
	Addr    addr.Addr       // where it can be dialed; required
	Dialect dialect.Dialect // required
	Self    dialect.Self    // Nonce is drawn for each run; Listen: Addr
	Core    core.Config
	Seeds   []addr.Addr
	Outbox  int        // bytes that may wait for one peer, each message counting 64 more than its body: DefaultOutbox
	Full    FullPolicy // what happens beyond that
}

// Node is a real core in a simulated shell.
type Node struct {
	// Core is the node's brain: of the last run, while the node is down. Its
	// State may be asked for at any time; what changes it goes through Do.
	Core *core.Node
	// Receive takes application messages. The body is lent if the message says
	// so; otherwise it is shared with other receivers. It must not be changed.
	Receive func(from core.LinkID, m dialect.Message)
	// Peer is told when a link comes up or goes down, Note what the dialect's
	// rules have to tell. Both may queue messages; what they Do is done after.
	Peer func(c core.Change)
	Note func(v dialect.Note)

	// What a broadcast touches.
	w     *World
	index uint32
	run   uint32 // how often it was started
	ports []port // of every connection that is not settled
	count Counters

	spec    *Spec
	live    []uint32 // places in ports of links that are up, in the order they opened
	idle    []uint32 // places in ports that are not in use
	ends    []entry  // that the core knows, by number
	parting []*end   // that it does not know any more
	ghost   []*end   // of a run that vanished, whose peers do not know yet
	saved   *core.Saved
	rand    *rand.Rand
	nonce   uint64
	armed   int64  // when the pending evWake happens, or never
	due     int64  // when the core wants to be woken, or never
	stall   int64  // does not read before this
	part    int32  // of a split network
	made    uint16 // connections made
	state   power
}

// entry is an end in its node's table.
type entry struct {
	id core.LinkID
	x  *end
}

// power is whether a node runs, and what its machine answers if it does not.
type power uint8

const (
	up       power = iota
	crashed        // the machine is there: it refuses and resets
	vanished       // nothing answers
)

const never = int64(-1) // no time

// Add starts a node that introduces itself with its address and, otherwise,
// zeros. It panics if another node has that address.
func (w *World) Add(at addr.Addr, d dialect.Dialect, cfg core.Config, seeds ...addr.Addr) *Node {
	return w.AddNode(Spec{Addr: at, Dialect: d, Core: cfg, Seeds: seeds})
}

// AddNode starts a node. It panics if another node has that address, or if one
// of the required fields is missing.
func (w *World) AddNode(s Spec) *Node {
	if s.Dialect == nil || !s.Addr.Dialable() || w.at[s.Addr] != nil {
		panic(fmt.Sprintf("sim: node at %s: no dialect, or the address is taken or not one", s.Addr))
	}
	if s.Self.Listen.IsZero() {
		s.Self.Listen = s.Addr
	}
	if s.Outbox <= 0 {
		s.Outbox = DefaultOutbox
	}
	n := &Node{w: w, spec: &s, index: uint32(len(w.nodes)), state: crashed}
	n.rand = rand.New(rand.NewPCG(w.rand.Uint64(), w.rand.Uint64()))
	w.nodes = append(w.nodes, n)
	w.at[s.Addr] = n
	w.boot(n)
	return n
}

// Alias makes another address one under which n can be dialed: a host name, or
// the outside of a translated port.
func (w *World) Alias(a addr.Addr, n *Node) { w.at[a] = n }

// boot gives a node a new core and nonce.
func (w *World) boot(n *Node) {
	n.run++
	n.state, n.armed, n.due = up, never, never
	n.nonce = n.rand.Uint64() | 1 // not zero
	n.Core = core.New(n.spec.Core, n.spec.Dialect, core.Host{
		Rand: n.rand, Nonce: n.nonce, Traffic: n.traffic,
	}, n.spec.Seeds...)
	w.queue.Push(w.now, evStart, 0, n.index, n.run)
}

// start is the first that a run does.
func (n *Node) start(run uint32) {
	if n.state != up || n.run != run {
		return
	}
	if s := n.saved; s != nil {
		n.saved = nil
		n.Core.Restore(n.w.Now(), s, n.w.begin())
		n.finish(wRestore, 0, nil)
	}
	n.Core.Wake(n.w.Now(), n.w.begin())
	n.finish(wWake, 0, nil)
}

// Addr returns where the node can be dialed.
func (n *Node) Addr() addr.Addr { return n.spec.Addr }

// Index returns the node's place in World.Nodes.
func (n *Node) Index() int { return int(n.index) }

// Up reports whether the node runs.
func (n *Node) Up() bool { return n.state == up }

// Degree returns how many live links the node has.
func (n *Node) Degree() int { return len(n.live) }

// Counters returns the node's sums over all its runs.
func (n *Node) Counters() Counters { return n.count }

// Links ranges over the live links in the order they opened, with the node at
// the other end of each. It must not be used beyond the step it is called in.
func (n *Node) Links() iter.Seq2[core.LinkID, *Node] {
	return func(yield func(core.LinkID, *Node) bool) {
		for _, i := range n.live {
			x := n.ports[i].x
			if !yield(x.id, x.peer().n) {
				return
			}
		}
	}
}

// Traffic is what went over one link so far, opening exchange included.
type Traffic struct {
	InBytes, InMsgs, OutBytes, OutMsgs uint64
	Queued                             int // bytes in the outbox, counted as Spec.Outbox says
}

// Traffic returns what went over a link; zeros if there is no such link.
func (n *Node) Traffic(id core.LinkID) (t Traffic) {
	if x := n.find(id); x != nil {
		t = Traffic{x.inBytes, x.inMsgs, x.out().bytes, x.out().msgs, 0}
		if x.ex != nil {
			t.Queued = x.ex.waiting
		}
	}
	return t
}

// Queue queues m on a live link and reports whether it was taken. The body
// must not change afterwards, unless m is lent.
func (n *Node) Queue(to core.LinkID, m dialect.Message) bool {
	x := n.find(to)
	if x == nil {
		return false
	}
	return x.queue(m, false, nil)
}

// Broadcast queues m on the live links that the picker chooses and reports how
// many took it. Origin is the link m came from, or 0. The body must not change
// afterwards, unless m is lent.
func (n *Node) Broadcast(m dialect.Message, to route.Picker, origin core.LinkID) (queued int) {
	if m.Lent {
		m = m.Clone()
	}
	s := sharing{n: n}
	if to == route.All() { // spares the making of a table of targets
		for i := range n.ports {
			if p := &n.ports[i]; p.live && p.id != origin && s.queue(p, &m) {
				queued++
			}
		}
	} else {
		for _, i := range n.w.targets.pick(n, to, origin) {
			if s.queue(&n.ports[n.live[i]], &m) {
				queued++
			}
		}
	}
	s.done()
	return queued
}

// targets is the memory of picking.
type targets struct {
	live []route.Target
	got  []int
}

func (t *targets) pick(n *Node, to route.Picker, origin core.LinkID) []int {
	t.live = t.live[:0]
	for _, i := range n.live {
		x := n.ports[i].x
		t.live = append(t.live, route.Target{
			Link: x.id, Addr: x.addr, Always: x.always, Dialed: x.dialed, Origin: x.id == origin,
		})
	}
	t.got = to.Pick(t.got[:0], t.live, n.w.rand)
	return t.got
}

// find returns the end with a number, or nil.
func (n *Node) find(id core.LinkID) *end {
	if i, ok := slices.BinarySearchFunc(n.ends, id, byID); ok {
		return n.ends[i].x
	}
	return nil
}

func byID(e entry, id core.LinkID) int { return cmp.Compare(e.id, id) }

func (n *Node) enter(x *end) {
	i, _ := slices.BinarySearchFunc(n.ends, x.id, byID)
	n.ends = slices.Insert(n.ends, i, entry{x.id, x})
}

func (n *Node) leave(x *end) {
	if i, ok := slices.BinarySearchFunc(n.ends, x.id, byID); ok && n.ends[i].x == x {
		n.ends = slices.Delete(n.ends, i, i+1)
	}
}

// traffic tells the core when a link's bytes last moved.
func (n *Node) traffic(id core.LinkID) (in, out time.Time) {
	x := n.find(id)
	if x == nil {
		return in, out
	}
	return epoch.Add(time.Duration(x.inAt)), epoch.Add(time.Duration(x.out().at))
}
