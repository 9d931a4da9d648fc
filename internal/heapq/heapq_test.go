package heapq

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type item struct {
	key, pos int
}

func newQueue() Queue[*item] {
	return New(func(a, b *item) bool { return a.key < b.key }, func(x *item) *int { return &x.pos })
}

func TestEmpty(t *testing.T) {
	q := newQueue()
	if _, ok := q.First(); ok || q.Len() != 0 {
		t.Error("an empty queue has a first element")
	}
	x := &item{key: 1}
	q.Remove(x)
	q.Put(x)
	q.Remove(x)
	if q.Len() != 0 || x.pos != 0 {
		t.Errorf("after removal the queue holds %d and the element thinks it is at %d", q.Len(), x.pos)
	}
}

// TestAgainstSort puts, moves and removes at random and compares the first
// element with that of a sorted slice after every step.
func TestAgainstSort(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		q := newQueue()
		var in []*item
		for range 500 {
			switch k := r.IntN(4); {
			case k < 2 || len(in) == 0:
				x := &item{key: r.IntN(1000)}
				in = append(in, x)
				q.Put(x)
			case k == 2:
				x := in[r.IntN(len(in))]
				x.key = r.IntN(1000)
				q.Put(x)
			default:
				i := r.IntN(len(in))
				q.Remove(in[i])
				in = slices.Delete(in, i, i+1)
			}
			check(t, seed, &q, in)
		}
	}
}

func check(t *testing.T, seed uint64, q *Queue[*item], in []*item) {
	t.Helper()
	first, ok := q.First()
	if ok != (len(in) > 0) || q.Len() != len(in) {
		t.Fatalf("seed %d: queue holds %d, want %d", seed, q.Len(), len(in))
	}
	if !ok {
		return
	}
	least := slices.MinFunc(in, func(a, b *item) int { return a.key - b.key })
	if first.key != least.key {
		t.Fatalf("seed %d: first is %d, want %d", seed, first.key, least.key)
	}
	for i, x := range q.heap {
		if x.pos != i+1 {
			t.Fatalf("seed %d: element at %d thinks it is at %d", seed, i, x.pos-1)
		}
	}
}

func BenchmarkMove(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	q := newQueue()
	in := make([]item, 10_000)
	for i := range in {
		in[i].key = r.IntN(1 << 30)
		q.Put(&in[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		x := &in[r.IntN(len(in))]
		x.key = r.IntN(1 << 30)
		q.Put(x)
	}
}
