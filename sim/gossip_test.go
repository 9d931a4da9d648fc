package sim

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect/toy"
	"parley/route"
)

// each runs a story with every seed.
func each(t *testing.T, story func(t *testing.T, w *World)) {
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			w.Checks, w.Every = []Check{sound}, 5000
			story(t, w)
		})
	}
}

// sound is the check that the simulator's tables agree with each other and
// with the cores.
func sound(w *World) error {
	for _, n := range w.Nodes() {
		if err := soundNode(n); err != nil {
			return fmt.Errorf("node %s: %w", n.Addr(), err)
		}
	}
	return nil
}

func soundNode(n *Node) error {
	if !n.Up() {
		if len(n.ends) > 0 || len(n.live) > 0 {
			return fmt.Errorf("is down and has %d ends, %d of them live", len(n.ends), len(n.live))
		}
		return nil
	}
	st := n.Core.State(n.w.Now())
	if len(st.Links) != len(n.ends) {
		return fmt.Errorf("core knows %d links, the shell %d", len(st.Links), len(n.ends))
	}
	up := 0
	for i, l := range st.Links {
		e := n.ends[i]
		if e.id != l.ID || e.x.id != l.ID || e.x.n != n || n.ports[e.x.port].x != e.x {
			return fmt.Errorf("link %d is not in its place", l.ID)
		}
		if isOpen := e.x.cond == open; isOpen == l.Opening && e.x.ex == nil {
			return fmt.Errorf("link %d: core says opening %v, the shell open %v", l.ID, l.Opening, isOpen)
		}
		if !l.Opening {
			up++
		}
	}
	if up != len(n.live) {
		return fmt.Errorf("core has %d links up, the shell %d", up, len(n.live))
	}
	return nil
}

func TestGossipReachesAll(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 200)
		run(t, w, time.Minute)
		g := w.Graph()
		if !g.Connected() {
			t.Errorf("network is in %d parts, want 1", len(g.Components()))
		}
		if d := g.Degrees(); d.Min < 6 {
			t.Errorf("a node has %d links, want 6 or more", d.Min)
		}
		s := wantReached(t, NewFlood(w, route.All()), ns[7], len(ns), 5*time.Second)
		if h := s.Hops(1); h < 2 || h > 8 {
			t.Errorf("the last node was reached after %d hops, want 2 to 8", h)
		}
		if s.Queued != s.Reached-1+s.Duplicates {
			t.Errorf("%d copies were sent; %d reached somebody new and %d did not", s.Queued, s.Reached-1, s.Duplicates)
		}
	})
}

// TestThousand runs the whole wire with a thousand nodes that open links, find
// each other and gossip.
func TestThousand(t *testing.T) {
	w := newWorld(t, 1)
	w.Checks, w.Every = []Check{sound}, 200_000
	ns := discover(w, thousand)
	run(t, w, time.Minute)
	if g := w.Graph(); !g.Connected() {
		t.Errorf("network is in %d parts, want 1", len(g.Components()))
	}
	f := NewFlood(w, route.All())
	for i := range 5 {
		wantReached(t, f, ns[i*thousand/5], len(ns), 3*time.Second)
	}
}

// TestSplitHeals cuts a network in halves for so long that every link across
// the cut ends. Rounds, which drop links at random, bring the halves together.
func TestSplitHeals(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		cfg := core.Config{Target: 8, RoundTime: 4 * time.Minute, DropTo: 5}
		for i := range 30 {
			w.Add(place(i), toy.New(toy.Config{}), cfg, place(0), place(i/2))
		}
		ns := w.Nodes()
		run(t, w, time.Minute)
		w.Split(ns[:15])
		f := NewFlood(w, route.All())
		s := wantReached(t, f, ns[3], 15, 30*time.Second)
		if s.Has(ns[15]) {
			t.Error("a message crossed the cut")
		}
		run(t, w, 2*time.Minute) // links across the cut end by the dialect's rules
		if g := w.Graph(); len(g.Components()) != 2 {
			t.Errorf("split network is in %d parts, want 2", len(g.Components()))
		}
		w.Heal()
		run(t, w, 5*time.Minute)
		if g := w.Graph(); !g.Connected() {
			t.Errorf("healed network is in %d parts, want 1", len(g.Components()))
		}
		wantReached(t, f, ns[3], 30, 5*time.Second)
	})
}

// TestSplitHealsWithoutRounds checks that halves that lost sight of each other for
// an hour, each with all the links it wants, find together by swapping links.
func TestSplitHealsWithoutRounds(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		for i := range 30 {
			w.Add(place(i), toy.New(toy.Config{}), core.Config{Target: 8}, place(0), place(i/2))
		}
		run(t, w, time.Minute)
		w.Split(w.Nodes()[:15])
		run(t, w, time.Hour)
		if g := w.Graph(); len(g.Components()) != 2 {
			t.Errorf("split network is in %d parts, want 2", len(g.Components()))
		}
		w.Heal()
		run(t, w, 30*time.Minute)
		if g := w.Graph(); !g.Connected() {
			t.Errorf("healed network is in %d parts, want 1", len(g.Components()))
		}
	})
}

// TestShortCutLosesNothing heals a cut before anybody gives up: what was sent
// meanwhile arrives, once and in order.
func TestShortCutLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 40)
		run(t, w, time.Minute)
		f := NewFlood(w, route.All())
		w.Split(ns[:20])
		var ss []*Spread
		for i := range 10 {
			ss = append(ss, f.Start(ns[i*4], toy.App, 100))
			run(t, w, 500*time.Millisecond)
		}
		w.Heal()
		run(t, w, 5*time.Second)
		for i, s := range ss {
			if s.Reached != len(ns) {
				t.Errorf("message %d reached %d nodes, want %d", i, s.Reached, len(ns))
			}
		}
	})
}

func TestSurvivesLoss(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 70)
		run(t, w, time.Minute)
		for _, i := range w.Rand().Perm(70)[:20] {
			w.Crash(ns[i])
		}
		run(t, w, 2*time.Minute)
		if g := w.Graph(); !g.Connected() || len(g.Nodes) != 50 {
			t.Errorf("survivors are %d in %d parts, want 50 in one", len(g.Nodes), len(g.Components()))
		}
		from := ns[slices.IndexFunc(ns, (*Node).Up)]
		wantReached(t, NewFlood(w, route.All()), from, 50, 5*time.Second)
	})
}

func TestCrashAndRestart(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 40)
		run(t, w, time.Minute)
		down := ns[10:20]
		for i, n := range down {
			if i%2 == 0 {
				w.Crash(n)
			} else {
				w.Vanish(n)
			}
		}
		run(t, w, 30*time.Second)
		nonces := map[uint64]bool{}
		for i, n := range down {
			nonces[n.nonce] = true
			if i < 5 {
				n.Forget()
			}
			w.Restart(n)
		}
		run(t, w, 3*time.Minute)
		for _, n := range down {
			if n.Degree() < 6 || nonces[n.nonce] {
				t.Errorf("node %s came back with %d links, and its nonce is new: %v; want 6 or more, and true", n.Addr(), n.Degree(), !nonces[n.nonce])
			}
		}
		wantReached(t, NewFlood(w, route.All()), ns[0], 40, 5*time.Second)
	})
}

// TestSavedBook restarts a node whose seeds are gone: with its book it is back
// at once, without it never.
func TestSavedBook(t *testing.T) {
	for _, forget := range []bool{false, true} {
		w := newWorld(t, 1)
		ns := discover(w, 30)
		run(t, w, 2*time.Minute)
		n := w.AddNode(Spec{Addr: place(500), Dialect: toy.New(toy.Config{}), Seeds: []addr.Addr{ns[0].Addr()}})
		run(t, w, 2*time.Minute)
		w.Crash(n)
		n.spec.Seeds = nil
		known := len(n.saved.Peers)
		if forget {
			n.Forget()
		}
		run(t, w, time.Minute) // nobody is to remember it
		w.Restart(n)
		run(t, w, time.Second)
		if got := n.Core.State(w.Now()).Known; forget && got != 0 || !forget && got < known {
			t.Errorf("forgetful %v: knows %d addresses after the restart, had %d", forget, got, known)
		}
		if up := n.Degree() > 0; up == forget {
			t.Errorf("forgetful %v: has links a second after the restart: %v", forget, up)
		}
	}
}

// TestChurn starts and ends links for hours: the memory for connections is
// used again.
func TestChurn(t *testing.T) {
	w := newWorld(t, 1)
	ns := discover(w, 30)
	run(t, w, time.Minute)
	made := w.conns.made
	for i := range 300 {
		n := ns[i%30]
		if i%3 == 0 {
			w.Vanish(n)
		} else {
			w.Crash(n)
		}
		run(t, w, 2*time.Second)
		w.Restart(n)
		run(t, w, 20*time.Second)
	}
	if dials := w.Counters().Dials; w.conns.made > 3*made+uint32(dials/10) {
		t.Errorf("%d connections have a place after %d dials, want about %d", w.conns.made, dials, made)
	}
	if free := len(w.parcels.free); free < len(w.parcels.all)-200 {
		t.Errorf("%d of %d parcels are free after all that, want nearly all", free, len(w.parcels.all))
	}
}

func TestCheckStopsRun(t *testing.T) {
	broken := errors.New("four is too many")
	w := NewWorld(77)
	defer w.Close()
	ns := discover(w, 20)
	w.Checks = append(w.Checks, func(w *World) error {
		if ns[3].Degree() >= 4 {
			return broken
		}
		return nil
	})
	err := w.Run(time.Hour)
	f, ok := errors.AsType[*Failure](err)
	if !ok || !errors.Is(err, broken) {
		t.Fatalf("run ended with %v, want a failure of the check", err)
	}
	if f.Seed != 77 || f.Step != w.Steps() || !f.Time.Equal(w.Now()) || w.Now().Sub(epoch) >= time.Hour {
		t.Errorf("failure is %+v, world at step %d, %s", f, w.Steps(), w.Now())
	}
	if ns[3].Degree() != 4 {
		t.Errorf("node has %d links, want 4: the run stops at once", ns[3].Degree())
	}
	if again := w.Run(time.Hour); again != err {
		t.Errorf("a further run says %v, want the same failure", again)
	}
}

func TestRunUntil(t *testing.T) {
	w := newWorld(t, 1)
	ns := discover(w, 20)
	four := func() bool { return ns[3].Degree() >= 4 }
	if ok, err := w.RunUntil(four, time.Hour); !ok || err != nil || ns[3].Degree() != 4 {
		t.Errorf("ran until %d links: %v, %v; want 4 and true", ns[3].Degree(), ok, err)
	}
	at := w.Now()
	if ok, err := w.RunUntil(func() bool { return false }, time.Minute); ok || err != nil || w.Now().Sub(at) != time.Minute {
		t.Errorf("ran for %v: %v, %v; want a minute and false", w.Now().Sub(at), ok, err)
	}
	if ok, _ := w.RunUntil(four, 0); !ok {
		t.Error("what is true already was not seen")
	}
}

// TestRoundsHappen checks that virtual time is what the core's rounds see.
func TestRoundsHappen(t *testing.T) {
	w := newWorld(t, 1)
	d := toy.New(toy.Config{})
	for i := range 30 {
		cfg := core.Config{Target: 8, RoundTime: 15 * time.Minute, DropTo: 4}
		w.Add(place(i), d, cfg, place(0), place(i/2))
	}
	run(t, w, 2*time.Hour)
	for _, n := range w.Nodes() {
		if r := n.Core.State(w.Now()).Rounds; r < 7 || r > 9 {
			t.Errorf("node %s held %d rounds in two hours, want about 8", n.Addr(), r)
		}
	}
}
