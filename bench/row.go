// Package bench measures the engine against bare TCP in the same process and
// run, so that a figure means something on a machine of any speed. Its rows are
// what the command "parley bench" prints and what the Go benchmarks of this
// package repeat; what they ask of the engine is in package load, the baseline
// in package raw.
package bench

import (
	"context"
	"time"

	"parley/bench/measure"
)

// Row is one line of the table: some work for the engine, the same work for the
// baseline, and what to reach.
type Row struct {
	Name    string // such as "oneway/factom-11/1KiB"
	Work    string // what is done, in words; rows of one work stand together
	Dialect string // "" where there is none
	Size    int    // bytes of one body, or 0
	Unit    string // what the rate counts: "messages", "links"
	Lead    measure.Metric
	Targets []Target
	Once    bool // repeating it would bring nothing new

	// Open sets the work up. Raw does so for the baseline; it is nil if there is none.
	Open func(context.Context) (Bench, error)
	Raw  func(context.Context) (Bench, error)
}

// Bench is work that is set up and can be measured again and again, by one
// goroutine.
type Bench interface {
	// Sample does the work for about d, or once where it has an end of its own.
	Sample(ctx context.Context, d time.Duration) (measure.Sample, error)
	// Close ends whatever was set up and waits for its goroutines.
	Close() error
}

// Target is what a figure is to reach: at least Bound, or at most where lower
// is better.
type Target struct {
	Metric  measure.Metric
	OverRaw bool // the bound is for the figure divided by the baseline's
	Bound   float64
	Or      *Target // to reach this one is enough; nil if there is none
}

// Met reports whether the median reaches the target. It is nil if that is not
// known.
func (t Target) Met(got, ratio *measure.Summary) *bool {
	return t.judge(got, ratio, func(s measure.Spread) float64 { return s.Median })
}

// Clear reports whether every repetition says the same as the median does. Where
// it does not, more repetitions or a quieter machine are needed to tell. It is
// nil if nothing is known.
func (t Target) Clear(got, ratio *measure.Summary) *bool {
	least := t.judge(got, ratio, func(s measure.Spread) float64 { return s.Min })
	most := t.judge(got, ratio, func(s measure.Spread) float64 { return s.Max })
	if least == nil || most == nil {
		return nil
	}
	return new(*least == *most)
}

// judge reports whether one figure of the spread reaches the target, or the one
// that is enough.
func (t Target) judge(got, ratio *measure.Summary, figure func(measure.Spread) float64) *bool {
	s := t.in(got, ratio)
	if !s.Known() {
		return nil
	}
	if t.reached(figure(s)) || t.Or == nil {
		return new(t.reached(figure(s)))
	}
	return t.Or.judge(got, ratio, figure)
}

func (t Target) reached(v float64) bool {
	if t.Metric.LowerIsBetter() {
		return v <= t.Bound
	}
	return v >= t.Bound
}

// in returns the figure the target is about.
func (t Target) in(got, ratio *measure.Summary) measure.Spread {
	from := got
	if t.OverRaw {
		from = ratio
	}
	if from == nil {
		return measure.Spread{}
	}
	return from[t.Metric]
}
