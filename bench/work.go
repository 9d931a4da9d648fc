package bench

import (
	"context"
	"time"

	"parley/bench/measure"
)

// warmUp is the share of a sample that is done before it without being timed.
const warmUp = 10

// flow is work in messages, of which any number can be asked for. Send may
// return before they have arrived; Wait does not.
type flow struct {
	send    func(context.Context, int) error
	wait    func() error
	batches func() int64 // calls of the handler so far; nil if nobody counts
	close   func() error
	size    int // bytes of one body
	lump    int // messages to ask for between two looks at the clock
	each    int // arrivals that one message makes
}

// Sample implements Bench.
func (f *flow) Sample(ctx context.Context, d time.Duration) (measure.Sample, error) {
	if _, err := f.run(ctx, d/warmUp); err != nil {
		return measure.Unknown(), err
	}
	before := f.count()
	m := measure.Start()
	n, err := f.run(ctx, d)
	if err != nil {
		return measure.Unknown(), err
	}
	cost := m.Cost()
	return measure.Of(measure.Work{Messages: n * int64(f.each), Size: f.size, Batches: f.count() - before}, cost), nil
}

// run sends for d and waits for the last arrival. It returns how many were sent.
func (f *flow) run(ctx context.Context, d time.Duration) (n int64, err error) {
	for begin := time.Now(); n == 0 || time.Since(begin) < d; n += int64(f.lump) {
		if err := f.send(ctx, f.lump); err != nil {
			return n, err
		}
	}
	return n, f.wait()
}

func (f *flow) count() int64 {
	if f.batches == nil {
		return 0
	}
	return f.batches()
}

// Close implements Bench.
func (f *flow) Close() error { return f.close() }

// echo is work in round trips, one at a time.
type echo struct {
	trips func(took []time.Duration) error
	close func() error
}

// Sample implements Bench.
func (e *echo) Sample(ctx context.Context, d time.Duration) (measure.Sample, error) {
	const lump = 250
	if _, err := e.run(ctx, d/warmUp, lump); err != nil {
		return measure.Unknown(), err
	}
	m := measure.Start()
	took, err := e.run(ctx, d, lump)
	if err != nil {
		return measure.Unknown(), err
	}
	s := measure.Of(measure.Work{Messages: int64(len(took))}, m.Cost())
	trips := measure.Trips(took)
	s[measure.P50], s[measure.P99] = trips[measure.P50], trips[measure.P99]
	return s, nil
}

func (e *echo) run(ctx context.Context, d time.Duration, lump int) ([]time.Duration, error) {
	var took []time.Duration
	for begin := time.Now(); len(took) == 0 || time.Since(begin) < d; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := len(took)
		took = append(took, make([]time.Duration, lump)...)
		if err := e.trips(took[at:]); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// Close implements Bench.
func (e *echo) Close() error { return e.close() }
