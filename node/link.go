package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/stats"
)

// ErrClosed is why a link ends that the application closed without a reason,
// and why a message is lost on a link that is closing.
var ErrClosed = errors.New("link is closed")

// Link is a live connection to a peer. Its methods may be called from any
// goroutine.
type Link struct {
	// Immutable.
	n      *Node
	id     core.LinkID
	addr   addr.Addr
	dialed bool
	start  time.Time
	ctx    context.Context
	cancel context.CancelFunc
	opened chan error // for Attach: whether the link opened; nil otherwise

	// Written by the opening, immutable once the link is live.
	link *dialect.Link

	// Owned by the brain. Always is immutable once the link is live.
	always bool
	wasUp  bool
	trip   *float64  // how long the peer took to answer last, in seconds; nil while not known
	until  time.Time // while parting: when it is given up
	down   error     // while parting: what the handler is told at the end

	leaving bool // counted in the node's

	stats stats.Link
	out   outbox
	busy  chan struct{} // holds a token for each report the brain has yet to read
	parts atomic.Int32  // of its two goroutines, how many have not ended

	serving atomic.Bool // the handler is at work on what came last
	closing atomic.Bool // nothing more is taken or delivered; the outbox drains
	parting atomic.Bool // nothing more is taken; the outbox drains, and what comes is delivered
	last    atomic.Bool // while parting: the other end ends its half first
	drained atomic.Bool // the outbox has drained
	dropped atomic.Bool // Close was called

	mu   sync.Mutex
	conn net.Conn // nil until there is one
	why  error    // the first reason to end
}

func (n *Node) newLink(now time.Time, id core.LinkID, a addr.Addr, dialed bool) *Link {
	l := &Link{n: n, id: id, addr: a, dialed: dialed, start: now, busy: make(chan struct{}, 2)}
	l.out.limit = n.cfg.Outbox
	l.ctx, l.cancel = context.WithCancel(n.base)
	n.links[id] = l
	return l
}

// ID names the link within its node.
func (l *Link) ID() core.LinkID { return l.id }

// Addr is the other end, as dialed or as the transport saw it.
func (l *Link) Addr() addr.Addr { return l.addr }

// Intro is how the peer introduced itself.
func (l *Link) Intro() dialect.Intro { return l.link.Intro }

// Dialed reports whether this node made the connection.
func (l *Link) Dialed() bool { return l.dialed }

// Always reports whether the peer is one to hold on to.
func (l *Link) Always() bool { return l.always }

// Stats returns the link's counters, which go on counting.
func (l *Link) Stats() *stats.Link { return &l.stats }

// Queued returns how many bytes wait to be written, counted as Config.Outbox
// says.
func (l *Link) Queued() int { return l.out.waiting() }

// Done is closed when the link has ended: the connection is gone and what is
// still queued is lost. A call of Receive that is under way can look at it to
// know that it waits in vain.
func (l *Link) Done() <-chan struct{} { return l.ctx.Done() }

// LogValue names the link in logs.
func (l *Link) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("id", uint64(l.id)), slog.String("addr", l.addr.String()))
}

// Queue queues m without blocking and reports whether it was taken. If it was
// and done is not nil, done is called once: with nil when the kernel has the
// bytes, or with why they were lost. It is called by the link's writer, or by
// the goroutine whose message takes the place of this one (DropOldest), and
// must not block. The body must not change until then, unless m is lent. A lone
// message of up to 4 KiB may be written before Queue returns, as far as that
// needs no waiting.
func (l *Link) Queue(m dialect.Message, done func(error)) bool {
	it := item{msg: m, done: done}
	it.alone = canBeAlone(&it, false)
	return l.put(&it)
}

// say queues a message of the rules. Called by the brain.
func (l *Link) say(m dialect.Message) {
	it := item{msg: m}
	it.alone = canBeAlone(&it, true)
	pen, err := l.out.say(it, &l.stats)
	if pen {
		l.direct(&it)
	}
	l.judge(err)
}

func (l *Link) put(it *item) bool {
	lost, pen, err := l.out.put(it, l.n.cfg.Full, &l.stats)
	if pen {
		l.direct(it)
	}
	for _, f := range lost {
		f(errForgotten)
	}
	l.judge(err)
	return err == nil
}

// judge ends a link that has no room where that is the policy.
func (l *Link) judge(err error) {
	if err == errFull && l.n.cfg.Full == Disconnect {
		l.end(fault.New(fault.Timeout, "write", err))
	}
}

// Send queues m, waiting for room until ctx is done or the link ends, then with
// ErrClosed. Room is given in the order of the calls; with the policy Refuse
// also before any call of Queue. That it returns nil means that m is queued,
// not that it arrived. The body must not change until it is written, unless m
// is lent. A lone message may be written at once, as by Queue.
func (l *Link) Send(ctx context.Context, m dialect.Message) error {
	it := item{msg: m, kept: true}
	it.alone = canBeAlone(&it, false)
	pen, err := l.out.send(ctx, it)
	if pen {
		l.direct(&it)
	}
	return err
}

// Close ends the link after what is queued has gone out; why is what the
// handler will be told. It does not wait; see Done.
func (l *Link) Close(why error) {
	if l.dropped.Swap(true) {
		return
	}
	if why == nil {
		why = errUnknown
	}
	l.n.inbox.put(func(now time.Time) {
		l.n.core.Drop(now, l.id, why, &l.n.eff)
		l.n.trace(now, l.id, "do", why)
		if l.parting.Load() {
			l.partNow(now, why)
		}
	})
}

// closeNow carries out the core's wish to close the link. Called by the brain.
func (l *Link) closeNow(now time.Time, c core.Close) {
	if !c.Flush || !l.wasUp {
		l.end(c.Why)
		return
	}
	l.because(c.Why)
	if c.Hear {
		l.part(now, c.Last)
	} else {
		l.closing.Store(true)
	}
	l.out.close()
}

// end ends the link at once: whatever its goroutines wait for fails. It never
// blocks, not even where closing a connection may.
func (l *Link) end(why error) {
	l.because(why)
	l.cancel()
	l.out.fail()
	l.mu.Lock()
	c := l.conn
	l.mu.Unlock()
	if c != nil {
		c.SetDeadline(past)
	}
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// because records why the link ends. The first reason stays.
func (l *Link) because(why error) {
	if why == nil {
		why = errUnknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
	}
}

// reason returns why the link ends.
func (l *Link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		return errUnknown
	}
	return l.why
}

// errUnknown is the reason of a link that has none.
var errUnknown = fault.New(fault.None, "close", ErrClosed)

// adopt gives the link its connection.
func (l *Link) adopt(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = c
}

// alive is called after a deadline was set. It reports whether the link goes
// on; if not, deadlines belong in the past, and it puts them back there.
func (l *Link) alive(c net.Conn) bool {
	if l.ctx.Err() == nil {
		return true
	}
	c.SetDeadline(past)
	return false
}

// report runs f on the brain. It waits while two reports of the link are still
// unread, so a flood slows down its own link only.
func (l *Link) report(f task) {
	select {
	case l.busy <- struct{}{}:
		l.n.inbox.put(func(now time.Time) {
			f(now)
			<-l.busy
		})
	case <-l.ctx.Done():
	}
}

// leave is the last that each of a live link's goroutines does. The last of
// them ends the link.
func (l *Link) leave(c net.Conn) {
	if l.ctx.Err() != nil {
		c.Close() // wakes the other
	}
	if l.parts.Add(-1) == 0 {
		c.Close()
		l.bye()
	} else if l.drained.Load() {
		l.cancel() // the writer waits for this
	}
}

// bye tells the brain that the link has ended.
func (l *Link) bye() {
	l.cancel()
	l.n.inbox.put(func(now time.Time) { l.n.gone(now, l) })
}

// partTime is the longest that a link which gave way to another one to the same
// peer is read, and written, until both halves have ended. It leaves room for
// what a full outbox holds, and for an application that reads slowly.
const partTime = time.Minute

// part has the link take nothing more, while what the peer sent is delivered:
// until the peer has ended its half, or for partTime. Called by the brain.
func (l *Link) part(now time.Time, last bool) {
	l.last.Store(last)
	l.parting.Store(true)
	l.until = now.Add(partTime)
	l.n.parting = append(l.n.parting, l)
}

// partNow has a link that is parting deliver nothing more, and end as others
// do once the outbox has drained: the core, which has forgotten it, will not say
// so. Called by the brain.
func (l *Link) partNow(now time.Time, why error) {
	if l.down != nil {
		l.down = why
	}
	l.closing.Store(true)
	if l.drained.Load() { // else the writer sees that it is closing
		l.until = earliest(l.until, now.Add(linger))
	}
}

// ends is what the reader does at the end of the stream. It reports whether the
// link goes on without it.
func (l *Link) ends(err error) bool {
	if err != io.EOF {
		return l.closing.Load() && !l.drained.Load() // the writer's deadlines bound that
	}
	if !l.closing.Load() && !l.parting.Load() {
		why := fault.New(fault.IO, "read", err)
		l.n.inbox.put(func(now time.Time) { l.n.hungUp(now, l, why) })
		return true
	}
	return !l.drained.Load()
}

// maxLeaving is how many links at once may take their time to write what is
// queued after their peers have ended their half. The core counts them no more, so
// that peers who then read slowly could have any number of them.
const maxLeaving = 64

// hungUp has a link whose peer has ended its half end in good order, or at once
// if there are too many such.
func (n *Node) hungUp(now time.Time, l *Link, why error) {
	if n.leaving >= maxLeaving {
		l.end(why)
		return
	}
	l.leaving = true
	n.leaving++
	n.core.Ended(now, l.id, why, &n.eff)
	n.trace(now, l.id, "ended", why)
}

// hurry gives up the links that have been parting for too long. If the node is
// stopping they have no longer than others for their last words.
func (n *Node) hurry(now time.Time) {
	live := n.parting[:0]
	for _, l := range n.parting {
		switch {
		case n.links[l.id] != l:
			continue
		case !now.Before(l.until):
			l.end(l.down)
			continue
		}
		live = append(live, l)
	}
	clear(n.parting[len(live):])
	n.parting = live
}

// partSoon leaves links that are parting the time of a last word, and no more.
func (n *Node) partSoon(now time.Time) {
	for _, l := range n.parting {
		l.until = now.Add(linger)
	}
}

// endParting ends the links that are parting with a peer who is banned.
func (n *Node) endParting(b core.Ban) {
	for _, l := range n.parting {
		if b.Covers(l.addr) || b.ID != "" && l.link.Intro.ID == b.ID {
			l.end(l.down)
		}
	}
}

// partDue reports when hurry is due, or the zero time.
func (n *Node) partDue() (at time.Time) {
	for _, l := range n.parting {
		at = earliest(at, l.until)
	}
	return at
}
