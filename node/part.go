package node

import (
	"io"
	"time"

	"parley/fault"
)

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

// ends is what the reader does at the end of the stream. It reports whether the
// link goes on without it.
func (l *Link) ends(err error) bool {
	if err != io.EOF {
		return l.closing.Load() && !l.drained.Load() // the writer's deadlines bound that
	}
	if !l.closing.Load() && !l.parting.Load() {
		why := fault.New(fault.IO, "read", err)
		l.n.inbox.put(func(now time.Time) {
			l.n.core.Ended(now, l.id, why, &l.n.eff)
			l.n.trace(now, l.id, "ended", why)
		})
		return true
	}
	return !l.drained.Load()
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

// partDue reports when hurry is due, or the zero time.
func (n *Node) partDue() (at time.Time) {
	for _, l := range n.parting {
		at = earliest(at, l.until)
	}
	return at
}
