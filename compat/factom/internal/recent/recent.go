// Package recent remembers what happened lately, within limits of time and
// memory.
package recent

import (
	"sync"
	"time"
)

// MaxBucket is how many hashes one bucket of a filter holds. When it is full
// the oldest bucket makes room for a new one before its time.
const MaxBucket = 1 << 14

// Buckets remembers keys for a time: the newest bucket is filled for an
// interval, and the oldest forgotten when another begins. It has one owner.
type Buckets[K comparable] struct {
	interval time.Duration
	limit    int // of keys in a bucket
	started  time.Time
	all      []map[K]struct{} // newest first; nil while empty
}

// NewBuckets returns n buckets, at least 1, that are filled for a positive
// interval each.
func NewBuckets[K comparable](n int, interval time.Duration) Buckets[K] {
	return Buckets[K]{interval: interval, limit: MaxBucket, all: make([]map[K]struct{}, max(n, 1))}
}

// turn forgets what is over age.
func (b *Buckets[K]) turn(now time.Time) {
	if b.started.IsZero() {
		b.started = now
	}
	steps := int(min(now.Sub(b.started)/b.interval, time.Duration(len(b.all))))
	for range steps {
		b.shift()
	}
	if steps > 0 {
		b.started = now.Add(-(now.Sub(b.started) % b.interval))
	}
}

func (b *Buckets[K]) shift() {
	copy(b.all[1:], b.all)
	b.all[0] = nil
}

// Add remembers a key.
func (b *Buckets[K]) Add(now time.Time, k K) {
	b.turn(now)
	if len(b.all[0]) >= b.limit {
		b.shift()
		b.started = now
	}
	if b.all[0] == nil {
		b.all[0] = map[K]struct{}{}
	}
	b.all[0][k] = struct{}{}
}

// Has reports whether a key is remembered.
func (b *Buckets[K]) Has(now time.Time, k K) bool {
	b.turn(now)
	for _, m := range b.all {
		if _, ok := m[k]; ok {
			return true
		}
	}
	return false
}

// Len returns how many keys are remembered.
func (b *Buckets[K]) Len() (n int) {
	for _, m := range b.all {
		n += len(m)
	}
	return n
}

// Clear forgets everything.
func (b *Buckets[K]) Clear() { clear(b.all) }

// MaxHistory is how many addresses are remembered for limits of rate.
const MaxHistory = 1 << 14

// History remembers when things last happened, for a time. It is bounded: when
// it is full of what is still young, the rest goes too. Its methods may be called
// from any goroutine.
type History[K comparable] struct {
	mu   sync.Mutex
	keep time.Duration
	last map[K]time.Time
}

// NewHistory returns a history that remembers for a time; not at all if that is
// not positive.
func NewHistory[K comparable](keep time.Duration) *History[K] {
	return &History[K]{keep: keep, last: map[K]time.Time{}}
}

// Young reports whether k happened within the time.
func (h *History[K]) Young(now time.Time, k K) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.last[k]
	return ok && now.Sub(at) < h.keep
}

// Claim notes that k happens now, unless it did within the time.
func (h *History[K]) Claim(now time.Time, k K) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, ok := h.last[k]; ok && now.Sub(at) < h.keep {
		return false
	}
	if h.keep <= 0 {
		return true
	}
	if len(h.last) >= MaxHistory {
		for k, at := range h.last {
			if now.Sub(at) >= h.keep {
				delete(h.last, k)
			}
		}
	}
	if len(h.last) >= MaxHistory {
		clear(h.last)
	}
	h.last[k] = now
	return true
}
