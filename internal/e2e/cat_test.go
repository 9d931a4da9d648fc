package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect/factom"
	"parley/sim"
)

// The settings of CAT peering, factom-p2p 1.13 (DefaultP2PConfiguration):
// TargetPeers, MaxPeers, DropTo.
const (
	target  = 32
	most    = 36
	dropTo  = 30
	catSize = 500
)

// cat builds a network of nodes that know one of them, and nothing else.
func cat(t *testing.T, seed uint64, round time.Duration, fc factom.Config) *sim.World {
	d, err := factom.New(fc)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.NewWorld(seed)
	w.Mode = sim.Messages
	t.Cleanup(w.Close)
	at := func(i int) addr.Addr {
		ip := netip.AddrFrom4([4]byte{byte(11 + i/250), byte(i % 250), 1, 1})
		return addr.FromAddrPort(netip.AddrPortFrom(ip, 8108))
	}
	for i := range catSize {
		w.Add(at(i), d, settings(round), at(0))
	}
	return w
}

func settings(round time.Duration) core.Config {
	return core.Config{
		Target: target, Inbound: most, Total: most, DropTo: dropTo, RoundTime: round,
		Offer: 3, Backoff: 2 * time.Minute, Book: core.BookConfig{PerAnswer: 1},
	}
}

// settle runs w until every node that is up has as many links as it wants, and
// reports how long that took, in steps of five seconds.
func settle(t *testing.T, w *sim.World) time.Duration {
	t.Helper()
	for took := time.Duration(0); took <= 10*time.Minute; took += 5 * time.Second {
		if w.Graph().Degrees().Min >= target {
			return took
		}
		run(t, w, 5*time.Second)
	}
	t.Errorf("after ten minutes not every node has %d peers", target)
	return 0
}

func run(t *testing.T, w *sim.World, d time.Duration) {
	t.Helper()
	if err := w.Run(d); err != nil {
		t.Fatal(err)
	}
}

func describe(w *sim.World) string {
	g := w.Graph()
	d := g.Degrees()
	longest, mean := g.Distances(50)
	return fmt.Sprintf("degree %d to %d, mean %.1f; diameter at least %d, distance %.2f; clustering %.3f",
		d.Min, d.Max, d.Mean, longest, mean, g.Clustering())
}

// TestCATFill starts 500 nodes that know one: all reach TargetPeers within ten
// minutes, and none holds more than MaxPeers on the way.
func TestCATFill(t *testing.T) {
	w := cat(t, 1, 15*time.Minute, factom.Config{Version: 10})
	w.Every = 10_000
	w.Checks = []sim.Check{noneOver}
	took := settle(t, w)
	t.Logf("after %v: %s", took, describe(w))
}

// noneOver checks that no node holds more than MaxPeers.
func noneOver(w *sim.World) error {
	for _, n := range w.Nodes() {
		if n.Degree() > most {
			return fmt.Errorf("%v has %d peers, limit %d", n.Addr(), n.Degree(), most)
		}
	}
	return nil
}

// TestCATRounds holds rounds, four minutes apart to save virtual time and all
// nodes at once to make it hard, and looks at what each leaves two minutes later.
// The first is a quarter of an hour after the start, as RoundTime would have it.
// After the last it takes 30 % of the nodes away.
func TestCATRounds(t *testing.T) {
	const round = 4 * time.Minute
	w := cat(t, 2, 0, factom.Config{Ping: 10 * time.Minute, ReadDeadline: time.Hour})
	w.Every = 10_000
	w.Checks = []sim.Check{noneOver}
	run(t, w, 15*time.Minute-round)
	for _, n := range w.Nodes() {
		n.Do(func(c *core.Node, now time.Time, e *core.Effects) { c.Tune(now, settings(round), e) })
	}
	run(t, w, round/2)
	for i := range rounds {
		run(t, w, round)
		g := w.Graph()
		if d := g.Degrees(); !g.Connected() || d.Min < dropTo {
			t.Errorf("round %d (seed %d): parts of %v nodes, degrees %d to %d", i+1, w.Seed(), g.Components(), d.Min, d.Max)
		}
	}
	t.Logf("after %d rounds: %s", rounds, describe(w))

	nodes := w.Nodes()
	for _, i := range w.Rand().Perm(catSize)[:catSize*3/10] {
		w.Crash(nodes[i])
	}
	run(t, w, 5*time.Second)
	if g := w.Graph(); !g.Connected() {
		t.Errorf("right after losing 30 %% of all nodes the rest is in parts of %v", g.Components())
	}
	took := 5*time.Second + settle(t, w)
	t.Logf("%v after losing 30 %%: %s", took, describe(w))
}
