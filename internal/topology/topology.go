// Package topology says which nodes of a network hold a link to which. The
// named shapes long, tree, square, loops, alot, alot+ and circles are those of
// factomd's -net flag, edge for edge; random and full are ours.
package topology

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Limits of [Edges]. Beyond MaxEdges a network no longer fits one machine.
const (
	MaxNodes = 1000
	MaxEdges = 10_000
)

// A shape lists the edges of a network of n nodes. It may name nodes that do
// not exist, link a node to itself and repeat edges: what factomd's own
// procedure skips is skipped here, by graph.link.
type shape struct {
	name string
	draw func(g *graph, r *rand.Rand)
}

var shapes = []shape{
	{"long", func(g *graph, _ *rand.Rand) { g.long() }},
	{"tree", func(g *graph, _ *rand.Rand) { g.tree() }},
	{"square", func(g *graph, _ *rand.Rand) { g.square() }},
	{"loops", func(g *graph, _ *rand.Rand) { g.loops() }},
	{"alot", func(g *graph, _ *rand.Rand) { g.ring(1, 5, 7) }},
	{"alot+", func(g *graph, _ *rand.Rand) { g.ring(1, 5, 7, 13) }},
	{"circles", func(g *graph, _ *rand.Rand) { g.circles() }},
	{"random", (*graph).random},
	{"full", func(g *graph, _ *rand.Rand) { g.full() }},
}

// Names returns the names that [Edges] knows, in the order of the manual.
func Names() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

// Check reports why there is no network of n nodes in the named shape: the
// name is unknown, n is not 1 to MaxNodes, or it has more than MaxEdges edges.
func Check(name string, n int) error {
	if !slices.Contains(Names(), name) {
		return fmt.Errorf("topology %.40q is unknown; known are %s", name, strings.Join(Names(), ", "))
	}
	if n < 1 || n > MaxNodes {
		return fmt.Errorf("topology %s: %d nodes, limit 1 to %d", name, n, MaxNodes)
	}
	if name == "full" && n*(n-1)/2 > MaxEdges {
		return fmt.Errorf("topology full: %d nodes have %d links, limit %d", n, n*(n-1)/2, MaxEdges)
	}
	return nil
}

// Edges returns the undirected edges of the named shape for nodes 0 to n-1,
// each as {lower, higher}, sorted. Every node can reach every other: a node
// that factomd's procedure leaves out (square has some) is linked to the one
// before it. Only random draws from r, and equal draws give equal edges. Errors
// are those of [Check].
func Edges(name string, n int, r *rand.Rand) ([][2]int, error) {
	if err := Check(name, n); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.name == name })
	g := &graph{n: n, has: make(map[[2]int]bool)}
	shapes[i].draw(g, r)
	g.join()
	slices.SortFunc(g.edges, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return g.edges, nil
}

// graph collects edges.
type graph struct {
	n     int
	edges [][2]int
	has   map[[2]int]bool
}

// link adds an edge unless it is there already, leads nowhere or back.
func (g *graph) link(i, j int) {
	i, j = min(i, j), max(i, j)
	e := [2]int{i, j}
	if i < 0 || j >= g.n || i == j || g.has[e] {
		return
	}
	g.has[e] = true
	g.edges = append(g.edges, e)
}

// join links every node that node 0 can not reach to the one before it. Going
// up from node 1, that one can be reached by then.
func (g *graph) join() {
	for {
		far := slices.Index(hops(g.n, g.edges, 0), -1)
		if far < 0 {
			return
		}
		g.link(far-1, far)
	}
}
