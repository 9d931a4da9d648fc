package p2p

import (
	"math"
	"runtime/debug"
	"testing"
	"time"

	"parley/compat/factom/internal/reserve"
	"parley/stats"
)

// The reserve of a network follows its own traffic, and goes with it.
func TestReserveOfANetwork(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64) // as where nobody chose anything
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	n, err := NewNetwork(local(11))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	now := time.Unix(1_000_000, 0)
	for i, c := range []struct {
		in   uint64 // bytes so far
		want int
	}{{0, 0}, {1 << 30, reserve.Most}, {1<<30 + 1, 0}} {
		n.account(now.Add(time.Duration(i)*tick), &stats.Snapshot{Total: stats.Totals{InBytes: c.in}})
		if got := n.reserve.Size(); got != c.want {
			t.Errorf("after %d bytes %d are held, want %d", c.in, got, c.want)
		}
	}
}
