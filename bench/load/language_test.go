package load

import (
	"testing"
	"time"
)

// others are the dialects of which not everything is measured.
func others(t *testing.T) []Language {
	t.Helper()
	soter, err := Soter()
	must(t, err)
	comet, err := CometBFT()
	must(t, err)
	return []Language{soter, comet}
}

func TestOtherLanguages(t *testing.T) {
	for _, l := range others(t) {
		t.Run(l.Name, func(t *testing.T) {
			for _, size := range []int{32, 1 << 10, 1 << 20} {
				o, err := NewOneWay(t.Context(), l, size)
				must(t, err)
				must(t, o.Send(t.Context(), 20))
				must(t, o.Wait())
				must(t, o.Close())
			}
			e, err := NewEcho(t.Context(), l, 32)
			must(t, err)
			must(t, e.Trips(make([]time.Duration, 20)))
			must(t, e.Close())
			c, err := NewCrowd(t.Context(), l, 10, 3)
			must(t, err)
			must(t, c.Close())
		})
	}
}

func TestSoterBroadcastsAndReceives(t *testing.T) {
	l := others(t)[0]
	f, err := NewFan(l, 3, 1<<10)
	must(t, err)
	must(t, f.Send(10))
	must(t, f.Wait())
	must(t, f.Close())
	r, err := NewFeed(l, 1<<10)
	must(t, err)
	must(t, r.Send(10))
	must(t, r.Wait())
	must(t, r.Close())
}
