package load

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/route"
	"parley/sim"
)

const (
	floodBody   = 250             // bytes, about a transaction
	floodTime   = 2 * time.Second // of virtual time, in which a message has reached everybody
	openingTime = 2 * time.Minute // of virtual time, in which every link is up
	dialedEach  = 4               // links that each node dials: every node has twice as many, on average
)

// Flood is a simulated network in which every node passes on what it has not
// seen to all its links. The same size gives the same network.
type Flood struct {
	lang    Language
	world   *sim.World
	rand    *rand.Rand
	seen    []uint64 // by node: the last message
	reached int      // nodes that have the message under way
	seq     uint64
}

// NewFlood builds a network with eight links to a node, in mode Messages, and
// runs it until all links are up.
func NewFlood(l Language, nodes int) (*Flood, error) {
	f := &Flood{lang: l, world: sim.NewWorld(1), rand: rand.New(rand.NewPCG(1, 2)), seen: make([]uint64, nodes)}
	f.world.Mode = sim.Messages
	f.world.Receive = f.receive
	edges := 0
	for i, peers := range chords(nodes, f.rand) {
		f.world.Add(place(i), l.Dialect, core.Config{
			Outbound: -1, Inbound: nodes, PerHost: -1, Always: peers,
		})
		edges += len(peers)
	}
	whole := func() bool {
		ends := 0
		for _, n := range f.world.Nodes() {
			ends += n.Degree()
		}
		return ends == 2*edges
	}
	for range openingTime / floodTime {
		if err := f.world.Run(floodTime); err != nil {
			return nil, err
		}
		if whole() {
			return f, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("not every link of %d nodes is up after %v", nodes, openingTime)
}

// chords returns whom each node dials: its neighbor in a ring and random
// others, no pair twice.
func chords(nodes int, r *rand.Rand) [][]addr.Addr {
	linked := map[[2]int]bool{}
	all := make([][]addr.Addr, nodes)
	link := func(a, b int) {
		pair := [2]int{min(a, b), max(a, b)}
		if a != b && !linked[pair] {
			linked[pair] = true
			all[a] = append(all[a], place(b))
		}
	}
	for i := range nodes {
		link(i, (i+1)%nodes)
	}
	for i := range nodes {
		for range dialedEach - 1 {
			link(i, r.IntN(nodes))
		}
	}
	return all
}

// place is where a simulated node is.
func place(i int) addr.Addr {
	ip := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
	return addr.Addr{IP: ip, Port: 8108}
}

func (f *Flood) receive(n *sim.Node, from core.LinkID, m dialect.Message) {
	seq := binary.LittleEndian.Uint64(m.Body)
	if f.seen[n.Index()] >= seq {
		return
	}
	f.seen[n.Index()] = seq
	f.reached++
	n.Broadcast(m, route.All(), from)
}

// Step floods one message from a random node.
func (f *Flood) Step() error {
	f.seq++
	nodes := f.world.Nodes()
	origin := nodes[f.rand.IntN(len(nodes))]
	m := f.lang.message(body(floodBody))
	binary.LittleEndian.PutUint64(m.Body, f.seq)
	f.seen[origin.Index()], f.reached = f.seq, 1
	origin.Broadcast(m, route.All(), 0)
	if err := f.world.Run(floodTime); err != nil {
		return err
	}
	if f.reached != len(nodes) {
		return fmt.Errorf("a message reached %d of %d nodes in %v", f.reached, len(nodes), floodTime)
	}
	return nil
}

// Steps returns how many events there were so far.
func (f *Flood) Steps() uint64 { return f.world.Steps() }

// Close ends the world.
func (f *Flood) Close() error {
	f.world.Close()
	return nil
}
