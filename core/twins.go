package core

import (
	"time"

	"parley/fault"
)

// Two nodes that dial each other at once have two links for a moment. Both keep
// the same one, and neither ends the other before the one that stays is open: a
// peer may have opened a link, and sent on it, before this node knows which of
// them stays. What it sent is delivered; see Close.Hear. While both exist, the
// one that stays is filed under the identity, and leads to the one that gives
// way by its field ousts.

// twins reports whether old and l may be links that two nodes made to each
// other at once, and know each other's nonce. Whoever takes the identity of
// another, with a nonce of his choice, is no twin: he could choose to oust it.
func (n *Node) twins(now time.Time, old, l *link) bool {
	a, b, was := n.host.Nonce, l.intro.Nonce, old.intro.Nonce
	young := !old.up || now.Sub(old.opened) < young
	return young && old.dialed != l.dialed && a != 0 && b != 0 && a != b && (was == b || was == 0)
}

// stays reports whether of two links to one peer the older one is kept. Both
// nodes must come to the same answer when they have dialed each other at once,
// or they would end both links: so it is that made by the higher nonce.
func (n *Node) stays(now time.Time, old, l *link) bool {
	switch {
	case n.twins(now, old, l):
		return old.dialed == (n.host.Nonce > l.intro.Nonce)
	case !old.up || now.Sub(old.opened) < young:
		return true
	}
	in, _ := n.traffic(old)
	return now.Sub(in) < healthy
}

// tolerate lets in a link that is to give way to its twin, so that what the
// peer has sent on it can be read: the listener counts the link as open once it
// has answered. It reports false where nothing can have been sent yet, or there
// is a twin already.
func (n *Node) tolerate(now time.Time, l, rival *link) bool {
	if rival == nil || !l.dialed || rival.ousts != nil || !n.twins(now, rival, l) {
		return false
	}
	rival.ousts = l
	n.change(l, func() { l.admitted = true })
	return true
}

// oust has an admitted link take the place of its rival: at once, unless they
// are twins; these change places when l opens.
func (n *Node) oust(now time.Time, l, rival *link) {
	if rival == nil {
		return
	}
	if !n.twins(now, rival, l) {
		n.endLater(rival.id, fault.New(fault.Refused, "admit", errTwice), false)
		return
	}
	if old := rival.ousts; old != nil {
		rival.ousts = nil
		n.endLater(old.id, fault.New(fault.Refused, "admit", errTwice), false)
	}
	l.ousts = rival
}

// replace has a link that just opened change places with its twin. The other
// one may also be this, if it opened last.
func (n *Node) replace(l *link) {
	keeper := n.byID[l.intro.ID] // no link is filed under ""
	switch {
	case keeper == nil || keeper == l && l.ousts == nil:
		return
	case keeper != l:
		if keeper.up && keeper.ousts == l {
			n.part(keeper, l)
		}
	case l.ousts.up:
		n.part(l, l.ousts)
	}
}

// part ends the one that gives way.
func (n *Node) part(keeper, l *link) {
	keeper.ousts = nil
	n.ends = append(n.ends, ending{
		id: l.id, why: fault.New(fault.Refused, "admit", errTwice), flush: true,
		hear: true, last: n.host.Nonce < l.intro.Nonce,
	})
}

// guest reports whether l was let in although it is to give way.
func (n *Node) guest(l *link) bool {
	k := n.byID[l.intro.ID]
	return l.admitted && k != nil && k.ousts == l
}

// ousting returns the admitted link that is to take the place of l once it is
// open, or nil.
func (n *Node) ousting(l *link) *link {
	if k := n.byID[l.intro.ID]; k != nil && k.ousts == l && !k.up {
		return k
	}
	return nil
}

// inherit files the twin of a link that has ended, or is not to give way any
// more, in its place.
func (n *Node) inherit(l *link) {
	if k := n.byID[l.intro.ID]; k != nil && k.ousts == l {
		k.ousts = nil
	}
	heir := l.ousts
	if l.ousts = nil; heir == nil || !heir.admitted {
		return
	}
	n.file(heir)
	if heir.over != nil {
		n.endLater(heir.id, heir.over, true)
	}
}

// Ended reports that the peer of a link has ended its half of the connection in
// good order, and will send no more. The node ends the other half after what
// is queued has gone out. It takes its time if another link is about to take
// the place of this one, so that there is one throughout.
func (n *Node) Ended(now time.Time, id LinkID, why error, e *Effects) {
	n.now = now
	l := n.find(id)
	if l == nil {
		return
	}
	if n.ousting(l) != nil {
		l.over = why
		return
	}
	e.Close = append(e.Close, Close{Link: id, Flush: true, Why: why})
	n.forget(now, l, why, e)
	n.finish(now, e)
}
