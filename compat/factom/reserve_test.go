package p2p

import (
	"math"
	"runtime/debug"
	"testing"
	"time"

	"parley/stats"
)

// untuned has the collector work as it does when nobody chose anything, until
// the test is over.
func untuned(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
}

// What a network holds in reserve follows what it receives, within limits.
func TestReserveFollows(t *testing.T) {
	untuned(t)
	var r reserve
	for _, c := range []struct {
		name string
		rate float64 // MiB a second
		want int     // MiB
	}{
		{"nothing comes", 0, 0},
		{"little comes", 15.9, 0},
		{"as much as makes a difference", 16, 1},
		{"it grows at once", 100, 4},
		{"it stays for half of that", 50, 4},
		{"it shrinks for a quarter", 20, 1},
		{"however much comes, it has a limit", 5000, 16},
		{"it goes when little comes", 1, 0},
		{"a rate that makes no sense", math.Inf(-1), 0},
	} {
		if r.follow(c.rate * (1 << 20)); len(r.held) != c.want<<20 {
			t.Errorf("%s: %d bytes, want %d MiB", c.name, len(r.held), c.want)
		}
	}
}

// There is no reserve where somebody chose when the collector runs.
func TestReserveYields(t *testing.T) {
	for name, choose := range map[string]func(){
		"a limit of memory": func() { debug.SetMemoryLimit(1 << 40) },
		"a larger GOGC":     func() { debug.SetGCPercent(400) },
		"no collection":     func() { debug.SetGCPercent(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			untuned(t)
			var r reserve
			if r.follow(1 << 30); len(r.held) == 0 {
				t.Fatal("nothing is held by default")
			}
			choose()
			if r.follow(1 << 30); len(r.held) != 0 {
				t.Errorf("%d bytes are held", len(r.held))
			}
		})
	}
}

// The reserve of a network follows its own traffic, and goes with it.
func TestReserveOfANetwork(t *testing.T) {
	untuned(t)
	n, err := NewNetwork(local(11))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	now := time.Unix(1_000_000, 0)
	for i, c := range []struct {
		in   uint64 // bytes so far
		want int
	}{{0, 0}, {1 << 30, reserveMost}, {1<<30 + 1, 0}} {
		n.account(now.Add(time.Duration(i)*tick), &stats.Snapshot{Total: stats.Totals{InBytes: c.in}})
		if got := len(n.reserve.held); got != c.want {
			t.Errorf("after %d bytes %d are held, want %d", c.in, got, c.want)
		}
	}
}
