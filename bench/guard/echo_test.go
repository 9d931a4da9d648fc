package guard

import (
	"testing"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
)

// TestLoneMessagesHardlyAllocate has both ends of a round trip in it. The message
// that comes back is lent, and copied nowhere but to the kernel.
func TestLoneMessagesHardlyAllocate(t *testing.T) {
	const trips = 2000
	for _, l := range languages(t) {
		e, err := load.NewEcho(t.Context(), l, 32)
		if err != nil {
			t.Fatal(err)
		}
		took := make([]time.Duration, trips)
		if err := e.Trips(took); err != nil {
			t.Fatal(err)
		}
		m := measure.Start()
		if err := e.Trips(took); err != nil {
			t.Fatal(err)
		}
		each := float64(m.Cost().Allocs) / trips
		t.Logf("%s: %.4f allocations a round trip", l.Name, each)
		if each > 0.25*slack+forgotten {
			t.Errorf("%s: %.4f allocations a round trip, want next to none", l.Name, each)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
