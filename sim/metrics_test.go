package sim

import (
	"math"
	"slices"
	"testing"
	"time"

	"parley/core"
	"parley/dialect/toy"
	"parley/route"
)

// shape makes a world of nodes with given links and a delay of 10 ms.
func shape(t *testing.T, count int, links [][2]int) *World {
	w := newWorld(t, 1)
	w.Path = fixed(Path{Delay: 10 * time.Millisecond})
	for i := range count {
		w.Add(place(i), toy.New(toy.Config{}), core.Config{Outbound: -1})
	}
	for _, l := range links {
		if _, err := w.Connect(w.nodes[l[0]], w.nodes[l[1]]); err != nil {
			t.Fatal(err)
		}
	}
	run(t, w, time.Second)
	return w
}

func ring(n int) (links [][2]int) {
	for i := range n {
		links = append(links, [2]int{i, (i + 1) % n})
	}
	return links
}

func TestGraphOfRing(t *testing.T) {
	g := shape(t, 10, ring(10)).Graph()
	if d := g.Degrees(); d.Min != 2 || d.Max != 2 || d.Mean != 2 || !slices.Equal(d.Count, []int{0, 0, 10}) {
		t.Errorf("degrees of a ring: %+v", d)
	}
	longest, mean := g.Distances(10)
	if longest != 5 || math.Abs(mean-25.0/9) > 1e-9 {
		t.Errorf("distances in a ring of ten: %d, %v; want 5, 2.78", longest, mean)
	}
	if c := g.Clustering(); c != 0 {
		t.Errorf("clustering of a ring: %v, want 0", c)
	}
	if !g.Connected() {
		t.Error("a ring is in parts")
	}
}

func TestGraphOfParts(t *testing.T) {
	links := [][2]int{{0, 1}, {1, 2}, {2, 0}, {2, 3}, {4, 5}}
	w := shape(t, 8, links)
	w.Crash(w.nodes[7])
	run(t, w, time.Second)
	g := w.Graph()
	if got := g.Components(); !slices.Equal(got, []int{4, 2, 1}) {
		t.Errorf("components are %v, want 4, 2, 1", got)
	}
	if d := g.Degrees(); d.Min != 0 || d.Max != 3 || !slices.Equal(d.Count, []int{1, 3, 2, 1}) {
		t.Errorf("degrees: %+v", d)
	}
	// The corners of the triangle have 1, 1 and 1/3; nobody else has two neighbors.
	if c, want := g.Clustering(), (1+1+1.0/3)/3; math.Abs(c-want) > 1e-9 {
		t.Errorf("clustering: %v, want %v", c, want)
	}
	if longest, _ := g.Distances(100); longest != 2 {
		t.Errorf("longest distance: %d, want 2", longest)
	}
}

func TestGraphCountsOnce(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 2 {
		w.Add(place(i), bare{}, core.Config{Outbound: -1})
	}
	a, b := w.nodes[0], w.nodes[1]
	for _, p := range [][2]*Node{{a, b}, {b, a}, {a, a}} {
		if _, err := w.Connect(p[0], p[1]); err != nil {
			t.Fatal(err)
		}
	}
	run(t, w, time.Second)
	if a.Degree() < 2 {
		t.Fatalf("node has %d links, want two or more", a.Degree())
	}
	if d := w.Graph().Degrees(); !slices.Equal(d.Count, []int{0, 2}) {
		t.Errorf("degrees: %+v, want one neighbor each", d)
	}
}

func TestEmptyGraph(t *testing.T) {
	g := newWorld(t, 1).Graph()
	longest, mean := g.Distances(3)
	if len(g.Components()) != 0 || g.Degrees().Mean != 0 || longest != 0 || mean != 0 || g.Clustering() != 0 {
		t.Error("an empty world has a graph")
	}
}

func TestSpreadOverRing(t *testing.T) {
	w := shape(t, 10, ring(10))
	s := wantReached(t, NewFlood(w, route.All()), w.nodes[3], 10, time.Second)
	if s.Hops(1) != 5 || s.Hops(0.5) != 2 || s.Hops(0) != 0 {
		t.Errorf("hops are %d, %d, %d; want 5, 2, 0", s.Hops(1), s.Hops(0.5), s.Hops(0))
	}
	if s.Time(1) != 50*time.Millisecond || s.Time(0.5) != 20*time.Millisecond || s.Time(0.1) != 0 {
		t.Errorf("times are %v, %v, %v; want 50ms, 20ms, 0", s.Time(1), s.Time(0.5), s.Time(0.1))
	}
	if s.Duplicates != 2 || s.Queued != 11 { // at the far side both ways meet
		t.Errorf("%d duplicates of %d copies, want 2 of 11", s.Duplicates, s.Queued)
	}
}

// TestFloodIgnores sends what is no message of the flood's.
func TestFloodIgnores(t *testing.T) {
	w := shape(t, 3, ring(3))
	f := NewFlood(w, route.All())
	f.receive(w.nodes[0], 1, toyMessage("short"))
	f.receive(w.nodes[0], 1, toyMessage("numbered far beyond"))
	s := f.Start(w.nodes[0], toy.App, 0)
	late := w.Add(place(5), toy.New(toy.Config{}), core.Config{Outbound: -1})
	if _, err := w.Connect(w.nodes[0], late); err != nil {
		t.Fatal(err)
	}
	run(t, w, time.Second)
	f.receive(late, 1, toyMessage("\x00\x00\x00\x00\x00\x00\x00\x00"))
	if s.Reached != 3 || s.Has(late) {
		t.Errorf("message reached %d nodes, the late one: %v; want 3 and false", s.Reached, s.Has(late))
	}
}
