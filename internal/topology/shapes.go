package topology

import (
	"math"
	"math/rand/v2"
)

// long is a chain.
func (g *graph) long() {
	for i := 1; i < g.n; i++ {
		g.link(i-1, i)
	}
}

// tree has rows of 1, 2, 3… nodes. Node k of a row is linked to nodes k and
// k+1 of the next, so that inner nodes have two parents.
func (g *graph) tree() {
	for row, first := 0, 0; first < g.n; row++ {
		next := first + row + 1
		for k := range row + 1 {
			g.link(first+k, next+k)
			g.link(first+k, next+k+1)
		}
		first = next
	}
}

// square is a torus of ⌊√n⌋ rows and columns. The nodes beyond the last row
// hang below it; those beyond that row's length factomd leaves out.
func (g *graph) square() {
	side := int(math.Sqrt(float64(g.n)))
	for i := range side {
		g.link(i*side, (i+1)*side-1)
		g.link(i, (side-1)*side+i)
		for j := range side {
			if j < side-1 {
				g.link(i*side+j, i*side+j+1)
			}
			g.link(i*side+j, (i+1)*side+j)
		}
	}
}

// loops is a chain with short cuts over 5 and 7 nodes in its first half.
func (g *graph) loops() {
	g.long()
	for i := 0; (i+17)*2 < g.n; i += 17 {
		g.link(i, i+5)
	}
	for i := 0; (i+13)*2 < g.n; i += 13 {
		g.link(i, i+7)
	}
}

// ring links every node to those the given distances further on, modulo n.
func (g *graph) ring(chords ...int) {
	for i := range g.n {
		for _, c := range chords {
			g.link(i, (i+c)%g.n)
		}
	}
}

// circles is rings of seven, each linked to up to four rings before it. What
// is left over at the end is a chain.
func (g *graph) circles() {
	const size, third, thirds = 7, 7 / 3, 7 * 2 / 3
	for at := 0; at < g.n; {
		g.link(at, at+size-1)
		for i := at; i < at+size-1; i++ {
			g.link(i, i+1)
		}
		at += size
		g.link(at, at-third)
		g.link(at+2, at-size-thirds-1)
		g.link(at+3, at-2*size-thirds)
		g.link(at+5, at-3*size-thirds+1)
	}
}

// random is two rings through all nodes, each in an order of its own: no node
// has more than four links, and the longest way grows with the logarithm of n.
func (g *graph) random(r *rand.Rand) {
	for range 2 {
		order := r.Perm(g.n)
		for i := range order {
			g.link(order[i], order[(i+1)%g.n])
		}
	}
}

// full links everybody to everybody.
func (g *graph) full() {
	for i := range g.n {
		for j := range i {
			g.link(j, i)
		}
	}
}
