package sim

import (
	"fmt"
	"testing"
	"time"

	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/route"
)

// factomNodes adds nodes as factom-p2p 1.13 has them by default, scaled down:
// links in both directions count towards Target, and rounds drop some. A link
// ends after a minute's silence, not five. Versions take turns.
func factomNodes(t testing.TB, w *World, count int, versions ...uint16) []*Node {
	cfg := core.Config{Target: 12, Inbound: 20, RoundTime: 4 * time.Minute, DropTo: 8}
	for i := range count {
		d, err := factom.New(factom.Config{
			Version: versions[i%len(versions)],
			NodeID:  factom.StringToUint32(fmt.Sprint("node", i)),

			ReadDeadline: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		spec := Spec{Addr: place(i), Dialect: d, Self: dialect.Self{Network: 0xfeedbeef}, Core: cfg}
		for k := range min(i, 3) {
			spec.Seeds = append(spec.Seeds, w.Nodes()[i*k/3].Addr())
		}
		w.AddNode(spec)
	}
	return w.Nodes()
}

func TestFactomVersions(t *testing.T) {
	for _, mode := range []Mode{WholeWire, Messages} {
		for _, versions := range [][]uint16{{9}, {10}, {11}, {9, 10, 11}} {
			t.Run(fmt.Sprint(mode, versions), func(t *testing.T) {
				w := newWorld(t, 1)
				w.Mode = mode
				w.Checks, w.Every = []Check{sound}, 5000
				ns := factomNodes(t, w, 40, versions...)
				run(t, w, time.Minute)
				if d := w.Graph().Degrees(); d.Min < 3 {
					t.Errorf("a node has %d links, want 3 or more", d.Min)
				}
				f := NewFlood(w, route.All())
				for i := range 5 {
					factomFlood(t, f, ns[i*9], len(ns))
				}
				run(t, w, 9*time.Minute) // pings, and two rounds
				factomFlood(t, f, ns[0], len(ns))
			})
		}
	}
}

func factomFlood(t *testing.T, f *Flood, from *Node, want int) {
	t.Helper()
	s := f.Start(from, factom.TypeMessage, 2_000)
	run(t, f.w, 10*time.Second)
	if s.Reached != want {
		t.Errorf("message reached %d nodes, want %d", s.Reached, want)
	}
}

// TestFactomThousand runs a thousand Factom nodes on the whole wire.
func TestFactomThousand(t *testing.T) {
	w := newWorld(t, 1)
	w.Checks, w.Every = []Check{sound}, 500_000
	ns := factomNodes(t, w, thousand, 11, 10)
	run(t, w, time.Minute)
	if g := w.Graph(); !g.Connected() {
		t.Errorf("network is in %d parts, want 1", len(g.Components()))
	}
	f := NewFlood(w, route.All())
	for i := range 2 {
		factomFlood(t, f, ns[i*thousand/5], len(ns))
	}
}

// TestFactomSplit cuts a network of two versions in halves until its links end,
// and heals it.
func TestFactomSplit(t *testing.T) {
	w := newWorld(t, 1)
	ns := factomNodes(t, w, 100, 11, 9)
	run(t, w, time.Minute)
	w.Split(ns[:50])
	run(t, w, 90*time.Second) // longer than a link stays without a word
	if g := w.Graph(); len(g.Components()) < 2 {
		t.Error("links across the cut are up after 90 seconds")
	}
	w.Heal()
	run(t, w, 5*time.Minute) // a round brings the halves together
	factomFlood(t, NewFlood(w, route.All()), ns[0], len(ns))
}
