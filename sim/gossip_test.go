package sim

import (
	"fmt"
	"testing"
	"time"

	"parley/route"
)

func TestGossipReachesAll(t *testing.T) {
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			ns := discover(w, 200)
			run(t, w, 2*time.Minute)
			g := w.Graph()
			if !g.Connected() {
				t.Errorf("network is in %d parts, want 1", len(g.Components()))
			}
			if d := g.Degrees(); d.Min < 6 {
				t.Errorf("a node has %d links, want 6 or more", d.Min)
			}
			wantReached(t, NewFlood(w, route.All()), ns[7], len(ns), 5*time.Second)
		})
	}
}
