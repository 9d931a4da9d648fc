// Package heapq is a priority queue whose elements know their place in it, so
// that any of them can be moved or taken out in logarithmic time. It is what
// timers, waiting lists and eviction orders are made of.
package heapq

// Queue keeps elements in the order of a function. It is not safe for
// concurrent use; its owner's lock or goroutine guards it.
//
// Equal elements come out in an order that depends on the history of the queue.
// Where that matters, less must break the tie.
type Queue[T any] struct {
	less func(a, b T) bool
	pos  func(T) *int
	heap []T
}

// New returns an empty queue. The function less orders elements, and pos tells where an
// element keeps its place: a number that belongs to the queue, zero while the element is
// in none.
func New[T any](less func(a, b T) bool, pos func(T) *int) Queue[T] {
	return Queue[T]{less: less, pos: pos}
}

// Len returns how many elements are queued.
func (q *Queue[T]) Len() int { return len(q.heap) }

// First returns the least element without taking it out.
func (q *Queue[T]) First() (x T, ok bool) {
	if len(q.heap) == 0 {
		return x, false
	}
	return q.heap[0], true
}

// Put adds x, or moves it after what less looks at has changed.
func (q *Queue[T]) Put(x T) {
	p := q.pos(x)
	if *p == 0 {
		q.heap = append(q.heap, x)
		*p = len(q.heap)
	}
	i := *p - 1
	if !q.up(i) {
		q.down(i)
	}
}

// Remove takes x out, if it is in.
func (q *Queue[T]) Remove(x T) {
	p := q.pos(x)
	if *p == 0 {
		return
	}
	i, last := *p-1, len(q.heap)-1
	q.swap(i, last)
	*p = 0
	var none T
	q.heap[last] = none
	q.heap = q.heap[:last]
	if i < last && !q.up(i) {
		q.down(i)
	}
}

func (q *Queue[T]) swap(i, j int) {
	h := q.heap
	h[i], h[j] = h[j], h[i]
	*q.pos(h[i]), *q.pos(h[j]) = i+1, j+1
}

// up moves the element at i towards the front and reports whether it moved.
func (q *Queue[T]) up(i int) bool {
	start := i
	for i > 0 {
		parent := (i - 1) / 2
		if !q.less(q.heap[i], q.heap[parent]) {
			break
		}
		q.swap(i, parent)
		i = parent
	}
	return i != start
}

func (q *Queue[T]) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(q.heap) {
			return
		}
		if c+1 < len(q.heap) && q.less(q.heap[c+1], q.heap[c]) {
			c++
		}
		if !q.less(q.heap[c], q.heap[i]) {
			return
		}
		q.swap(i, c)
		i = c
	}
}
