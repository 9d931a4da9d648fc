// Package hist counts durations in little memory, for percentiles of runs of any
// length.
package hist

import (
	"math/bits"
	"time"
)

// Hist counts durations in buckets of 1/64 of a power of two, so that a
// percentile is at most 1.6 % too high. Its zero value is empty. It is not safe
// for concurrent use.
type Hist struct {
	counts [64 * histParts]uint64
	n      uint64
	most   time.Duration
}

const (
	histBits  = 6
	histParts = 1 << histBits
)

// Add counts a duration; a negative one counts as zero.
func (h *Hist) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.n++
	h.most = max(h.most, d)
}

// Percentile returns the duration that p of a hundred do not exceed, and
// whether there are any.
func (h *Hist) Percentile(p float64) (time.Duration, bool) {
	if h.n == 0 {
		return 0, false
	}
	rank := uint64(p / 100 * float64(h.n))
	var below uint64
	for i, c := range h.counts {
		if below += c; below > rank {
			return min(time.Duration(top(i)), h.most), true
		}
	}
	return h.most, true
}

// bucket returns the number of the bucket that holds v: small values have one
// each, the others share one with those of equal length and equal first bits.
func bucket(v uint64) int {
	if v < histParts {
		return int(v)
	}
	shift := bits.Len64(v) - histBits - 1
	return (shift+1)<<histBits | int(v>>shift)&(histParts-1)
}

// top returns the largest value in bucket i.
func top(i int) uint64 {
	if i < histParts {
		return uint64(i)
	}
	shift := i>>histBits - 1
	return (uint64(histParts|i&(histParts-1))+1)<<shift - 1
}
