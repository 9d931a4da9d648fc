package measure

import (
	"math"
	"slices"
	"time"
)

// Sample is what one repetition of a measurement came to, one figure for each
// metric. A figure that was not measured is NaN, and never zero.
type Sample [count]float64

// Unknown returns a sample of which nothing is known.
func Unknown() Sample {
	var s Sample
	for i := range s {
		s[i] = math.NaN()
	}
	return s
}

// Over returns how s compares with base, metric by metric: s divided by base.
// It is NaN where either is unknown or base is zero.
func (s Sample) Over(base Sample) Sample {
	r := Unknown()
	for i := range r {
		if base[i] != 0 {
			r[i] = s[i] / base[i]
		}
	}
	return r
}

// Work is how much a meter saw done.
type Work struct {
	Messages int64
	Size     int   // bytes of one body; 0 where that means nothing
	Batches  int64 // calls of a handler; 0 if not counted
}

// Of returns the figures of doing w at cost c. Without a message nothing is
// known.
func Of(w Work, c Cost) Sample {
	s := Unknown()
	if w.Messages == 0 || c.Elapsed <= 0 {
		return s
	}
	n := float64(w.Messages)
	s[Rate] = n / c.Elapsed.Seconds()
	if w.Size > 0 {
		s[Bandwidth] = s[Rate] * float64(w.Size) / 1e6
	}
	if c.CPU >= 0 {
		s[CPU] = micros(c.CPU) / n
	}
	s[Others] = c.Others
	s[Allocs] = float64(c.Allocs) / n
	s[AllocBytes] = float64(c.Bytes) / n
	if w.Batches > 0 {
		s[BatchAllocs] = float64(c.Allocs) / float64(w.Batches)
		s[Batch] = n / float64(w.Batches)
	}
	return s
}

// Trips returns the figures of round trips that took the given times, which it
// sorts.
func Trips(took []time.Duration) Sample {
	s := Unknown()
	if len(took) == 0 {
		return s
	}
	slices.Sort(took)
	s[P50] = micros(rank(took, 0.50))
	s[P99] = micros(rank(took, 0.99))
	return s
}

// rank returns the smallest value that the share p of all values does not
// exceed. The values are sorted and at least one.
func rank(sorted []time.Duration, p float64) time.Duration {
	i := int(math.Ceil(p*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
