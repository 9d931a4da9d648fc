package measure

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Patience is how long a tally waits without an arrival before it gives up.
const Patience = 30 * time.Second

// Tally counts arrivals and lets one goroutine wait for a number of them. Any
// goroutine may add. The zero value cannot be used; see [NewTally].
type Tally struct {
	got, want atomic.Int64
	wake      chan struct{} // capacity 1
	timer     *time.Timer   // of the goroutine that waits, so that waiting does not allocate
}

// NewTally returns a tally of nothing.
func NewTally() *Tally {
	t := &Tally{wake: make(chan struct{}, 1), timer: time.NewTimer(Patience)}
	t.timer.Stop()
	t.want.Store(math.MaxInt64)
	return t
}

// Add counts n more arrivals.
func (t *Tally) Add(n int64) {
	if t.got.Add(n) >= t.want.Load() {
		t.poke()
	}
}

// Got returns how many have arrived.
func (t *Tally) Got() int64 { return t.got.Load() }

func (t *Tally) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Wait returns once want have arrived. It is an error if nothing arrives for as
// long as [Patience], or if broken, which may be nil, is closed first.
func (t *Tally) Wait(want int64, broken <-chan struct{}) error {
	t.want.Store(want)
	defer t.want.Store(math.MaxInt64)
	t.timer.Reset(Patience)
	defer t.timer.Stop()
	for last := int64(-1); ; {
		got := t.got.Load()
		if got >= want {
			return nil
		}
		select {
		case <-t.wake:
		case <-broken:
			return fmt.Errorf("%d of %d arrived when the connection ended", t.got.Load(), want)
		case <-t.timer.C:
			if got == last {
				return fmt.Errorf("%d of %d arrived, and no more in %v", got, want, Patience)
			}
			last = got
			t.timer.Reset(Patience)
		}
	}
}
