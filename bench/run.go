package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/bench/measure"
)

// Limits of Settings.
const (
	MaxTime = 10 * time.Minute
	MaxReps = 100
)

// Settings say how long to measure.
type Settings struct {
	// Time is for one row and, once more, for its baseline; the repetitions
	// share it. From 1 ms to [MaxTime].
	Time time.Duration
	// Reps is how often engine and baseline are measured in turn, so that what
	// else the machine does hits both. From 1 to [MaxReps].
	Reps int
}

// Check names the setting that is out of its limits.
func (s Settings) Check() error {
	if s.Time < time.Millisecond || s.Time > MaxTime {
		return fmt.Errorf("time: %v, want 1ms to %v", s.Time, MaxTime)
	}
	if s.Reps < 1 || s.Reps > MaxReps {
		return fmt.Errorf("reps: %d, want 1 to %d", s.Reps, MaxReps)
	}
	return nil
}

// Result is what a row came to. Summaries are nil where nothing was measured.
type Result struct {
	Row   Row
	Got   *measure.Summary
	Raw   *measure.Summary
	Ratio *measure.Summary // engine over baseline, of the same repetition
	Err   error            // why there is nothing, or nil
}

// Run measures rows one after the other and calls done, if it is not nil, after
// each. A row that fails does not stop the others; the error joins all that
// failed. Once ctx is done no more is measured.
func Run(ctx context.Context, rows []Row, s Settings, done func(Result)) ([]Result, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var results []Result
	var errs []error
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return results, errors.Join(append(errs, err)...)
		}
		r := Result{Row: row}
		r.Err = r.measure(ctx, s)
		if r.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", row.Name, r.Err))
		}
		results = append(results, r)
		if done != nil {
			done(r)
		}
	}
	return results, errors.Join(errs...)
}

// measure sets both sides up and takes turns.
func (r *Result) measure(ctx context.Context, s Settings) (err error) {
	var base Bench
	if r.Row.Raw != nil {
		if base, err = r.Row.Raw(ctx); err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		defer func() { err = errors.Join(err, base.Close()) }()
	}
	work, err := r.Row.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	return r.turns(ctx, s, base, work)
}

func (r *Result) turns(ctx context.Context, s Settings, base, work Bench) error {
	var raws, gots, ratios []measure.Sample
	reps := s.Reps
	if r.Row.Once {
		reps = 1
	}
	each := s.Time / time.Duration(reps)
	for range reps {
		raw := measure.Unknown()
		if base != nil {
			var err error
			if raw, err = base.Sample(ctx, each); err != nil {
				return fmt.Errorf("baseline: %w", err)
			}
			raws = append(raws, raw)
		}
		got, err := work.Sample(ctx, each)
		if err != nil {
			return err
		}
		gots, ratios = append(gots, got), append(ratios, got.Over(raw))
	}
	r.Got = new(measure.Summarize(gots))
	if base != nil {
		r.Raw, r.Ratio = new(measure.Summarize(raws)), new(measure.Summarize(ratios))
	}
	return nil
}
