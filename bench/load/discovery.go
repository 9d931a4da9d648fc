package load

import (
	"fmt"
	"time"

	"parley/core"
	"parley/sim"
)

const (
	discoveryTime = 20 * time.Second // of virtual time
	seeds         = 3                // nodes that everybody knows at the start
)

// Discovery is a simulated network whose nodes know a few others and find the
// rest by asking, with every byte through the codecs.
type Discovery struct {
	lang  Language
	nodes int
	steps uint64
	seed  uint64
}

// NewDiscovery returns a network of which nothing has happened yet.
func NewDiscovery(l Language, nodes int) *Discovery {
	return &Discovery{lang: l, nodes: nodes}
}

// Step builds the network anew, with another seed, and runs it until its nodes
// have found each other. What happens at its start costs more than what happens
// later, so parts of it would not compare.
func (d *Discovery) Step() error {
	d.seed++
	w := sim.NewWorld(d.seed)
	defer w.Close()
	for i := range d.nodes {
		w.Add(place(i), d.lang.Dialect, core.Config{PerGroup: -1}, place(0), place(1), place(seeds-1))
	}
	err := w.Run(discoveryTime)
	d.steps += w.Steps()
	if err != nil {
		return err
	}
	return d.check(w)
}

// check looks whether they found each other: most have more links than there
// were addresses to start with.
func (d *Discovery) check(w *sim.World) error {
	found := 0
	for _, n := range w.Nodes() {
		if n.Degree() > seeds {
			found++
		}
	}
	if found < d.nodes*9/10 {
		return fmt.Errorf("%d of %d nodes found others in %v", found, d.nodes, discoveryTime)
	}
	return nil
}

// Steps returns how many events there were so far.
func (d *Discovery) Steps() uint64 { return d.steps }

// Close does nothing: no world outlives its step.
func (d *Discovery) Close() error { return nil }
