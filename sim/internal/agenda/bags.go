package agenda

// bags holds the Events of each slot in the order they were added. A bag is a
// chain of chunks, and all bags share the chunks that are not in use, so that a
// slot with many events leaves no memory behind in its bag.
type bags struct {
	bag    [slots]bag
	chunks []chunk // the first is none
	spare  uint32  // a chain of those not in use
}

// bag is a chain of chunks.
type bag struct{ first, last uint32 }

// chunk is a part of a bag. Like Events, it has no pointer.
type chunk struct {
	events [31]Event
	n      uint32
	next   uint32
}

func (b *bags) put(slot int64, e Event) {
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

// empty appends the Events of a slot to dst and takes them out.
func (b *bags) empty(dst []Event, slot int64) []Event {
	g := &b.bag[slot]
	for i := g.first; i != 0; {
		c := &b.chunks[i]
		dst = append(dst, c.events[:c.n]...)
		i, c.next, b.spare = c.next, b.spare, i
	}
	*g = bag{}
	return dst
}
