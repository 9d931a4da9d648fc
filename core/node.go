// Package core is the brain of a node: whom to dial, admit, keep, share, blame,
// drop and ban. It is a state machine without goroutines, locks, clocks, I/O or
// a logger. Callers report what happened and carry out the [Effects] they get
// back; given the same seed and the same calls it always answers the same.
//
// Package node wraps it in goroutines and sockets, package sim in an event
// heap. Programs with an event loop of their own may use it directly: after
// each call carry out the effects, then arrange for Wake at Next.
package core

import (
	"errors"
	"time"

	"parley/addr"
	"parley/core/book"
	"parley/dialect"
	"parley/fault"
	"parley/internal/heapq"
)

// Node is the brain of a node: whom to dial, admit, keep, share and ban. It is
// a state machine without goroutines, locks, clocks or I/O. Its caller reports
// what happened and carries out the [Effects]; given the same seed and the
// same calls it always answers the same.
//
// Every method that can decide something takes the time and an empty *Effects.
// After each call the caller looks at Next. A Node is not safe for concurrent
// use.
type Node struct {
	// What each call looks at comes first, next to each other in memory: a
	// simulator has many nodes, none of which is in the processor's cache.
	now      time.Time // of the call under way, or the last
	stopped  bool
	trimming bool      // the book is over limits that were lowered
	retry    time.Time // when to plan dials again, or zero
	ruleWake time.Time // before this time, rules are not woken again
	rotate   time.Time // when to swap a link next, or zero
	round    round
	saver    saver
	ends     []ending // links about to be ended
	many     []ending // links to be ended after those, some with each call
	rules    dialect.Rules
	found    *link              // by find, last; or nil
	wakes    heapq.Times[*link] // sessions by when they are due
	out      dialect.Out        // what rules asked for last, before it is carried out
	tally    tally
	cfg      Config // filled

	// Immutable.
	host    Host
	mayDial func(a addr.Addr, id string) (time.Time, bool)

	links   map[LinkID]*link
	made    []*link             // every link, in the order they were made
	live    []*link             // those that are up, in the order they opened
	liveIDs []LinkID            // the same, for View.Links
	byID    map[string]*link    // admitted links with an identity
	listens map[addr.Addr]*link // admitted links by where their peer can be dialed
	places  map[addr.Addr]*link // addresses in use by a link, which are not dialed
	perHost map[addr.Addr]int   // accepted links by machine
	lastID  LinkID
	opened  uint64 // links that opened so far

	book    *book.Book
	keep    keepers
	bans    bans
	blames  blames
	scratch []*link // for share
}

// Errors that tell the application and other nodes why there is no link.
var (
	errStopped = errors.New("this node is stopping")
	errGone    = errors.New("the link is gone")
	errGivenUp = errors.New("given up while it opened")
	errBanned  = errors.New("banned")
	errOpening = errors.New("too many connections are opening")
	errPerHost = errors.New("too many connections from one host")
	errFull    = errors.New("full")
	errOnly    = errors.New("only known peers are welcome")
	errTwice   = errors.New("already connected")
	errOther   = errors.New("another identity than before")
	errRound   = errors.New("dropped in a round")
	errSwapped = errors.New("swapped for another peer")
	errLimit   = errors.New("over a lowered limit")
)

// New returns a node that knows the addresses in seeds.
func New(cfg Config, d dialect.Dialect, h Host, seeds ...addr.Addr) *Node {
	cfg = cfg.filled()
	n := &Node{
		host:    h,
		cfg:     cfg,
		links:   map[LinkID]*link{},
		byID:    map[string]*link{},
		listens: map[addr.Addr]*link{},
		places:  map[addr.Addr]*link{},
		perHost: map[addr.Addr]int{},
		book:    book.New(cfg.book()),
		keep:    newKeepers(),
		bans:    newBans(),
		blames:  newBlames(),
		wakes:   heapq.NewTimes(func(l *link) *int { return &l.wakePos }),
	}
	n.mayDial = n.may
	n.keep.set(cfg.Always, time.Time{})
	n.learn(seeds, addr.Addr{})
	n.saver = saver{} // seeds need not be saved
	n.rules = d.Rules(view{n})
	return n
}

// Next reports when Wake is due, or the zero time. Wake must be called once at the start.
func (n *Node) Next() time.Time {
	switch {
	case len(n.many) > 0:
		return n.now
	case n.stopped:
		return time.Time{}
	case n.round.dropping || n.trimming:
		return n.now
	}
	t := earlier(earlier(n.retry, n.round.next), n.rotate)
	t = earlier(t, n.saver.due)
	t = earlier(t, n.keep.next())
	if _, at, ok := n.wakes.First(); ok {
		t = earlier(t, at)
	}
	t = earlier(t, later(n.rules.Next(), n.ruleWake))
	return later(t, n.now)
}

// Touch reads what Wake is going to look at, and returns a number without meaning.
// It changes nothing: a program with so many nodes that none is in the processor's
// cache can call it for several of them, and so wait for their memory together,
// before it wakes each.
func (n *Node) Touch() uint64 {
	sum := uint64(n.lastID) + uint64(n.tally.up+len(n.many)+n.keep.queue.Len()+n.bans.queue.Len()+n.cfg.Outbound+n.book.Fresh())
	if l, _, ok := n.wakes.First(); ok {
		sum += uint64(l.opened.Nanosecond() + l.ses.Next().Nanosecond())
	}
	return sum
}

// Wake runs everything due at now.
func (n *Node) Wake(now time.Time, e *Effects) {
	n.now = now
	if n.stopped {
		n.finish(now, e)
		return
	}
	n.wakeSessions(now, e)
	n.wakeRules(now, e)
	n.bans.expire(now)
	n.holdRound(now, e)
	n.swap(now, e)
	if n.trimming && len(n.many) == 0 {
		n.trimming = n.book.Trim(trimBudget)
	}
	n.finish(now, e)
}

// Received delivers the session messages that one read produced.
func (n *Node) Received(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {
	n.each(now, id, ms, e, dialect.Session.Handle)
}

// Sent delivers the outbound messages marked for the session that one batch of
// writes contained.
func (n *Node) Sent(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {
	n.each(now, id, ms, e, dialect.Session.Sent)
}

// Command passes an application's request to the dialect's rules.
func (n *Node) Command(now time.Time, cmd any, e *Effects) {
	n.now = now
	n.rules.Command(now, cmd, &n.out)
	n.settle(now, nil, e)
	n.finish(now, e)
}

// Learn adds addresses from a source outside the dialect, such as a seed file.
// They may be host names, and are given up later than what peers tell.
func (n *Node) Learn(now time.Time, as []addr.Addr, e *Effects) {
	n.now = now
	n.learn(as, addr.Addr{})
	n.finish(now, e)
}

// Drop ends a link at the application's request, after what is queued on it
// has gone out. The kind of why decides what follows, as it does in Closed.
func (n *Node) Drop(now time.Time, id LinkID, why error, e *Effects) {
	n.now = now
	n.endLater(id, why, true)
	n.finish(now, e)
}

// Stop ends every link, after what is queued on it has gone out, and makes no
// more. If there are many, it ends the first and the calls of Wake that follow
// the rest: go on until Next is zero. What Saved returns afterwards has the
// outbound links of that moment as anchors.
func (n *Node) Stop(now time.Time, why error, e *Effects) {
	n.now = now
	if n.stopped {
		return
	}
	n.stopped = true
	err := fault.New(fault.Local, "stop", cause(why))
	for _, l := range n.made {
		n.endTogether(l.id, err, true)
	}
	n.finish(now, e)
	n.saver.save(now, e)
}

// finish carries out what a call has left to do.
func (n *Node) finish(now time.Time, e *Effects) {
	n.endSome()
	n.drain(now, e)
	n.plan(now, e)
	n.saver.check(now, e)
}

func cause(why error) error {
	if why == nil {
		return errStopped
	}
	return why
}

// earlier returns the earlier of two times, of which zero ones do not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later returns t, but no time before floor, and zero if t is.
func later(t, floor time.Time) time.Time {
	if !t.IsZero() && t.Before(floor) {
		return floor
	}
	return t
}

func due(now, at time.Time) bool { return !at.IsZero() && !at.After(now) }
