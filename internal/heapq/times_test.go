package heapq

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type alarm struct {
	at  time.Time
	tie uint64
	pos int
}

// TestTimesAgainstSort puts, moves and removes at random, with many equal times,
// and compares the first element with that of a sorted slice after every step.
func TestTimesAgainstSort(t *testing.T) {
	start := time.Unix(1e9, 0)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		q := NewTimes(func(a *alarm) *int { return &a.pos })
		var in []*alarm
		put := func(a *alarm) {
			a.at = start.Add(time.Duration(r.IntN(20)))
			q.Put(a, a.at, a.tie)
		}
		for step := range 500 {
			switch k := r.IntN(4); {
			case k < 2 || len(in) == 0:
				in = append(in, &alarm{tie: uint64(step)})
				put(in[len(in)-1])
			case k == 2:
				put(in[r.IntN(len(in))])
			default:
				i := r.IntN(len(in))
				q.Remove(in[i])
				q.Remove(in[i]) // it is out already
				if in[i].pos != 0 {
					t.Fatalf("seed %d: an element that is out thinks it is at %d", seed, in[i].pos)
				}
				in = slices.Delete(in, i, i+1)
			}
			checkTimes(t, seed, &q, in)
		}
	}
}

func checkTimes(t *testing.T, seed uint64, q *Times[*alarm], in []*alarm) {
	t.Helper()
	first, at, ok := q.First()
	if ok != (len(in) > 0) || q.Len() != len(in) {
		t.Fatalf("seed %d: queue holds %d, want %d", seed, q.Len(), len(in))
	}
	if !ok {
		return
	}
	least := slices.MinFunc(in, func(a, b *alarm) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(a.tie) - int(b.tie)
	})
	if first != least || !at.Equal(least.at) {
		t.Fatalf("seed %d: first is %v, number %d; want %v, number %d", seed, at, first.tie, least.at, least.tie)
	}
	for i, e := range q.heap {
		if e.x.pos != i+1 || !e.at.Equal(e.x.at) {
			t.Fatalf("seed %d: element at %d thinks it is at %d", seed, i, e.x.pos-1)
		}
	}
}
