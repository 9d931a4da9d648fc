package bench

import (
	"context"
	"errors"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
)

// paced is traffic at a steady rate, of which the cost of receiving is measured.
type paced struct {
	run   func(context.Context, time.Duration) (n int64, took, cpu time.Duration, err error)
	rate  float64 // messages a second, that the share of a core is for
	close func() error
}

// Sample implements Bench. What the thread costs that sends is taken off. The
// share of a core is for the whole rate, also where a busy machine did not reach it.
func (p paced) Sample(ctx context.Context, d time.Duration) (measure.Sample, error) {
	if _, _, _, err := p.run(ctx, d/warmUp); err != nil {
		return measure.Unknown(), err
	}
	m := measure.Start()
	n, _, sender, err := p.run(ctx, d)
	if err != nil {
		return measure.Unknown(), err
	}
	cost := m.Cost()
	s := measure.Of(measure.Work{Messages: n}, cost)
	if cost.CPU >= 0 && sender >= 0 {
		each := (cost.CPU - sender).Seconds() / float64(n)
		s[measure.Core], s[measure.CPU] = 100*each*p.rate, each*1e6
	}
	return s, nil
}

// Close implements Bench.
func (p paced) Close() error { return p.close() }

// calm is links on which nothing happens but pings.
type calm struct {
	*load.Quiet
	settle, rest time.Duration
}

var errNoPings = errors.New("not every link was pinged")

// Sample implements Bench. How long it takes is up to the pings.
func (c calm) Sample(ctx context.Context, _ time.Duration) (measure.Sample, error) {
	if _, _, err := c.Rest(ctx, c.settle); err != nil {
		return measure.Unknown(), err
	}
	m := measure.Start()
	pings, late, err := c.Rest(ctx, c.rest)
	if err != nil {
		return measure.Unknown(), err
	}
	cost := m.Cost()
	if pings < calmLinks {
		return measure.Unknown(), errNoPings
	}
	s := measure.Of(measure.Work{Messages: pings}, cost)
	if cost.CPU >= 0 {
		s[measure.Core] = 100 * cost.CPU.Seconds() / cost.Elapsed.Seconds()
	}
	s[measure.Late] = late.Seconds() * 1e3
	return s, nil
}

// sealing is work without a connection.
type sealing struct {
	do   func(n int)
	size int
	lump int
}

// Sample implements Bench.
func (s sealing) Sample(_ context.Context, d time.Duration) (measure.Sample, error) {
	m := measure.Start()
	n := int64(0)
	for begin := time.Now(); n == 0 || time.Since(begin) < d; n += int64(s.lump) {
		s.do(s.lump)
	}
	return measure.Of(measure.Work{Messages: n, Size: s.size}, m.Cost()), nil
}

// Close implements Bench. Nothing is open.
func (sealing) Close() error { return nil }
