package measure

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// Spread is what several repetitions of one figure amount to. The median is
// the result; the extremes say how far to believe it. All three are NaN if the
// figure is unknown.
type Spread struct {
	Median, Min, Max float64
	N                int // repetitions in which it was known
}

// Known reports whether there was anything to spread.
func (s Spread) Known() bool { return s.N > 0 }

// MarshalJSON writes an unknown spread as null.
func (s Spread) MarshalJSON() ([]byte, error) {
	if !s.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Median float64 `json:"median"`
		Min    float64 `json:"min"`
		Max    float64 `json:"max"`
		N      int     `json:"n"`
	}{s.Median, s.Min, s.Max, s.N})
}

// SpreadOf returns the spread of the figures that are known.
func SpreadOf(figures []float64) Spread {
	known := slices.DeleteFunc(slices.Clone(figures), unknown)
	if len(known) == 0 {
		return Spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	slices.Sort(known)
	n := len(known)
	return Spread{
		Median: (known[(n-1)/2] + known[n/2]) / 2,
		Min:    known[0],
		Max:    known[n-1],
		N:      n,
	}
}

func unknown(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// Summary is the spread of every metric over the repetitions of a measurement.
type Summary [count]Spread

// Summarize folds repetitions into one summary.
func Summarize(reps []Sample) Summary {
	var s Summary
	figures := make([]float64, len(reps))
	for m := range s {
		for i := range reps {
			figures[i] = reps[i][m]
		}
		s[m] = SpreadOf(figures)
	}
	return s
}

// MarshalJSON writes an object with every metric by its key, null where it is
// unknown.
func (s Summary) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for m, spread := range s {
		if m > 0 {
			b.WriteByte(',')
		}
		v, err := spread.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(Metric(m).String()) + ":")
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
