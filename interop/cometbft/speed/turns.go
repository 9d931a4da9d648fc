package speed

import (
	"errors"
	"fmt"
	"io"
	"time"

	"parley/bench/measure"
)

// Who takes part in a row. The last two only where bodies are moved.
const (
	theirs = iota
	ours
	alone // the cipher
	least // the floor
	parties
)

// turn is one sample of each.
type turn [parties]measure.Sample

// turns lets all take turns.
func (r row) turns(reps int, each time.Duration) (all []turn, err error) {
	open := [parties]func() (Work, error){r.theirs, r.ours, nil, r.floor}
	if r.ciphers {
		open[alone] = func() (Work, error) { return cipherAlone{}, nil }
	}
	var works [parties]Work
	for i, open := range open {
		if open == nil {
			continue
		}
		if works[i], err = open(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, works[i].Close()) }()
	}
	for range reps {
		t := turn{alone: measure.Unknown(), least: measure.Unknown()}
		for i, w := range works {
			if w == nil {
				continue
			}
			if t[i], err = w.Sample(each); err != nil {
				return nil, err
			}
		}
		all = append(all, t)
	}
	return all, nil
}

const (
	head = `| | theirs | ours | ours to theirs | by processor time | cipher | share of the cipher, % | by processor time, % | target |
|---|---|---|---|---|---|---|---|---|
`
	floorHead = `
| | floor | floor to theirs | by processor time | cipher to theirs | by processor time | share of the floor, % | by processor time, % |
|---|---|---|---|---|---|---|---|
`
)

// print writes the row, and to floors how it compares with what nobody can
// leave out.
func (r row) print(w, floors io.Writer, all []turn) {
	f := r.figure
	fmt.Fprintf(w, "| %s (%s) | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, unit(f),
		text(all, func(t turn) float64 { return t[theirs][f] }),
		text(all, func(t turn) float64 { return t[ours][f] }),
		text(all, func(t turn) float64 { return t[ours][f] / t[theirs][f] }),
		text(all, func(t turn) float64 { return t[theirs][measure.CPU] / t[ours][measure.CPU] }),
		text(all, func(t turn) float64 { return t[alone][measure.Bandwidth] }),
		text(all, faster(ours, alone, 100)),
		text(all, cheaper(ours, alone, 100)),
		r.target)
	if r.floor == nil {
		return
	}
	fmt.Fprintf(floors, "| %s (MB/s) | %s | %s | %s | %s | %s | %s | %s |\n", r.name,
		text(all, func(t turn) float64 { return t[least][measure.Bandwidth] }),
		text(all, faster(least, theirs, 1)),
		text(all, cheaper(least, theirs, 1)),
		text(all, faster(alone, theirs, 1)),
		text(all, cheaper(alone, theirs, 1)),
		text(all, faster(ours, least, 100)),
		text(all, cheaper(ours, least, 100)))
}

// faster returns how many times as many bytes of bodies a moved as b, times unit.
func faster(a, b int, unit float64) func(turn) float64 {
	return func(t turn) float64 { return unit * t[a][measure.Bandwidth] / t[b][measure.Bandwidth] }
}

// cheaper returns how many times as much processor time b took for a byte as a,
// times unit.
func cheaper(a, b int, unit float64) func(turn) float64 {
	return func(t turn) float64 { return unit * perByte(t[b]) / perByte(t[a]) }
}

// perByte is the processor time that a byte of bodies took, in no unit that
// matters.
func perByte(s measure.Sample) float64 {
	return s[measure.CPU] * s[measure.Rate] / s[measure.Bandwidth]
}

func unit(m measure.Metric) string {
	switch m {
	case measure.Bandwidth:
		return "MB/s"
	case measure.P50:
		return "p50, µs"
	}
	return "deliveries/s"
}

// text is the spread of a figure over all turns, or nothing if it is not known.
func text(all []turn, figure func(turn) float64) string {
	var figures []float64
	for _, t := range all {
		figures = append(figures, figure(t))
	}
	s := measure.SpreadOf(figures)
	if !s.Known() {
		return ""
	}
	return fmt.Sprintf("%s [%s..%s]", short(s.Median), short(s.Min), short(s.Max))
}

func short(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
