package p2p

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// InboundBytes is a message that came from a peer. The bytes are the receiver's.
type InboundBytes struct {
	MConn *MConnection
	Bytes []byte
}

// queue holds what came on one channel until the application takes it. Each peer
// has its own part with its own limits, and they take turns, so that a peer that
// sends much delays and displaces nobody else.
type queue struct {
	desc *ChannelDescriptor

	dropped atomic.Uint64

	mu     sync.Mutex
	some   sync.Cond // of mu: a turn is due, or the queue is closed
	turns  []*inbox  // whose turn it is, in this order
	closed bool
}

// inbox is the part of one peer. The queue's lock guards it.
type inbox struct {
	mconn *MConnection
	msgs  [][]byte
	next  int // msgs[:next] are gone
	bytes int
	held  bool          // its messages must not be taken yet
	busy  bool          // one of its messages is being dealt with, and others wait for that
	due   bool          // it is in turns
	room  chan struct{} // closed when something is taken; nil if nobody waits for that
}

func newQueue(d *ChannelDescriptor) *queue {
	q := &queue{desc: d}
	q.some.L = &q.mu
	return q
}

// put takes a message that came, or reports false if there is no room for it. The
// channel it then returns is closed when there may be.
func (q *queue) put(in *inbox, b []byte) (ok bool, room <-chan struct{}) {
	cost := len(b) + messageCost
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(in.msgs) - in.next; n >= q.desc.RecvQueueCapacity || n > 0 && in.bytes+cost > q.desc.RecvQueueBytes {
		if in.room == nil {
			in.room = make(chan struct{})
		}
		return false, in.room
	}
	in.msgs = append(in.msgs, b)
	in.bytes += cost
	q.list(in)
	return true, nil
}

// list gives an inbox a turn if it has something and none yet. Called with the
// lock.
func (q *queue) list(in *inbox) {
	if in.due || in.held || in.busy || in.next == len(in.msgs) {
		return
	}
	in.due = true
	q.turns = append(q.turns, in)
	q.some.Signal()
}

// release lets the messages of an inbox that was held be taken.
func (q *queue) release(in *inbox) {
	q.mu.Lock()
	defer q.mu.Unlock()
	in.held = false
	q.list(in)
}

// take waits for a message, and reports false if the queue was closed. If alone is
// set no other of the same peer is taken before done.
func (q *queue) take(alone bool) (in *inbox, b []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.turns) == 0 && !q.closed {
		q.some.Wait()
	}
	if q.closed {
		return nil, nil, false
	}
	in = q.turns[0]
	q.turns[0] = nil
	if q.turns = q.turns[1:]; len(q.turns) == 0 {
		q.turns = nil
	}
	in.due, in.busy = false, alone
	b = in.pop()
	q.list(in)
	return in, b, true
}

// pop removes the first message.
func (in *inbox) pop() []byte {
	b := in.msgs[in.next]
	in.msgs[in.next] = nil
	in.bytes -= len(b) + messageCost
	if in.next++; in.next == len(in.msgs) {
		in.msgs, in.next = nil, 0
	} else if in.next > len(in.msgs)/2 {
		n := copy(in.msgs, in.msgs[in.next:])
		clear(in.msgs[n:])
		in.msgs, in.next = in.msgs[:n], 0
	}
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
	return b
}

// done ends what take with alone began.
func (q *queue) done(in *inbox) {
	q.mu.Lock()
	defer q.mu.Unlock()
	in.busy = false
	q.list(in)
}

// close lets nobody wait any longer.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}

// drop counts a message that there was no room for.
func (q *queue) drop() { q.dropped.Add(1) }

// Memory for small messages is taken in pieces of up to slabBytes, so that an
// application that keeps one message keeps at most so much of others.
const (
	slabBytes = 8 << 10
	slabbed   = 1 << 10 // bytes of the largest message that shares memory
)

// slab copies messages.
type slab struct {
	free []byte
	left int // bytes of small messages that are still to be copied
}

func (s *slab) clone(b []byte) []byte {
	if len(b) > slabbed {
		return bytes.Clone(b)
	}
	if len(s.free) < len(b) {
		s.free = make([]byte, max(len(b), min(s.left, slabBytes)))
	}
	c := s.free[:len(b):len(b)]
	copy(c, b)
	s.free, s.left = s.free[len(b):], s.left-len(b)
	return c
}
