// Package agenda holds what will happen in a simulated world, and gives it out in
// order.
//
// A world of 100,000 nodes has a million events ahead of it, 24 MB that no cache
// holds. In a heap of so many, taking out the first looks at some ten places that
// lie apart, and waits for memory at most of them; the comparisons cost nothing
// beside that. So almost no event passes through a heap here. Pushing one writes to
// the end of the bag of its slot, a few milliseconds of virtual time; when the slot
// comes its events are read in one go, sorted while they are all in the cache, and
// then taken from a list, one beside the other. Knowing what comes next in that list
// is of use by itself: see [Queue.Ahead].
package agenda

import "math/bits"

const (
	slotBits = 22 // a slot is 2^22 ns, about four milliseconds
	slots    = 4096
	slotMask = slots - 1
)

// Queue holds events by time in three tiers. Those of the current slot are sorted;
// what belongs to the next four thousand slots, some 17 seconds, lies unsorted in
// one bag each; the rest is in a far heap. A queue of half a million events costs
// about as much a step as one of a thousand. The zero value is empty, at time 0.
type Queue struct {
	seq  uint64
	cur  int64   // all of slot cur and before is in near or late
	near []Event // in order
	next int     // the first of near that has not happened
	seen int     // the first of near that Ahead has not shown
	late heap    // what was added to slot cur, or before, once that was the current one
	bags bags
	full [slots / 64]uint64 // which bags are not empty
	far  heap
	sort sorter
}

// Push adds an event. What is pushed for a time before that of the last Pop happens
// next. Events of one instant happen in the order they were pushed.
func (q *Queue) Push(at int64, k Kind, arg uint8, a, b uint32) {
	q.seq++
	e := Event{at, q.seq<<ordShift | uint64(k)<<8 | uint64(arg), a, b}
	switch s := at >> slotBits; {
	case s <= q.cur:
		q.late.push(e)
	case s < q.cur+slots:
		q.bag(s, e)
	default:
		q.far.push(e)
	}
}

func (q *Queue) bag(s int64, e Event) {
	i := s & slotMask
	q.full[i>>6] |= 1 << (i & 63)
	q.bags.put(i, e)
}

// Pop takes out the first event, if it is not after end.
func (q *Queue) Pop(end int64) (e Event, ok bool) {
	if q.next == len(q.near) && len(q.late) == 0 && !q.advance(end) {
		return e, false
	}
	if len(q.late) > 0 && (q.next == len(q.near) || q.late[0].before(&q.near[q.next])) {
		if q.late[0].At > end {
			return e, false
		}
		return q.late.pop(), true
	}
	if e = q.near[q.next]; e.At > end {
		return e, false
	}
	q.next++
	return e, true
}

// Ahead is for a look at what the next events are about, and called after each Pop.
// It returns the event that Pop returned and those that follow it in the list of its
// slot, at most limit in all, or nil while they are among those it returned before.
// The slice is the queue's, and good until the next Pop. Events that are pushed
// later may happen between them.
func (q *Queue) Ahead(limit int) []Event {
	if q.next <= q.seen {
		return nil
	}
	ahead := q.near[q.next-1:]
	ahead = ahead[:min(limit, len(ahead))]
	q.seen = q.next - 1 + len(ahead)
	return ahead
}

// advance makes the next slot that holds events the current one, unless it is
// wholly after end.
func (q *Queue) advance(end int64) bool {
	s, ok := q.first()
	if !ok || s > end>>slotBits {
		return false
	}
	q.cur = s
	i := s & slotMask
	for len(q.far) > 0 && q.far[0].At>>slotBits < s+slots {
		e := q.far.pop()
		q.bag(e.At>>slotBits, e)
	}
	q.full[i>>6] &^= 1 << (i & 63)
	q.sort.in = q.bags.empty(q.sort.in[:0], i)
	q.near, q.next, q.seen = q.sort.slot(q.near[:0]), 0, 0
	return true
}

// first finds the first slot after the current one that holds events.
func (q *Queue) first() (slot int64, ok bool) {
	from := (q.cur + 1) & slotMask
	word := q.full[from>>6] >> (from & 63) << (from & 63)
	for i := range int64(slots/64) + 1 {
		if word != 0 {
			at := (from>>6+i)%(slots/64)<<6 + int64(bits.TrailingZeros64(word))
			return q.cur + 1 + (at-from)&slotMask, true
		}
		word = q.full[(from>>6+i+1)%(slots/64)]
	}
	if len(q.far) > 0 {
		return q.far[0].At >> slotBits, true
	}
	return 0, false
}
