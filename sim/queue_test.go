package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestQueueAgainstSort pushes and pops at random, near and far, and compares
// with a sorted slice.
func TestQueueAgainstSort(t *testing.T) {
	for _, seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		var q queue
		var want []event
		now := int64(0)
		for range 20_000 {
			if r.IntN(2) == 0 {
				span := []int64{1, 1 << 10, 1 << slotBits, slots << slotBits, slots << (slotBits + 4)}[r.IntN(5)]
				at, arg := now+r.Int64N(span), uint8(r.IntN(256))
				q.push(at, evCall, arg, 5, 6)
				e := event{at, q.seq<<ordShift | uint64(evCall)<<8 | uint64(arg), 5, 6}
				i, _ := slices.BinarySearchFunc(want, e, order)
				want = slices.Insert(want, i, e)
				continue
			}
			end := now + []int64{0, 1 << 12, 1 << slotBits, slots << slotBits, slots << (slotBits + 5)}[r.IntN(5)]
			e, ok := q.pop(end)
			switch {
			case !ok && len(want) > 0 && want[0].at <= end:
				t.Fatalf("seed %d: nothing until %d, want the event at %d", seed, end, want[0].at)
			case !ok:
				now = end
			case len(want) == 0 || e != want[0]:
				t.Fatalf("seed %d: got %+v, want the first of %d", seed, e, len(want))
			default:
				now, want = e.at, want[1:]
			}
			if n := q.len(); n != len(want) {
				t.Fatalf("seed %d: %d events are queued, want %d", seed, n, len(want))
			}
		}
	}
}

// len returns how many events are queued.
func (q *queue) len() int {
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
		var q queue
		for range 5000 {
			q.push(3<<slotBits+r.Int64N(span), evCall, 0, 5, 6)
		}
		last, _ := q.pop(late)
		for range 4999 {
			e, ok := q.pop(late)
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

func TestAfterInOrder(t *testing.T) {
	w := newWorld(t, 1)
	var got []int
	for i := range 1000 {
		w.After(time.Duration(999-i)/10*time.Second, func() { got = append(got, i) })
	}
	run(t, w, time.Hour)
	for k := 1; k < len(got); k++ {
		if a, b := got[k-1], got[k]; (999-a)/10 > (999-b)/10 || (999-a)/10 == (999-b)/10 && a > b {
			t.Fatalf("call %d came before %d", a, b)
		}
	}
	if len(got) != 1000 {
		t.Errorf("%d calls were made, want 1000", len(got))
	}
	if len(w.calls) > 1000 || len(w.spare) != len(w.calls) {
		t.Errorf("%d of %d places are free, want all", len(w.spare), len(w.calls))
	}
}
