package reserve

import (
	"math"
	"runtime/debug"
	"testing"
)

// untuned has the collector work as it does when nobody chose anything, until
// the test is over.
func untuned(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
}

// What is held follows what arrives, within limits.
func TestFollow(t *testing.T) {
	untuned(t)
	var m Memory
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
		if m.Follow(c.rate * (1 << 20)); m.Size() != c.want<<20 {
			t.Errorf("%s: %d bytes, want %d MiB", c.name, m.Size(), c.want)
		}
	}
}

// Nothing is held where somebody chose when the collector runs.
func TestYield(t *testing.T) {
	for name, choose := range map[string]func(){
		"a limit of memory": func() { debug.SetMemoryLimit(1 << 40) },
		"a larger GOGC":     func() { debug.SetGCPercent(400) },
		"no collection":     func() { debug.SetGCPercent(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			untuned(t)
			var m Memory
			if m.Follow(1 << 30); m.Size() == 0 {
				t.Fatal("nothing is held by default")
			}
			choose()
			if m.Follow(1 << 30); m.Size() != 0 {
				t.Errorf("%d bytes are held", m.Size())
			}
		})
	}
}
