package sim

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"parley/core"
	"parley/dialect/toy"
	"parley/route"
)

// regular makes a world of nodes that dial nobody, each with eight links: four
// rings through all of them in random order.
func regular(b testing.TB, seed uint64, mode Mode, count int) *World {
	w := NewWorld(seed)
	b.Cleanup(w.Close)
	w.Mode = mode
	d := toy.New(toy.Config{Ping: time.Hour})
	for i := range count {
		w.Add(place(i), d, core.Config{Outbound: -1})
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 4 {
		ring := r.Perm(count)
		for i, k := range ring {
			if _, err := w.Connect(w.nodes[k], w.nodes[ring[(i+1)%count]]); err != nil {
				b.Fatal(err)
			}
			if i%1000 == 999 || i == count-1 { // lets coroutines end before more begin
				if err := w.Run(2 * time.Second); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	return w
}

// BenchmarkFlood passes messages of 250 bytes on in a fixed random graph in
// which each node has eight links. The largest takes half a minute to set up
// and is left out of short runs.
func BenchmarkFlood(b *testing.B) {
	for _, c := range []struct {
		name  string
		mode  Mode
		count int
	}{
		{"messages", Messages, 1_000},
		{"messages", Messages, 10_000},
		{"messages", Messages, 100_000},
		{"wire", WholeWire, 1_000},
		{"wire", WholeWire, 10_000},
	} {
		if c.count > 10_000 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprintf("%s/%d", c.name, c.count), func(b *testing.B) { flood(b, c.mode, c.count) })
	}
}

func flood(b *testing.B, mode Mode, count int) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := regular(b, 1, mode, count)
	runtime.GC()
	runtime.ReadMemStats(&after)
	f := NewFlood(w, route.All())
	from := 0
	f.Start(w.nodes[0], toy.App, 250) // what is learned of types is not measured
	if err := w.Run(10 * time.Second); err != nil {
		b.Fatal(err)
	}
	steps := w.Steps()
	for b.Loop() {
		from = (from + 7919) % count
		s := f.Start(w.nodes[from], toy.App, 250)
		if err := w.Run(2 * time.Second); err != nil {
			b.Fatal(err)
		}
		if s.Reached < count*999/1000 {
			b.Fatalf("reached %d of %d nodes", s.Reached, count)
		}
	}
	b.ReportMetric(float64(w.Steps()-steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(count), "B/node")
}

// BenchmarkWorld starts a thousand nodes that know two addresses each, lets
// them open links and find each other for a virtual minute, and gossips.
func BenchmarkWorld(b *testing.B) {
	var steps uint64
	for b.Loop() {
		w := NewWorld(5)
		ns := discover(w, 1000)
		if err := w.Run(time.Minute); err != nil {
			b.Fatal(err)
		}
		f := NewFlood(w, route.All())
		for i := range 20 {
			s := f.Start(ns[i*13], toy.App, 250)
			if err := w.Run(time.Second); err != nil {
				b.Fatal(err)
			}
			if s.Reached != len(ns) {
				b.Fatalf("reached %d of %d nodes", s.Reached, len(ns))
			}
		}
		steps += w.Steps()
		w.Close()
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
}
