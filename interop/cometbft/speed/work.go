// Package speed measures links of ours against connections of CometBFT and against
// the cipher that both are bound by, all in one process and in turns, so that
// whatever else the machine does hits all of them.
package speed

import (
	"context"
	"errors"
	"time"

	"parley/bench/measure"
)

// Work is something that can be measured again and again, by one goroutine.
type Work interface {
	// Sample does the work for about d.
	Sample(d time.Duration) (measure.Sample, error)
	// Close ends whatever was set up and waits for its goroutines.
	Close() error
}

// flow is work in messages, of which any number can be asked for.
type flow struct {
	send  func() error // one message, which need not have arrived when it returns
	got   *measure.Tally
	end   <-chan struct{} // closed if no more will arrive; may be nil
	close func() error
	size  int
	each  int // arrivals that one message makes
	lump  int // messages between two looks at the clock
	sent  int64
}

// newFlow returns work for messages of so many bytes.
func newFlow(size, each int) *flow {
	return &flow{got: measure.NewTally(), size: size, each: each, lump: max(1, 64<<10/size)}
}

// Sample implements Work.
func (f *flow) Sample(d time.Duration) (measure.Sample, error) {
	if _, err := f.run(d / 10); err != nil {
		return measure.Unknown(), err
	}
	m := measure.Start()
	n, err := f.run(d)
	if err != nil {
		return measure.Unknown(), err
	}
	return measure.Of(measure.Work{Messages: n * int64(f.each), Size: f.size}, m.Cost()), nil
}

func (f *flow) run(d time.Duration) (n int64, err error) {
	for begin := time.Now(); n == 0 || time.Since(begin) < d; {
		for range f.lump {
			if err := f.send(); err != nil {
				return n, err
			}
		}
		n += int64(f.lump)
		f.sent += int64(f.lump)
	}
	return n, f.got.Wait(f.sent*int64(f.each), f.end)
}

// Close implements Work.
func (f *flow) Close() error { return f.close() }

// echo is work in round trips, one at a time.
type echo struct {
	send  func() error
	back  chan struct{} // capacity 1
	close func() error
}

var errSilent = errors.New("nothing comes back")

// Sample implements Work.
func (e *echo) Sample(d time.Duration) (measure.Sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), measure.Patience)
	defer cancel()
	var took []time.Duration
	m := measure.Start()
	for begin := time.Now(); len(took) < 5 || time.Since(begin) < d; {
		start := time.Now()
		if err := e.send(); err != nil {
			return measure.Unknown(), err
		}
		select {
		case <-e.back:
		case <-ctx.Done():
			return measure.Unknown(), errSilent
		}
		took = append(took, time.Since(start))
	}
	s := measure.Of(measure.Work{Messages: int64(len(took))}, m.Cost())
	trips := measure.Trips(took)
	s[measure.P50], s[measure.P99] = trips[measure.P50], trips[measure.P99]
	return s, nil
}

// Close implements Work.
func (e *echo) Close() error { return e.close() }

// body returns size bytes that are neither equal nor random.
func body(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 131 >> 3)
	}
	b[0] = 1
	return b
}
