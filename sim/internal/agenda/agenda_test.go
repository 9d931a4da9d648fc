package agenda

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueueAgainstSort pushes and pops at random, near and far, and compares
// with a sorted slice.
func TestQueueAgainstSort(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		var q Queue
		var want []Event
		now := int64(0)
		for range 20_000 {
			if r.IntN(2) == 0 {
				span := []int64{1, 1 << 10, 1 << slotBits, slots << slotBits, slots << (slotBits + 4)}[r.IntN(5)]
				at, arg := now+r.Int64N(span), uint8(r.IntN(256))
				q.Push(at, 7, arg, 5, 6)
				e := Event{at, q.seq<<ordShift | uint64(7)<<8 | uint64(arg), 5, 6}
				i, _ := slices.BinarySearchFunc(want, e, order)
				want = slices.Insert(want, i, e)
				continue
			}
			end := now + []int64{0, 1 << 12, 1 << slotBits, slots << slotBits, slots << (slotBits + 5)}[r.IntN(5)]
			e, ok := q.Pop(end)
			switch {
			case !ok && len(want) > 0 && want[0].At <= end:
				t.Fatalf("seed %d: nothing until %d, want the event at %d", seed, end, want[0].At)
			case !ok:
				now = end
			case len(want) == 0 || e != want[0]:
				t.Fatalf("seed %d: got %+v, want the first of %d", seed, e, len(want))
			default:
				now, want = e.At, want[1:]
			}
			if n := q.len(); n != len(want) {
				t.Fatalf("seed %d: %d events are queued, want %d", seed, n, len(want))
			}
		}
	}
}

// len returns how many events are queued.
func (q *Queue) len() int {
	n := len(q.near) - q.next + len(q.late) + len(q.far)
	for _, g := range q.bags.bag {
		for i := g.first; i != 0; i = q.bags.chunks[i].next {
			n += int(q.bags.chunks[i].n)
		}
	}
	return n
}

// TestCrowdedSlot puts thousands of events into one slot, spread evenly and
// crowded into a few nanoseconds of it.
func TestCrowdedSlot(t *testing.T) {
	const late = 1 << 62
	for _, span := range []int64{1 << slotBits, 1 << partShift, 5, 1} {
		r := rand.New(rand.NewPCG(uint64(span), 0))
		var q Queue
		for range 5000 {
			q.Push(3<<slotBits+r.Int64N(span), 7, 0, 5, 6)
		}
		last, _ := q.Pop(late)
		for range 4999 {
			e, ok := q.Pop(late)
			if !ok || !last.before(&e) {
				t.Fatalf("span %d: %+v, %v came after %+v", span, e, ok, last)
			}
			last = e
		}
		if n := q.len(); n != 0 {
			t.Errorf("span %d: %d events are left", span, n)
		}
	}
}

// TestAhead looks at the events of a slot in parts: each is shown once, and is what
// Pop returns next, but for what was pushed late.
func TestAhead(t *testing.T) {
	var q Queue
	if q.Ahead(3) != nil {
		t.Error("an empty queue shows events")
	}
	for i := range uint32(8) {
		q.Push(5<<slotBits+int64(i), 7, 0, i, 0)
	}
	q.Push(6<<slotBits, 7, 0, 8, 0)
	var shown []uint32
	for i := range uint32(9) {
		e, ok := q.Pop(1 << 62)
		if !ok || e.A != i {
			t.Fatalf("event %d is %+v, %v", i, e, ok)
		}
		if i == 4 {
			q.Push(e.At, 7, 0, 99, 0)
			if late, _ := q.Pop(1 << 62); late.A != 99 {
				t.Errorf("%+v comes before what is late", late)
			}
		}
		ahead := q.Ahead(3)
		if len(ahead) > 0 && ahead[0] != e {
			t.Errorf("after %+v, %+v is shown first", e, ahead[0])
		}
		for _, e := range ahead {
			shown = append(shown, e.A)
		}
	}
	if want := []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(shown, want) {
		t.Errorf("%v are shown, want %v", shown, want)
	}
}
