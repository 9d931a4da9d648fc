package node

import (
	"context"
	"errors"
	"slices"
	"sync"

	"parley/dialect"
	"parley/node/internal/press"
	"parley/stats"
)

// itemCost is what a queued message counts besides its body, so that a million
// empty ones do not count as nothing.
const itemCost = 64

var (
	errFull      = errors.New("outbox is full")
	errForgotten = errors.New("forgotten to make room for newer messages")
)

// item is a message queued on one link.
type item struct {
	msg    dialect.Message
	shared *press.Sheet // the same message on other links, or nil
	done   func(error)
	kept   bool // somebody waited for its room, so it is not forgotten
	alone  bool // whoever queues it may write it, if nothing else is under way
}

func (it *item) cost() int { return len(it.msg.Body) + itemCost }

// receipt is what its session is told once it is written.
func (it *item) receipt() []dialect.Message {
	return []dialect.Message{{Type: it.msg.Type, For: it.msg.For}}
}

// waiter is a message that waits for room.
type waiter struct {
	item
	ready chan error // capacity 1
}

// outbox holds what a link has yet to write: at most limit bytes, or one
// message if that is larger. Any goroutine may put. Whoever has the pen writes:
// the link's writer, which takes the queue, or while that is idle the goroutine
// that queues a lone message. What was taken counts until it is written.
type outbox struct {
	limit int
	pen   pen

	mu      sync.Mutex
	queue   []item
	bytes   int // in the queue and with who has the pen
	waiters []*waiter
	spare   *waiter       // to be used for the next, or nil
	link    *Link         // nil until it is live
	wake    chan struct{} // capacity 1; only the writer receives. Nil until there is one
	idle    bool          // nobody has the pen
	absent  bool          // there is no writer; one is started when it has to do something
	closed  bool          // nothing more is taken
	failed  bool          // and what is there is lost
}

// fits reports whether there is room for n bytes.
func (o *outbox) fits(n int) bool { return o.bytes+n <= o.limit || o.bytes == 0 }

// put queues a copy of it, or says why not. With DropOldest it makes room, and returns
// what is to be called for the messages that it forgot. If pen is set nothing
// was queued, and the caller must write it; see direct.
func (o *outbox) put(it *item, full FullPolicy, s *stats.Link) (lost []func(error), pen bool, err error) {
	cost := it.cost()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		err = ErrClosed
	case full == DropOldest && !o.fits(cost):
		if !o.couldFit(cost) {
			err = errFull
			break
		}
		lost = o.forget(cost, s)
	case full == Refuse && len(o.waiters) > 0, !o.fits(cost):
		err = errFull
	}
	if err != nil {
		if err == errFull {
			s.Full.Add(1)
		}
		s.Dropped.Add(1)
		s.DroppedBytes.Add(uint64(len(it.msg.Body)))
		return lost, false, err
	}
	return lost, o.push(it), nil
}

// ownRoom is how many bytes beyond its limit an outbox takes of what the rules
// say, so that traffic neither silences them nor gives way to them.
const ownRoom = 64 << 10

// say queues a message of the rules, or leaves it to the caller as put does.
func (o *outbox) say(it item, s *stats.Link) (pen bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return false, ErrClosed
	case !o.fits(it.cost()) && o.bytes+it.cost() > o.limit+ownRoom:
		s.Full.Add(1)
		s.Dropped.Add(1)
		s.DroppedBytes.Add(uint64(len(it.msg.Body)))
		return false, errFull
	}
	return o.push(&it), nil
}

// couldFit reports whether forget could make room for n bytes. It looks no
// further than forget would go.
func (o *outbox) couldFit(n int) bool {
	held := o.bytes
	for i := range o.queue {
		if held+n <= o.limit {
			return true
		}
		if o.queue[i].kept {
			return false
		}
		held -= o.queue[i].cost()
	}
	return held == 0 || held+n <= o.limit
}

// forget drops the oldest messages until there is room for n bytes, or none
// are left but those with the writer. It stops at one whose room was waited
// for: a newer one that is refused is known to its sender, that one is not.
func (o *outbox) forget(n int, s *stats.Link) (lost []func(error)) {
	k := 0
	for ; k < len(o.queue) && !o.fits(n) && !o.queue[k].kept; k++ {
		it := &o.queue[k]
		o.bytes -= it.cost()
		s.Forgotten.Add(1)
		s.Dropped.Add(1)
		s.DroppedBytes.Add(uint64(len(it.msg.Body)))
		if it.done != nil {
			lost = append(lost, it.done)
		}
		*it = item{}
	}
	o.queue = o.queue[k:]
	return lost
}

// push counts it, and queues it and wakes the writer unless the caller is to
// write it: then it returns the pen. Called with the lock.
func (o *outbox) push(it *item) (pen bool) {
	o.bytes += it.cost()
	if it.alone && o.idle && o.lone() {
		o.idle = false
		return true
	}
	o.enqueue(it)
	return false
}

// enqueue queues what is counted already. Called with the lock.
func (o *outbox) enqueue(it *item) {
	o.queue = append(o.queue, *it)
	if it.msg.Lent {
		own := &o.queue[len(o.queue)-1]
		own.msg = own.msg.Clone()
	}
	o.rouse()
}

// rouse gives the pen to the writer if nobody has it. Called with the lock.
func (o *outbox) rouse() {
	if !o.idle {
		return
	}
	o.idle = false
	if o.absent {
		o.absent = false
		o.link.startWriter()
		return
	}
	select {
	case o.wake <- struct{}{}:
	default: // it was woken before, and by something else at once
	}
}

// send queues it, waiting for room, or leaves it to the caller as put does.
func (o *outbox) send(ctx context.Context, it item) (pen bool, err error) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return false, ErrClosed
	}
	if len(o.waiters) == 0 && o.fits(it.cost()) {
		pen = o.push(&it)
		o.mu.Unlock()
		return pen, nil
	}
	return false, o.queueUp(ctx, it)
}

// queueUp waits for room and for those that came before. Called with the lock,
// which it gives back.
func (o *outbox) queueUp(ctx context.Context, it item) error {
	if it.msg.Lent {
		it.msg = it.msg.Clone()
	}
	w := o.waiter()
	w.item = it
	o.waiters = append(o.waiters, w)
	o.mu.Unlock()
	var err error
	select {
	case err = <-w.ready:
		o.mu.Lock()
	case <-ctx.Done():
		o.mu.Lock()
		if i := slices.Index(o.waiters, w); i >= 0 {
			o.waiters = slices.Delete(o.waiters, i, i+1)
			o.grant() // those behind it may need less
			err = ctx.Err()
		} else {
			err = <-w.ready // it was granted just before
		}
	}
	w.item = item{}
	o.spare = w
	o.mu.Unlock()
	return err
}

// waiter returns one to be used, and made the spare again afterwards: where one
// goroutine sends large messages it waits for nearly each of them. Called with
// the lock.
func (o *outbox) waiter() *waiter {
	w := o.spare
	o.spare = nil
	if w == nil {
		w = &waiter{ready: make(chan error, 1)}
	}
	return w
}

// release gives back room, to waiters first. Called by the writer.
func (o *outbox) release(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= n
	o.grant()
}

// grant queues for waiters in their order while there is room. Called with the
// lock.
func (o *outbox) grant() {
	k := 0
	for ; k < len(o.waiters) && o.fits(o.waiters[k].cost()); k++ {
		o.bytes += o.waiters[k].cost()
		o.enqueue(&o.waiters[k].item)
		o.waiters[k].ready <- nil
	}
	o.waiters = slices.Delete(o.waiters, 0, k)
}

// take swaps the queue for spare, emptied. If there is nothing to take it
// reports false, and that no more will come if so; the writer then waits for
// wake.
func (o *outbox) take(spare []item) (q []item, ok, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed {
		return nil, false, true
	}
	if len(o.queue) == 0 && o.pen.rest == nil {
		o.idle = !o.closed
		return nil, false, o.closed
	}
	q, o.queue = o.queue, spare[:0]
	return q, true, false
}

// close takes nothing more; the writer ends when it has drained the rest.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut()
}

// fail takes nothing more and gives up what is there. It is left to the
// writer, which tells those who asked.
func (o *outbox) fail() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = true
	o.shut()
}

func (o *outbox) shut() {
	o.closed = true
	for _, w := range o.waiters {
		w.ready <- ErrClosed
	}
	o.waiters = nil
	o.rouse()
}

// rest returns what nobody will write. Called by the writer, last.
func (o *outbox) rest() []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.queue
	o.queue, o.bytes, o.pen.rest = nil, 0, nil
	return q
}

// waiting returns how many bytes wait to be written.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}
