package sim

import "math/bits"

// kind says what an event is about, and with it what its fields mean.
type kind uint8

const (
	evNone    kind = iota
	evCall         // a: index in World.calls
	evStart        // a: node: first Wake of a run; b: the run
	evWake         // a: node: its core is due
	evRead         // a: node: Stall may be over
	evSyn          // a: acceptor's end: a connection is asked for
	evDialed       // a: dialer's end: the connection stands
	evNoDial       // a: dialer's end: it does not; b: 0 refused, 1 timed out
	evOpen         // a: end: begin the opening exchange of an attached link
	evLate         // a: end: the opening exchange must be over
	evFail         // a: end: the link ends, for the reason kept with it
	evPump         // a: end: its writer may go on
	evFlush        // a: end: its outbox must have drained
	evSent         // a: end: a message was written; arg: its For; b: its Type
	evDrain        // a: end: what was held up arrives
	evFree         // a: end: nothing happens about its connection any more
	evDeliver      // a: receiving end; b: the parcel
	evAccept       // a: acceptor's end: the dialer's last word of the set-up
	evFin          // a: receiving end: the other side sends no more
	evReset        // a: receiving end: the other side knows no such connection
)

// event is something that will happen. It holds no pointer, so that the
// collector need not look at the queue. Events of one instant happen in the
// order they were made.
type event struct {
	at   int64  // virtual nanoseconds
	ord  uint64 // sequence number, kind, argument
	a, b uint32
}

const ordShift = 16 // bits of kind and argument below the sequence number

func (e *event) kind() kind { return kind(e.ord >> 8) }
func (e *event) arg() uint8 { return uint8(e.ord) }

func (e *event) before(f *event) bool {
	return e.at < f.at || e.at == f.at && e.ord < f.ord
}

const (
	slotBits = 20 // a slot is 2^20 ns, about a millisecond
	slots    = 1024
	slotMask = slots - 1
)

// queue holds events by time in three tiers. What belongs to the current slot
// is in a small heap that stays in the processor's cache; what belongs to the
// next thousand slots lies unsorted in one bag each; the rest is in a far
// heap. A queue of half a million events costs about as much a step as one of
// a thousand.
type queue struct {
	seq  uint64
	len  int
	cur  int64 // all of slot cur and before is in near
	near heap
	bags [slots][]event
	full [slots / 64]uint64 // which bags are not empty
	far  heap
	idle [][]event // emptied bags
	new  bool      // near was a bag a moment ago
}

// push adds an event.
func (q *queue) push(at int64, k kind, arg uint8, a, b uint32) {
	q.seq++
	q.len++
	e := event{at, q.seq<<ordShift | uint64(k)<<8 | uint64(arg), a, b}
	switch s := at >> slotBits; {
	case s <= q.cur:
		q.near.push(e)
	case s < q.cur+slots:
		q.bag(s, e)
	default:
		q.far.push(e)
	}
}

func (q *queue) bag(s int64, e event) {
	i := s & slotMask
	if q.bags[i] == nil {
		q.full[i>>6] |= 1 << (i & 63)
		if n := len(q.idle); n > 0 {
			q.bags[i], q.idle = q.idle[n-1], q.idle[:n-1]
		}
	}
	q.bags[i] = append(q.bags[i], e)
}

// pop takes out the first event, if it is not after end.
func (q *queue) pop(end int64) (e event, ok bool) {
	if len(q.near) == 0 && !q.advance(end) {
		return e, false
	}
	if q.near[0].at > end {
		return e, false
	}
	q.len--
	return q.near.pop(), true
}

// advance makes the next slot that holds events the current one, unless it is
// wholly after end.
func (q *queue) advance(end int64) bool {
	s, ok := q.next()
	if !ok || s > end>>slotBits {
		return false
	}
	q.cur = s
	if i := s & slotMask; q.bags[i] != nil {
		q.full[i>>6] &^= 1 << (i & 63)
		if cap(q.near) > 0 {
			q.idle = append(q.idle, q.near[:0])
		}
		q.near, q.bags[i] = q.bags[i], nil
		q.near.init()
		q.new = true
	}
	for len(q.far) > 0 && q.far[0].at>>slotBits < s+slots {
		e := q.far.pop()
		if t := e.at >> slotBits; t > s {
			q.bag(t, e)
		} else {
			q.near.push(e)
		}
	}
	return true
}

// next finds the first slot after the current one that holds events.
func (q *queue) next() (slot int64, ok bool) {
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
		return q.far[0].at >> slotBits, true
	}
	return 0, false
}

// heap is a heap of events with four children to a node: half as deep as one
// with two, and the children share a cache line or two.
type heap []event

func (h *heap) push(e event) {
	q := append(*h, e)
	*h = q
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&q[up]) {
			break
		}
		q[i], i = q[up], up
	}
	q[i] = e
}

func (h *heap) pop() event {
	q := *h
	top, n := q[0], len(q)-1
	e := q[n]
	*h = q[:n]
	if n > 0 {
		q[:n].sink(0, e)
	}
	return top
}

// init makes a heap of events in any order.
func (h heap) init() {
	for i := (len(h) - 2) / 4; i >= 0 && len(h) > 1; i-- {
		h.sink(i, h[i])
	}
}

// sink puts e where i is or below, and lifts what is before it.
func (h heap) sink(i int, e event) {
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		c := first
		for d := first + 1; d < min(first+4, len(h)); d++ {
			if h[d].before(&h[c]) {
				c = d
			}
		}
		if !h[c].before(&e) {
			break
		}
		h[i], i = h[c], c
	}
	h[i] = e
}
