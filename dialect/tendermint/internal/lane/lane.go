// Package lane decides which of several queues sends the next packet, so that
// under load each gets bandwidth in proportion to its priority and an idle one
// loses nothing by having been idle.
//
// It is start-time fair queueing: every lane has a time of its own that runs
// the slower the higher its priority is, and the lane that is furthest behind
// sends. On top of that, a lane of the highest priority that had nothing to send
// goes before everybody else, as long as it keeps to its share: that is what
// makes a vote overtake a block.
package lane

import "math"

const (
	// scale is how finely a lane's time counts: parts of a byte.
	scale = 1 << 16
	// MaxPriority is the largest weight a lane can have.
	MaxPriority = math.MaxUint16
	// Burst is how many bytes a lane of the highest priority may be ahead of
	// its share and still go first.
	Burst = 64 << 10
)

// lane is one queue as far as its turn is concerned.
type lane struct {
	weight  uint64
	start   uint64 // its time: when the next packet's turn is
	waiting bool   // it has something to send
	express bool   // it goes first
}

// Schedule is the order of a number of lanes. It belongs to one goroutine.
// Times wrap around, so only their differences mean something.
type Schedule struct {
	lanes  []lane
	active []int  // the lanes that have something to send
	now    uint64 // when the turn was of the packet that was sent last
	end    uint64 // the latest time of any lane
	top    uint64 // the highest weight
}

// New returns a schedule of lanes with these priorities, numbered from 0. Each is
// taken as at least 1 and at most MaxPriority.
func New(priorities []int) *Schedule {
	s := &Schedule{lanes: make([]lane, len(priorities))}
	for i, p := range priorities {
		w := uint64(min(max(p, 1), MaxPriority))
		s.lanes[i].weight = w
		s.top = max(s.top, w)
	}
	return s
}

// Ready says that a lane has something to send.
func (s *Schedule) Ready(i int) {
	l := &s.lanes[i]
	if l.waiting {
		return
	}
	if len(s.active) == 0 {
		s.now = s.end // nobody has to wait for what was sent to nobody's harm
	}
	l.waiting = true
	s.active = append(s.active, i)
	// Idle time earns nothing. What a lane took ahead of its share it owes, but
	// no more than it can have taken.
	ahead := min(max(int64(l.start-s.now), 0), int64(2*Burst*scale/l.weight))
	l.start = s.now + uint64(ahead)
	l.express = l.weight == s.top && ahead <= int64(Burst*scale/s.top)
}

// Any reports whether a lane has something to send.
func (s *Schedule) Any() bool { return len(s.active) > 0 }

// Next returns whose turn it is, or a negative number if nobody has anything.
// Of lanes that are equally far behind it is that of the highest priority, and
// then the first.
func (s *Schedule) Next() int {
	best := -1
	for _, i := range s.active {
		if best < 0 || s.before(i, best) {
			best = i
		}
	}
	return best
}

// before reports whether lane i sends before lane j.
func (s *Schedule) before(i, j int) bool {
	a, b := &s.lanes[i], &s.lanes[j]
	switch {
	case a.express != b.express:
		return a.express
	case a.start != b.start:
		return int64(a.start-b.start) < 0
	case a.weight != b.weight:
		return a.weight > b.weight
	}
	return i < j
}

// Sent says that lane i has sent a packet of so many bytes, and whether it has
// more to send.
func (s *Schedule) Sent(i, bytes int, more bool) {
	l := &s.lanes[i]
	if int64(l.start-s.now) > 0 && !l.express {
		s.now = l.start
	}
	l.express = false
	l.start += max(uint64(bytes)*scale/l.weight, 1)
	if int64(l.start-s.end) > 0 {
		s.end = l.start
	}
	if more {
		return
	}
	l.waiting = false
	for k, x := range s.active {
		if x == i {
			s.active[k] = s.active[len(s.active)-1]
			s.active = s.active[:len(s.active)-1]
			break
		}
	}
}
