package speed

import (
	"fmt"
	"io"
	"time"

	"parley/bench/measure"
)

// settle is how long links are left alone before they are weighed: until what
// opening them needed is given back and pings have been sent.
const settle = 25 * time.Second

// record is about what the runtime holds for a goroutine beside its stack. It
// keeps those of goroutines that have ended, so they are made before anything is
// weighed and added at this size.
const record = 512

// idle weighs what one end of a link holds that does nothing: what many hold less
// what one does.
func idle(w io.Writer, links int) error {
	fmt.Fprintf(w, "\n| idle link, one end, %d of them | theirs | ours | target |\n|---|---|---|---|\n", links)
	var held [2]measure.Held
	for i, open := range []func(int) (func() error, error){theirCrowd, ourCrowd} {
		if _, err := weigh(open, 1+links, 0); err != nil {
			return err
		}
		one, err := weigh(open, 1, 0)
		if err != nil {
			return err
		}
		if held[i], err = weigh(open, 1+links, settle); err != nil {
			return err
		}
		held[i] = held[i].Sub(one)
	}
	n := float64(links)
	weight := func(h measure.Held) float64 { return float64(h.Bytes)/n + record*float64(h.Goroutines)/n }
	fmt.Fprintf(w, "| bytes | %.0f | %.0f | ≤ 24576 |\n", weight(held[0]), weight(held[1]))
	fmt.Fprintf(w, "| goroutines | %.1f | %.1f | ≤ 2 |\n", float64(held[0].Goroutines)/n, float64(held[1].Goroutines)/n)
	return nil
}

func weigh(open func(int) (func() error, error), links int, settle time.Duration) (measure.Held, error) {
	before := measure.Hold()
	closeAll, err := open(links)
	if err != nil {
		return measure.Held{}, err
	}
	<-time.After(settle)
	after := measure.Hold()
	return after.Sub(before), closeAll()
}
