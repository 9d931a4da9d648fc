package load

import (
	"fmt"
	"time"

	"parley/core"
	"parley/sim"
)

const (
	discoveryTime = 30 * time.Second // of virtual time, from the first node to a new world
	seeds         = 3                // nodes that everybody knows at the start
)

// Discovery is a simulated network whose nodes know a few others and find the
// rest by asking, with every byte through the codecs. When they have, it starts
// anew.
type Discovery struct {
	lang  Language
	nodes int
	world *sim.World
	past  uint64 // steps of the worlds before
	seed  uint64
	time  time.Duration
}

// NewDiscovery builds a network of which nothing has happened yet.
func NewDiscovery(l Language, nodes int) *Discovery {
	d := &Discovery{lang: l, nodes: nodes}
	d.begin()
	return d
}

func (d *Discovery) begin() {
	d.seed++
	d.time = 0
	d.world = sim.NewWorld(d.seed)
	known := place(0)
	for i := range d.nodes {
		d.world.Add(place(i), d.lang.Dialect, core.Config{PerGroup: -1}, known, place(1), place(seeds-1))
	}
}

// Step runs one second of virtual time.
func (d *Discovery) Step() error {
	if err := d.world.Run(time.Second); err != nil {
		return err
	}
	if d.time += time.Second; d.time < discoveryTime {
		return nil
	}
	if err := d.check(); err != nil {
		return err
	}
	d.past += d.world.Steps()
	d.world.Close()
	d.begin()
	return nil
}

// check looks whether they found each other: most have more links than there
// were addresses to start with.
func (d *Discovery) check() error {
	found := 0
	for _, n := range d.world.Nodes() {
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
func (d *Discovery) Steps() uint64 { return d.past + d.world.Steps() }

// Close ends the world.
func (d *Discovery) Close() error {
	d.world.Close()
	return nil
}
