package node

import (
	"context"
	"net"
	"sync"
	"time"

	"parley/core"
	"parley/dialect"
)

// task is something to be done on the brain.
type task func(now time.Time)

// inbox is the brain's mailbox. It has no limit of its own; its senders are
// bounded instead: a link has at most two reports in it and waits before the
// next, but for the tasks it sends once in its life, and other callers wait for
// their answer.
type inbox struct {
	wake chan struct{} // capacity 1

	mu     sync.Mutex
	queue  []task
	closed bool
}

// put reports whether t was queued. Once the inbox is closed nothing is.
func (b *inbox) put(t task) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.queue = append(b.queue, t)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take swaps the queue for spare, emptied.
func (b *inbox) take(spare []task) []task {
	clear(spare)
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = spare[:0]
	return q
}

func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}

// do is ask for a request of the application.
func (n *Node) do(f task) error {
	return n.ask(func(now time.Time) {
		f(now)
		n.trace(now, 0, "do", nil)
	})
}

// ask runs f on the brain, carries out what the core wants done, and returns.
// It returns ErrNotRunning if the brain will never run f.
func (n *Node) ask(f task) error {
	select {
	case <-n.ready:
	default:
		return ErrNotRunning
	}
	answer := make(chan struct{})
	if !n.inbox.put(func(now time.Time) {
		f(now)
		n.perform(now)
		close(answer)
	}) {
		return ErrNotRunning
	}
	select {
	case <-answer:
		return nil
	case <-n.over:
	}
	// The brain has ended, so whether f ran is settled.
	select {
	case <-answer:
		return nil
	default:
		return ErrNotRunning
	}
}

// The least time between two wakes of the brain. A timer that has long been alone
// is served when it is due; the pings of thousands of links, together: each wake
// of its own took as much as the ping. And rules which are due again after every
// Wake cost some of a processor, not all of it. What a wake leaves for the next,
// since the brain never works on one input for long, does not wait for timers.
const (
	minWake = 50 * time.Millisecond
	minRest = time.Millisecond
)

// pause returns how long after the wake of a moment ago the next one is to be.
func (n *Node) pause(woke time.Time) time.Duration {
	if at := n.next(); !at.IsZero() && !at.After(woke) {
		return minRest
	}
	return minWake
}

// loop is the brain. It returns when ctx is done and every link is gone.
func (n *Node) loop(ctx context.Context, saved *core.Saved, lns []net.Listener) {
	if saved != nil {
		now := time.Now()
		n.core.Restore(now, saved, &n.eff)
		n.trace(now, 0, "restore", nil)
		n.perform(now)
	}
	timer := time.NewTimer(0) // the first wake dials
	defer timer.Stop()
	stop := ctx.Done()
	var batch []task
	var woke time.Time // pause counts from here: a busy inbox must not put the timer off
	pause := minWake
	for !n.stopping || len(n.links) > 0 {
		select {
		case <-stop:
			stop = nil
			n.halting(time.Now())
			closeAll(lns)
		case <-n.inbox.wake:
			batch = n.inbox.take(batch)
			for _, t := range batch {
				now := time.Now()
				t(now)
				n.perform(now)
			}
		case <-timer.C:
			woke = time.Now()
			n.wake(woke)
			pause = n.pause(woke)
		}
		switch at := n.next(); {
		case woke.IsZero(): // a request came first: the core says what is due only once it was woken
			timer.Reset(0)
		case at.IsZero():
			timer.Stop()
		default:
			timer.Reset(max(time.Until(at), time.Until(woke.Add(pause))))
		}
	}
}

// halting begins an orderly end: every link closes after its outbox.
func (n *Node) halting(now time.Time) {
	n.stopping = true
	n.deadline = now.Add(n.cfg.StopTimeout)
	close(n.halt)
	n.partSoon(now)
	n.save.final = n.core.Saved(now)
	n.core.Stop(now, ErrStopped, &n.eff)
	n.trace(now, 0, "do", nil)
	n.perform(now)
}

// wake runs what is due.
func (n *Node) wake(now time.Time) {
	n.core.Wake(now, &n.eff)
	n.trace(now, 0, "wake", nil)
	n.perform(now)
	n.saveIfDue(now)
	n.hurry(now)
	if !n.deadline.IsZero() && !now.Before(n.deadline) {
		n.deadline = time.Time{}
		for _, l := range n.links {
			l.end(ErrStopped)
		}
	}
}

// next reports when wake is due, or the zero time.
func (n *Node) next() time.Time {
	return earliest(n.core.Next(), n.saveDue(), n.partDue(), n.deadline)
}

// earliest returns the earliest of the times that are not zero, or zero.
func earliest(ts ...time.Time) (first time.Time) {
	for _, t := range ts {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// perform carries out the effects of the last call to the core. It is the one
// place where decisions turn into deeds, so it is also where they are observed.
func (n *Node) perform(now time.Time) {
	e := &n.eff
	n.observe(now, e)
	n.publish(e.Peers)
	for _, c := range e.Peers {
		l := n.lookup(c.Link)
		switch {
		case l == nil:
		case c.Hear:
			l.down = c.Why // told when the last has been delivered
		default:
			n.cfg.Handler.Peer(l, c.Up, c.Why)
		}
	}
	for _, v := range e.Note {
		if l, r := n.links[v.Link], v.Value; l != nil {
			if t, ok := r.(dialect.Trip); ok {
				l.trip = new(t.Trip().Seconds())
			}
		}
		n.cfg.Handler.Note(n.lookup(v.Link), v.Value)
	}
	for _, s := range e.Send {
		if l := n.lookup(s.To); l != nil {
			l.say(s.Msg)
		}
	}
	for _, c := range e.Close {
		if l := n.links[c.Link]; l != nil {
			l.closeNow(now, c)
		}
	}
	for _, d := range e.Dial {
		l := n.newLink(now, d.Link, d.Addr, true)
		n.wg.Go(l.dial)
	}
	if e.Save {
		n.save.dirty = true
	}
	e.Reset()
}

// lookup returns a link that is or was up, or nil.
func (n *Node) lookup(id core.LinkID) *Link {
	if l := n.links[id]; l != nil && l.wasUp {
		return l
	}
	return nil
}

// traffic tells the core when a link's bytes last moved. A peer whose messages
// are with the handler is not silent: its bytes may be waiting in the kernel.
func (n *Node) traffic(id core.LinkID) (in, out time.Time) {
	l := n.links[id]
	if l == nil {
		return in, out
	}
	in, out = n.moment(l.stats.InLast.Load()), n.moment(l.stats.OutLast.Load())
	if l.serving.Load() {
		in = time.Now()
	}
	return in, out
}

// stamp is the time in Unix nanoseconds, by the steady clock: when the wall clock
// is set, no link has been silent for that.
func (n *Node) stamp() int64 { return n.start.Add(time.Since(n.start)).UnixNano() }

// moment is the time that a stamp stands for, comparable with time.Now.
func (n *Node) moment(stamp int64) time.Time {
	return n.start.Add(time.Duration(stamp - n.start.UnixNano()))
}

// gone ends a link for the brain. It is the last that a link's goroutines do.
func (n *Node) gone(now time.Time, l *Link) {
	why := l.reason()
	if l.down != nil {
		n.cfg.Handler.Peer(l, false, l.down)
	}
	if l.leaving {
		n.leaving--
	}
	n.bury(now, l, why)
	n.core.Closed(now, l.id, why, &n.eff)
	n.perform(now)
	delete(n.links, l.id)
}

// received passes session messages to the core.
func (n *Node) received(now time.Time, l *Link, ms []dialect.Message) {
	n.core.Received(now, l.id, ms, &n.eff)
	n.trace(now, l.id, "received", nil)
}

// sent passes what was written for the session to the core.
func (n *Node) sent(now time.Time, l *Link, ms []dialect.Message) {
	n.core.Sent(now, l.id, ms, &n.eff)
	n.trace(now, l.id, "sent", nil)
}
