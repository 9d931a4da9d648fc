package bench

import (
	"context"
	"errors"
	"io"
	"time"

	"parley/bench/measure"
)

// opener opens links that stay until they are closed together.
type opener func(ctx context.Context, links int) (io.Closer, error)

// rush is work that begins and ends with each sample: links are opened as fast
// as can be, and closed.
type rush struct {
	links int
	open  opener
}

// Sample implements Bench. How long it takes is up to the links.
func (r rush) Sample(ctx context.Context, _ time.Duration) (measure.Sample, error) {
	m := measure.Start()
	held, err := r.open(ctx, r.links)
	if err != nil {
		return measure.Unknown(), err
	}
	s := measure.Of(measure.Work{Messages: int64(r.links)}, m.Cost())
	return s, held.Close()
}

// Close implements Bench. Nothing outlives a sample.
func (rush) Close() error { return nil }

// weight is what open links hold.
type weight struct {
	links int
	open  opener
	// settle is how long they stay idle before they are weighed: until what
	// opening needed is given back and the dialect has pinged.
	settle time.Duration
}

// goroutineRecord is about what the runtime of Go 1.26 holds for a goroutine
// beside its stack. It keeps the records of goroutines that have ended, for new
// ones, so a weight with them would depend on what ran before. They are made
// before anything is weighed and added at this size.
const goroutineRecord = 512

// Sample implements Bench. What one link holds is what many hold less what a
// single one does, so that the node around them does not count.
func (w weight) Sample(ctx context.Context, _ time.Duration) (measure.Sample, error) {
	s := measure.Unknown()
	held, err := w.all(ctx)
	if err != nil {
		return s, err
	}
	n := float64(w.links)
	s[measure.Goroutines] = float64(held.Goroutines) / n
	s[measure.Memory] = float64(held.Bytes)/n + goroutineRecord*s[measure.Goroutines]
	return s, nil
}

// all returns what the links hold together, but for the records of goroutines.
func (w weight) all(ctx context.Context) (measure.Held, error) {
	if _, err := w.weigh(ctx, 1+w.links, 0); err != nil { // makes the records
		return measure.Held{}, err
	}
	one, err := w.weigh(ctx, 1, 0)
	if err != nil {
		return measure.Held{}, err
	}
	all, err := w.weigh(ctx, 1+w.links, w.settle)
	return all.Sub(one), err
}

// weigh returns what the process holds besides what it held before.
func (w weight) weigh(ctx context.Context, links int, settle time.Duration) (measure.Held, error) {
	before := measure.Hold()
	held, err := w.open(ctx, links)
	if err != nil {
		return measure.Held{}, err
	}
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return measure.Held{}, errors.Join(ctx.Err(), held.Close())
	}
	after := measure.Hold()
	return after.Sub(before), held.Close()
}

// Close implements Bench. Nothing outlives a sample.
func (weight) Close() error { return nil }
