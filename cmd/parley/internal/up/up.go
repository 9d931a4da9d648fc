// Package up is `parley up`: a network of real nodes on this machine. Each node
// is an engine of its own; they are connected over TCP on loopback and nothing
// else, make blocks, and bring each other up to date.
package up

import (
	"context"
	"slices"
	"sync"

	"parley/cmd/parley/internal/show"
	"parley/internal/topology"
)

// run runs a network until ctx is done or its time is over, and reports.
func run(ctx context.Context, o options, screen *show.Screen) (report, error) {
	n, err := newNetwork(o, screen.Tell)
	if err != nil {
		return report{}, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer n.stop(cancel)
	if err := n.start(life); err != nil {
		return report{}, err
	}
	n.introduce()
	if !n.await(ctx, connectLimit, n.connected) && ctx.Err() == nil {
		screen.Tell("not connected, and no new link for %v: going on", connectLimit)
	}
	defer watching(n, screen)()
	n.conduct(ctx, life, func() {
		if !screen.Live() {
			screen.Tell("%s", n.line())
		}
	})
	return n.report(), nil
}

// watching draws the table, if there can be one, until the returned function
// is called.
func watching(n *network, screen *show.Screen) (stop func()) {
	if !screen.Live() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { n.watch(ctx, screen) })
	return func() {
		cancel()
		wg.Wait()
		screen.Close()
	}
}

// introduce tells where everything listens and how it is connected.
func (n *network) introduce() {
	for _, m := range n.members {
		n.tell("node %d listens on %v", m.index, m.address())
	}
	o := &n.opt
	if n.seeds != nil {
		n.tell("%s, seeds at %s, %d links wanted per node, seed %d", o.dialect, n.seeds.URL(), target(o.nodes), o.seed)
		return
	}
	degrees := topology.Degrees(o.nodes, n.edges)
	n.tell("%s, topology %s: %d links, %d to %d per node, %d hops across, seed %d", o.dialect, o.topology,
		len(n.edges), slices.Min(degrees), slices.Max(degrees), topology.Diameter(o.nodes, n.edges), o.seed)
}
