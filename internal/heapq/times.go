package heapq

import "time"

// Times is a queue of elements by a time, and by a number where times are equal.
// It keeps both beside the element: to put them in order takes no look at the
// elements, which lie all over memory. Like [Queue], it is not safe for
// concurrent use.
type Times[T any] struct {
	pos  func(T) *int
	heap []timed[T]
}

// timed is an element in the queue.
type timed[T any] struct {
	at  time.Time
	tie uint64
	x   T
}

func (a *timed[T]) before(b *timed[T]) bool {
	if a.at.Equal(b.at) {
		return a.tie < b.tie
	}
	return a.at.Before(b.at)
}

// fan is how many children a place in the heap has: with few elements, this is
// two levels, each of which lies in one or two lines of the processor's cache.
const fan = 4

// NewTimes returns an empty queue. The function pos tells where an element keeps
// its place, as for [New].
func NewTimes[T any](pos func(T) *int) Times[T] { return Times[T]{pos: pos} }

// Len returns how many elements are queued.
func (q *Times[T]) Len() int { return len(q.heap) }

// First returns the element of the earliest time, without taking it out.
func (q *Times[T]) First() (x T, at time.Time, ok bool) {
	if len(q.heap) == 0 {
		return x, at, false
	}
	return q.heap[0].x, q.heap[0].at, true
}

// Put adds x, or moves it to another time. Tie is the number that orders elements
// of one time.
func (q *Times[T]) Put(x T, at time.Time, tie uint64) {
	i := *q.pos(x) - 1
	if i < 0 {
		i = len(q.heap)
		q.heap = append(q.heap, timed[T]{})
	}
	q.place(i, timed[T]{at, tie, x})
}

// Remove takes x out, if it is in.
func (q *Times[T]) Remove(x T) {
	p := q.pos(x)
	if *p == 0 {
		return
	}
	i, n := *p-1, len(q.heap)-1
	*p = 0
	last := q.heap[n]
	q.heap[n] = timed[T]{}
	q.heap = q.heap[:n]
	if i < n {
		q.place(i, last)
	}
}

// place puts e where i is, or wherever from there it belongs.
func (q *Times[T]) place(i int, e timed[T]) {
	h := q.heap
	for i > 0 {
		up := (i - 1) / fan
		if !e.before(&h[up]) {
			break
		}
		q.set(i, h[up])
		i = up
	}
	for {
		c := fan*i + 1
		if c >= len(h) {
			break
		}
		for d := c + 1; d < min(fan*i+1+fan, len(h)); d++ {
			if h[d].before(&h[c]) {
				c = d
			}
		}
		if !h[c].before(&e) {
			break
		}
		q.set(i, h[c])
		i = c
	}
	q.set(i, e)
}

func (q *Times[T]) set(i int, e timed[T]) {
	q.heap[i] = e
	*q.pos(e.x) = i + 1
}
