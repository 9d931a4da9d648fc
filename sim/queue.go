package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

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
	slotBits = 22 // a slot is 2^22 ns, about four milliseconds
	slots    = 4096
	slotMask = slots - 1
)

// queue holds events by time in three tiers. Those of the current slot are sorted;
// what belongs to the next four thousand slots, some 17 seconds, lies unsorted in
// one bag each; the rest is in a far heap. A queue of half a million events costs
// about as much a step as one of a thousand.
type queue struct {
	seq  uint64
	cur  int64   // all of slot cur and before is in near or late
	near []event // in order
	next int     // the first of near that has not happened
	warm int     // the first of near that was not looked at ahead of time
	late heap    // what was added to slot cur, or before, once that was the current one
	bags bags
	full [slots / 64]uint64 // which bags are not empty
	far  heap
	sort sorter
}

// push adds an event.
func (q *queue) push(at int64, k kind, arg uint8, a, b uint32) {
	q.seq++
	e := event{at, q.seq<<ordShift | uint64(k)<<8 | uint64(arg), a, b}
	switch s := at >> slotBits; {
	case s <= q.cur:
		q.late.push(e)
	case s < q.cur+slots:
		q.bag(s, e)
	default:
		q.far.push(e)
	}
}

func (q *queue) bag(s int64, e event) {
	i := s & slotMask
	q.full[i>>6] |= 1 << (i & 63)
	q.bags.put(i, e)
}

// pop takes out the first event, if it is not after end.
func (q *queue) pop(end int64) (e event, ok bool) {
	if q.next == len(q.near) && len(q.late) == 0 && !q.advance(end) {
		return e, false
	}
	if len(q.late) > 0 && (q.next == len(q.near) || q.late[0].before(&q.near[q.next])) {
		if q.late[0].at > end {
			return e, false
		}
		return q.late.pop(), true
	}
	if e = q.near[q.next]; e.at > end {
		return e, false
	}
	q.next++
	return e, true
}

// advance makes the next slot that holds events the current one, unless it is
// wholly after end.
func (q *queue) advance(end int64) bool {
	s, ok := q.first()
	if !ok || s > end>>slotBits {
		return false
	}
	q.cur = s
	i := s & slotMask
	for len(q.far) > 0 && q.far[0].at>>slotBits < s+slots {
		e := q.far.pop()
		q.bag(e.at>>slotBits, e)
	}
	q.full[i>>6] &^= 1 << (i & 63)
	q.sort.in = q.bags.empty(q.sort.in[:0], i)
	q.near, q.next, q.warm = q.sort.slot(q.near[:0]), 0, 0
	return true
}

// first finds the first slot after the current one that holds events.
func (q *queue) first() (slot int64, ok bool) {
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

// bags holds the events of each slot in the order they were added. A bag is a
// chain of chunks, and all bags share the chunks that are not in use, so that a
// slot with many events leaves no memory behind in its bag.
type bags struct {
	bag    [slots]bag
	chunks []chunk // the first is none
	spare  uint32  // a chain of those not in use
}

// bag is a chain of chunks.
type bag struct{ first, last uint32 }

// chunk is a part of a bag. Like events, it has no pointer.
type chunk struct {
	events [31]event
	n      uint32
	next   uint32
}

func (b *bags) put(slot int64, e event) {
	g := &b.bag[slot]
	if g.last == 0 || b.chunks[g.last].n == uint32(len(chunk{}.events)) {
		b.extend(g)
	}
	c := &b.chunks[g.last]
	c.events[c.n] = e
	c.n++
}

func (b *bags) extend(g *bag) {
	i := b.spare
	if i != 0 {
		b.spare = b.chunks[i].next
	} else {
		if len(b.chunks) == 0 {
			b.chunks = append(b.chunks, chunk{})
		}
		i = uint32(len(b.chunks))
		b.chunks = append(b.chunks, chunk{})
	}
	b.chunks[i].n, b.chunks[i].next = 0, 0
	if g.last == 0 {
		g.first = i
	} else {
		b.chunks[g.last].next = i
	}
	g.last = i
}

// empty appends the events of a slot to dst and takes them out.
func (b *bags) empty(dst []event, slot int64) []event {
	g := &b.bag[slot]
	for i := g.first; i != 0; {
		c := &b.chunks[i]
		dst = append(dst, c.events[:c.n]...)
		i, c.next, b.spare = c.next, b.spare, i
	}
	*g = bag{}
	return dst
}

// sorter sorts the events of one slot: into parts of it first, in the order they
// were added, and then within each part, where little is left to do.
type sorter struct {
	in    []event       // to be sorted
	begin [parts]uint32 // where each part begins; once split, where it ends
}

const (
	partBits  = 10
	parts     = 1 << partBits
	partShift = slotBits - partBits
	fewEvents = 32 // are sorted at once
)

// part is the part of its slot that an event belongs to.
func (e *event) part() int64 { return e.at >> partShift & (parts - 1) }

// slot appends what is in s.in to dst, which is empty, in order.
func (s *sorter) slot(dst []event) []event {
	if len(s.in) <= fewEvents {
		dst = append(dst, s.in...)
		insertion(dst)
		return dst
	}
	dst = s.split(dst)
	from := uint32(0)
	for _, end := range s.begin { // of each part, by now
		if part := dst[from:end]; len(part) <= fewEvents {
			insertion(part)
		} else if !slices.IsSortedFunc(part, order) { // mostly one instant, and in order
			slices.SortFunc(part, order)
		}
		from = end
	}
	return dst
}

func order(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ord, b.ord)) }

// insertion sorts a few events.
func insertion(es []event) {
	for i := 1; i < len(es); i++ {
		e, j := es[i], i
		for ; j > 0 && e.before(&es[j-1]); j-- {
			es[j] = es[j-1]
		}
		es[j] = e
	}
}

// split puts events into the order of their parts.
func (s *sorter) split(dst []event) []event {
	clear(s.begin[:])
	for i := range s.in {
		s.begin[s.in[i].part()]++
	}
	at := uint32(0)
	for i, n := range s.begin {
		s.begin[i], at = at, at+n
	}
	dst = slices.Grow(dst, len(s.in))[:len(s.in)]
	for i := range s.in {
		p := &s.begin[s.in[i].part()]
		dst[*p] = s.in[i]
		*p++
	}
	return dst
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
