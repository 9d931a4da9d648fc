package agenda

// heap is a heap of events with four children to a node: half as deep as one
// with two, and the children share a cache line or two.
type heap []Event

func (h *heap) push(e Event) {
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

func (h *heap) pop() Event {
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
func (h heap) sink(i int, e Event) {
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
