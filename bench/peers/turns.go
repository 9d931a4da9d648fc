package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"parley/bench/measure"
)

// row is what one contender came to.
type row struct {
	Work      string         `json:"work"`
	Size      int            `json:"size"`
	Name      string         `json:"name"`
	Module    string         `json:"module"`
	Version   string         `json:"version"`
	Sealed    bool           `json:"sealed"`
	Slow      string         `json:"slow_receiver"`
	PerSecond measure.Spread `json:"per_second"` // messages that arrived, at all receivers together
	ToRaw     measure.Spread `json:"ratio_to_raw"`
	ToOurs    measure.Spread `json:"ratio_to_ours"`
	Error     *string        `json:"error"`
}

// entry is a contender at work.
type entry struct {
	contender
	pipe  pipe
	rates []float64 // a figure for each turn, NaN once it has failed
	err   error
}

// measure takes turns: bare TCP first, and then each contender for about d. What
// fails has no more turns and does not stop the others; the error joins all that
// failed.
func (w work) measure(ctx context.Context, d time.Duration, turns int) ([]row, error) {
	entries := []*entry{{contender: contender{name: "bare TCP", open: w.base}}}
	for _, c := range w.all {
		entries = append(entries, &entry{contender: c})
	}
	for _, e := range entries {
		e.pipe, e.err = e.open(w.size)
		if e.err != nil {
			continue
		}
		defer e.pipe.Close()
		e.err = first(ctx, e.pipe)
	}
	for range turns {
		for _, e := range entries {
			e.turn(ctx, d, w.receivers())
		}
	}
	var errs []error
	for _, e := range entries {
		if e.err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", w.name, e.name, e.err))
		}
	}
	return w.rows(entries), errors.Join(errs...)
}

// first sends one message, since some open only with that, and some do not wait
// long for it.
func first(ctx context.Context, p pipe) error {
	if err := p.Send(ctx, 1); err != nil {
		return err
	}
	return p.Wait()
}

func (e *entry) turn(ctx context.Context, d time.Duration, receivers int) {
	rate := math.NaN()
	if e.err == nil {
		rate, e.err = perSecond(ctx, e.pipe, d)
	}
	e.rates = append(e.rates, rate*float64(receivers))
}

// perSecond sends for about d, in ever larger batches until one takes a tenth of
// it, and returns how many messages a second every receiver counted.
func perSecond(ctx context.Context, p pipe, d time.Duration) (float64, error) {
	begin, total := time.Now(), 0
	for n := 16; ; {
		before := time.Now()
		if err := p.Send(ctx, n); err != nil {
			return math.NaN(), err
		}
		total += n
		if l, ok := p.(*line); time.Since(begin) >= d || ok && l.most > 0 && total >= l.most {
			break
		}
		if time.Since(before) < d/10 {
			n *= 2
		}
	}
	if err := p.Wait(); err != nil {
		return math.NaN(), err
	}
	return float64(total) / time.Since(begin).Seconds(), nil
}

func (w work) receivers() int {
	if w.fan {
		return fanPeers
	}
	return 1
}

// rows compares: with bare TCP, and with ours of the same kind.
func (w work) rows(entries []*entry) []row {
	var reference [2]*entry // plain and sealed
	for _, e := range entries {
		if e.ours {
			reference[kind(e.sealed)] = e
		}
	}
	var all []row
	for _, e := range entries[1:] {
		r := row{Work: w.name, Size: w.size, Name: e.name, Module: e.module, Version: version(e.module),
			Sealed: e.sealed, Slow: e.slow, PerSecond: measure.SpreadOf(e.rates),
			ToRaw: over(e.rates, entries[0].rates), ToOurs: over(e.rates, reference[kind(e.sealed)].rates)}
		if e.err != nil {
			r.Error = new(e.err.Error())
		}
		all = append(all, r)
	}
	return all
}

func kind(sealed bool) int {
	if sealed {
		return 1
	}
	return 0
}

// over divides turn by turn.
func over(rates, base []float64) measure.Spread {
	ratios := make([]float64, len(rates))
	for i := range rates {
		ratios[i] = rates[i] / base[i]
	}
	return measure.SpreadOf(ratios)
}
