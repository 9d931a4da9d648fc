package core

import (
	"errors"
	"time"

	"parley/addr"
	"parley/dialect"
)

const (
	// maxDoublings bounds the pause between attempts: 64 times the first for
	// ordinary addresses, 16 times for peers to hold on to.
	maxDoublings     = 6
	maxKeepDoublings = 4
	// recheck is how long a banned address is left alone before it is looked
	// at again, because the ban may have been lifted.
	recheck = time.Minute
	// maxFollow is how many addresses of one refusal are learned.
	maxFollow = 32
)

// plan dials until there are as many links as wanted or nobody is left to dial.
func (n *Node) plan(now time.Time, e *Effects) {
	n.retry = time.Time{}
	if n.stopped {
		return
	}
	n.planKept(now, e)
	for n.missing() > 0 && n.tally.dialing < n.cfg.Dials {
		a, ok := n.book.Take(now, n.host.Rand, n.mayDial)
		if !ok {
			n.retry = n.book.Next(now)
			return
		}
		n.dial(a, false, n.book.Tries(a), e)
	}
}

// dial starts an attempt and counts it as a link at once, so that attempts
// under way are not dialed over.
func (n *Node) dial(a addr.Addr, always bool, tries int, e *Effects) {
	l := n.add(link{addr: a, dialed: true, always: always, tries: tries})
	n.places[a] = l
	l.places = append(l.places, a)
	e.Dial = append(e.Dial, Dial{Link: l.id, Addr: a})
}

// missing returns how many ordinary links should be dialed, counting attempts
// under way as links.
func (n *Node) missing() int {
	if n.cfg.Only {
		return 0
	}
	missing := n.cfg.Outbound - n.tally.out
	if n.cfg.Target > 0 {
		missing = n.cfg.Target - n.tally.up - n.tally.dialing
	}
	return min(missing, n.room())
}

// room returns how many more links the limit on all of them allows.
func (n *Node) room() int {
	if n.cfg.Total == 0 {
		return noLimit
	}
	return n.cfg.Total - n.tally.in - n.tally.out
}

// may reports whether a candidate may be dialed; see [book.Book.Take].
func (n *Node) may(a addr.Addr, id string) (time.Time, bool) {
	if until := n.bans.until(n.now, a); until.After(n.now) {
		return earlier(until, n.now.Add(recheck)), false
	}
	l := n.leadsTo(a, id)
	switch {
	case l == nil:
		return time.Time{}, true
	case n.places[a] == l || n.claim(l, a):
		return time.Time{}, false
	}
	return n.now.Add(n.pause(maxDoublings, maxDoublings)), false
}

// claim files a as in use by l, unless it is in use or l has too many. Whoever
// is at the address of a peer to hold on to is that peer.
func (n *Node) claim(l *link, a addr.Addr) bool {
	if n.places[a] != nil || len(l.places) >= maxPlaces {
		return false
	}
	n.places[a] = l
	l.places = append(l.places, a)
	if n.keep.byAddr[a] != nil && !l.always {
		n.change(l, func() { l.always = true })
	}
	return true
}

// occupy keeps a from being dialed while l exists.
func (n *Node) occupy(l *link, a addr.Addr) bool {
	if !n.claim(l, a) {
		return false
	}
	n.book.Hold(a)
	return true
}

// vacate frees the addresses in use by a link that has ended. The one it was dialed
// at failed that many times in a row.
func (n *Node) vacate(now time.Time, l *link, tries int, why error) {
	for _, a := range l.places {
		delete(n.places, a)
		n.release(now, l, a, tries, why)
	}
	l.places = nil
}

func (n *Node) release(now time.Time, l *link, a addr.Addr, tries int, why error) {
	self := errors.Is(why, dialect.ErrSelf)
	own := l.dialed && a == l.addr
	if !own {
		tries = n.book.Tries(a)
	}
	until := now.Add(n.pause(tries, maxDoublings))
	if self && own {
		until = now.Add(selfPause)
	}
	if own && !n.stopped {
		n.book.Anchor(a, false)
	}
	if own && tries == 0 && !l.opened.IsZero() {
		n.book.Worked(now, a)
	}
	id := n.book.Identity(a)
	n.book.Release(a, tries, until)
	if k := n.keep.byAddr[a]; k != nil {
		n.book.Remove(a)
		id = k.id
		n.releaseKept(now, k, own, self, tries)
	}
	if other := n.leadsTo(a, id); other != nil {
		n.occupy(other, a)
	}
}

// leadsTo returns the link to the peer at a, which led to the given identity
// when last dialed, or nil.
func (n *Node) leadsTo(a addr.Addr, id string) *link {
	if l := n.places[a]; l != nil {
		return l
	}
	if l := n.listens[a]; l != nil {
		return l
	}
	if k := n.keep.byAddr[a]; k != nil && n.listens[k.at] != nil {
		return n.listens[k.at]
	}
	return n.byID[id] // no link is filed under ""
}

// pause returns how long to wait after so many failures in a row.
func (n *Node) pause(tries, doublings int) time.Duration {
	p := n.cfg.Backoff << min(max(tries-1, 0), doublings)
	return p + time.Duration(n.host.Rand.Int64N(int64(p/2)+1))
}

// leads notes the identity that an address led to, so that the same peer is
// not dialed at two addresses.
func (n *Node) leads(a addr.Addr, id string) {
	if k := n.keep.byAddr[a]; k != nil {
		n.keep.leads(k, id)
	}
	n.book.Leads(a, id)
}

// worked notes that a link has opened.
func (n *Node) worked(now time.Time, l *link) {
	if !l.dialed {
		if l.listen.Dialable() && n.keep.byAddr[l.listen] == nil && n.book.Add(l.listen, n.machine(l)) {
			n.hold(l.listen)
			n.saver.changed(now, 1)
		}
		return
	}
	n.book.Worked(now, l.addr)
	if !l.attached {
		n.book.Anchor(l.addr, true)
	}
	n.saver.changed(now, weightProven)
}

// hold keeps an address just learned from being dialed if it is in use.
func (n *Node) hold(a addr.Addr) {
	if n.places[a] != nil {
		n.book.Hold(a)
	}
}
