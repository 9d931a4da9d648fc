package sim

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"parley/core"
	"parley/dialect"
	"parley/route"
)

// Graph is who has a live link to whom at one moment, among the nodes that are
// up. A link counts once both ends are live; two links between the same nodes
// count once, and one of a node to itself not at all.
type Graph struct {
	Nodes []*Node
	next  [][]int32 // neighbors by place in Nodes, ascending
}

// Graph returns the live graph.
func (w *World) Graph() *Graph {
	g := &Graph{}
	place := make([]int32, len(w.nodes))
	for i, n := range w.nodes {
		if n.state == up {
			place[i] = int32(len(g.Nodes))
			g.Nodes = append(g.Nodes, n)
		}
	}
	g.next = make([][]int32, len(g.Nodes))
	for i, n := range g.Nodes {
		to := make([]int32, 0, len(n.live))
		for _, p := range n.live {
			x := n.ports[p].x
			if y := x.peer(); y.cond == open && y.n != n && y.n.state == up {
				to = append(to, place[y.n.index])
			}
		}
		slices.Sort(to)
		g.next[i] = slices.Compact(to)
	}
	return g
}

// Components returns the sizes of the connected parts, largest first.
func (g *Graph) Components() (sizes []int) {
	seen := make([]int, len(g.Nodes))
	for i := range seen {
		if seen[i] == 0 {
			sizes = append(sizes, g.walk(i, seen, func(int, int) {}))
		}
	}
	slices.SortFunc(sizes, func(a, b int) int { return b - a })
	return sizes
}

// Connected reports whether every node can reach every other.
func (g *Graph) Connected() bool { return len(g.Components()) <= 1 }

// walk visits what can be reached from a node, nearest first, and says how far
// away each is. It returns how many it visited. Seen holds distances plus one.
func (g *Graph) walk(from int, seen []int, visit func(node, distance int)) int {
	seen[from] = 1
	line := []int{from}
	for i := 0; i < len(line); i++ {
		at := line[i]
		visit(at, seen[at]-1)
		for _, to := range g.next[at] {
			if seen[to] == 0 {
				seen[to] = seen[at] + 1
				line = append(line, int(to))
			}
		}
	}
	return len(line)
}

// Degrees is how many neighbors nodes have.
type Degrees struct {
	Min, Max int
	Mean     float64
	Count    []int // nodes by how many neighbors they have
}

// Degrees returns the distribution of the number of neighbors.
func (g *Graph) Degrees() (d Degrees) {
	if len(g.next) == 0 {
		return d
	}
	d.Min = math.MaxInt
	sum := 0
	for _, to := range g.next {
		k := len(to)
		d.Min, d.Max, sum = min(d.Min, k), max(d.Max, k), sum+k
		for len(d.Count) <= k {
			d.Count = append(d.Count, 0)
		}
		d.Count[k]++
	}
	d.Mean = float64(sum) / float64(len(g.next))
	return d
}

// Distances returns the longest and the mean distance, in links, from a number
// of nodes spread evenly over the graph to all they can reach. From every node,
// the longest is the diameter; from fewer it is a lower bound.
func (g *Graph) Distances(samples int) (longest int, mean float64) {
	n := len(g.Nodes)
	samples = min(samples, n)
	sum, pairs := 0, 0
	for i := range samples {
		g.walk(i*n/samples, make([]int, n), func(_, d int) {
			longest, sum = max(longest, d), sum+d
			if d > 0 {
				pairs++
			}
		})
	}
	return longest, float64(sum) / float64(max(pairs, 1))
}

// Clustering returns the mean clustering coefficient: how likely two neighbors
// of a node are neighbors of each other. Nodes with fewer than two do not count.
func (g *Graph) Clustering() float64 {
	sum, nodes := 0.0, 0
	for _, to := range g.next {
		if len(to) < 2 {
			continue
		}
		links := 0
		for i, a := range to {
			for _, b := range to[i+1:] {
				if _, ok := slices.BinarySearch(g.next[a], b); ok {
					links++
				}
			}
		}
		nodes++
		sum += 2 * float64(links) / float64(len(to)*(len(to)-1))
	}
	return sum / float64(max(nodes, 1))
}

// Flood is the simplest gossip: every node passes on what it has not seen, and
// somebody keeps count. The first eight bytes of a message's body are its
// number. What a node has seen survives its restarts.
type Flood struct {
	w       *World
	to      route.Picker
	spreads []*Spread
}

// NewFlood makes gossip the application of every node of w that has no Receive
// of its own. To chooses whom a node passes a message on to.
func NewFlood(w *World, to route.Picker) *Flood {
	f := &Flood{w: w, to: to}
	w.Receive = f.receive
	return f
}

// Start has a node send a message of a type that its dialect has for
// applications, with a body of size bytes, at least eight.
func (f *Flood) Start(n *Node, typ uint32, size int) *Spread {
	body := make([]byte, max(size, 8))
	binary.LittleEndian.PutUint64(body, uint64(len(f.spreads)))
	s := &Spread{from: f.w.now, hops: make([]int32, len(f.w.nodes)), at: make([]int64, len(f.w.nodes))}
	for i := range s.hops {
		s.hops[i] = -1
	}
	s.hops[n.index], s.Reached = 0, 1
	f.spreads = append(f.spreads, s)
	s.Queued = n.Broadcast(dialect.Message{Type: typ, Body: body}, f.to, 0)
	return s
}

func (f *Flood) receive(n *Node, from core.LinkID, m dialect.Message) {
	if len(m.Body) < 8 {
		return
	}
	k := binary.LittleEndian.Uint64(m.Body)
	if k >= uint64(len(f.spreads)) {
		return
	}
	s := f.spreads[k]
	if int(n.index) >= len(s.hops) {
		return // added after the message
	}
	if s.hops[n.index] >= 0 {
		s.Duplicates++
		return
	}
	s.Reached++
	s.hops[n.index] = s.hops[f.w.from.other] + 1
	s.at[n.index] = f.w.now
	s.Queued += n.Broadcast(m, f.to, from)
}

// Spread is how one message of a Flood spread. The node it started from counts
// as reached.
type Spread struct {
	Reached    int // nodes
	Duplicates int // deliveries to nodes that had it
	Queued     int // copies sent

	from int64
	hops []int32 // by node; -1 for those not reached
	at   []int64
}

// Has reports whether a node was reached.
func (s *Spread) Has(n *Node) bool {
	return int(n.index) < len(s.hops) && s.hops[n.index] >= 0
}

// Hops returns how many links the message had crossed when it reached the given
// share of those it has reached, from 0 to 1, as its fastest copies went.
func (s *Spread) Hops(share float64) int {
	var h []int32
	for _, v := range s.hops {
		if v >= 0 {
			h = append(h, v)
		}
	}
	return int(percentile(h, share))
}

// Time returns how long the message took to reach the given share of those it
// has reached, from 0 to 1.
func (s *Spread) Time(share float64) time.Duration {
	var d []int64
	for i, v := range s.hops {
		if v > 0 {
			d = append(d, s.at[i]-s.from)
		} else if v == 0 {
			d = append(d, 0)
		}
	}
	return time.Duration(percentile(d, share))
}

// percentile returns the least of v that the given share of v is no more than.
// It sorts v.
func percentile[T int32 | int64](v []T, share float64) T {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	i := int(math.Ceil(share*float64(len(v)))) - 1
	return v[min(max(i, 0), len(v)-1)]
}
