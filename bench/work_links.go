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

// Sample implements Bench. What one link holds is what many hold less what a
// single one does, so that the node around them does not count.
func (w weight) Sample(ctx context.Context, _ time.Duration) (measure.Sample, error) {
	s := measure.Unknown()
	one, err := w.weigh(ctx, 1, 0)
	if err != nil {
		return s, err
	}
	all, err := w.weigh(ctx, 1+w.links, w.settle)
	if err != nil {
		return s, err
	}
	n := float64(w.links)
	s[measure.Memory] = (float64(all.Bytes) - float64(one.Bytes)) / n
	s[measure.Goroutines] = float64(all.Goroutines-one.Goroutines) / n
	return s, nil
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
