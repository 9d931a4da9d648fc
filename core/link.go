package core

import (
	"cmp"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

const (
	// young is how long after opening a link may still turn out to be one of
	// two made at once, and how long it must last to count as a success.
	young = 30 * time.Second
	// selfPause is how long an address that leads to this node is left alone.
	selfPause = time.Hour
	// maxPlaces is how many addresses one link keeps from being dialed.
	maxPlaces = 64
)

// link is one connection, or an attempt to make one. What waking its session
// looks at comes first, next to each other in memory.
type link struct {
	id      LinkID // immutable
	ses     dialect.Session
	wake    time.Time
	wakePos int
	opened  time.Time

	always   bool // to a peer to hold on to
	admitted bool // introduced, and may stay
	refused  bool // this node ends it for reasons of its own
	up       bool

	// Immutable.
	dialed   bool
	attached bool // made elsewhere, outside all limits
	tries    int  // failures of the address before this link
	made     time.Time
	addr     addr.Addr // as dialed, or as the transport saw it

	order  uint64 // among the links that opened
	intro  dialect.Intro
	listen addr.Addr   // where the peer can be dialed, as far as it can be believed
	places []addr.Addr // the addresses in use by this link
	ousts  *link       // the twin whose place this takes when it opens, or nil
	over   error       // why the peer has ended its half, while that waits for a twin to open
}

// tally counts links. Those to peers to hold on to and attached ones are
// outside all limits and therefore not counted but in up and opening.
type tally struct {
	up      int // links that are up
	out     int // dialed, from the moment they are
	dialing int // of these, not open yet
	in      int // accepted and admitted
	opening int // accepted and not open yet
}

// count adds by to the counts that l belongs to in its present state.
func (n *Node) count(l *link, by int) {
	t, counted := &n.tally, !l.always && !l.attached
	if l.up {
		t.up += by
	}
	switch {
	case l.dialed && counted:
		t.out += by
		n.book.Use(l.addr, by)
		if !l.up {
			t.dialing += by
		}
	case !l.dialed && counted && l.admitted:
		t.in += by
	}
	if !l.dialed && !l.attached && !l.up {
		t.opening += by
	}
}

// change alters what l is counted by.
func (n *Node) change(l *link, f func()) {
	n.count(l, -1)
	f()
	n.count(l, 1)
}

// add makes a link.
func (n *Node) add(l link) *link {
	n.lastID++
	l.id, l.made = n.lastID, n.now
	p := &l
	n.links[p.id] = p
	n.made = append(n.made, p)
	n.count(p, 1)
	if !p.dialed && !p.attached {
		n.perHost[p.addr.HostOnly()]++
	}
	return p
}

// find returns a link that there is, or nil. What a session asks for mostly
// concerns its own link, so the link found last is asked before the table.
func (n *Node) find(id LinkID) *link {
	if l := n.found; l != nil && l.id == id {
		return l
	}
	l := n.links[id]
	n.found = l
	return l
}

// ending is a link to be ended.
type ending struct {
	id    LinkID
	why   error
	flush bool
	hear  bool // see Close
	last  bool
}

// endLater notes that a link has to end. Ending it at once would let a session
// run within another's call.
func (n *Node) endLater(id LinkID, why error, flush bool) {
	n.ends = append(n.ends, ending{id: id, why: why, flush: flush})
}

// partLater notes that a link has to end that did nothing wrong: what its peer has
// sent is delivered; see Close.Hear.
func (n *Node) partLater(id LinkID, why error) {
	n.ends = append(n.ends, ending{id: id, why: why, flush: true, hear: true})
}

// maxEnds is how many links of those that end together one call ends. The node
// wants to be woken again at once for the rest.
const maxEnds = 64

// endTogether notes that a link has to end with many others.
func (n *Node) endTogether(id LinkID, why error, flush bool) {
	n.many = append(n.many, ending{id: id, why: why, flush: flush})
}

// endSome goes on with what has to end together.
func (n *Node) endSome() {
	k := min(len(n.many), maxEnds)
	n.ends = append(n.ends, n.many[:k]...)
	n.many = slices.Delete(n.many, 0, k)
}

// drain ends the links that have to end, and those whose end follows from it.
func (n *Node) drain(now time.Time, e *Effects) {
	for i := 0; i < len(n.ends); i++ {
		x := n.ends[i]
		l := n.find(x.id)
		if l == nil {
			continue
		}
		switch fault.KindOf(x.why) {
		case fault.None, fault.Refused, fault.Local:
			l.refused = true
		}
		e.Close = append(e.Close, Close{Link: x.id, Flush: x.flush, Hear: x.hear, Last: x.last, Why: x.why})
		down := len(e.Peers)
		n.forget(now, l, x.why, e)
		if x.hear {
			e.Peers[down].Hear = true
		}
	}
	clear(n.ends)
	n.ends = n.ends[:0]
}

// Closed reports that a link, or the attempt to make one, has ended. The kind
// of why decides what follows; see package fault.
func (n *Node) Closed(now time.Time, id LinkID, why error, e *Effects) {
	n.now = now
	l := n.find(id)
	if l == nil {
		return
	}
	n.forget(now, l, why, e)
	n.finish(now, e)
}

// forget removes a link that has ended and draws the consequences.
func (n *Node) forget(now time.Time, l *link, why error, e *Effects) {
	n.withdraw(l)
	n.count(l, -1)
	delete(n.links, l.id)
	n.found = nil
	i, _ := slices.BinarySearchFunc(n.made, l.id, func(l *link, id LinkID) int { return cmp.Compare(l.id, id) })
	n.made = slices.Delete(n.made, i, i+1)
	if !l.dialed && !l.attached {
		n.leaveHost(l.addr.HostOnly())
	}
	tries := l.outcome(now, why)
	if l.up {
		n.down(now, l, why, e)
	}
	n.vacate(now, l, tries, why)
	n.followOffer(l, why)
	n.punish(now, l, why, e)
}

func (n *Node) leaveHost(host addr.Addr) {
	if n.perHost[host]--; n.perHost[host] == 0 {
		delete(n.perHost, host)
	}
}

// down ends the session of a link that was up.
func (n *Node) down(now time.Time, l *link, why error, e *Effects) {
	i, _ := slices.BinarySearchFunc(n.live, l.order, func(l *link, order uint64) int { return cmp.Compare(l.order, order) })
	n.live = slices.Delete(n.live, i, i+1)
	n.liveIDs = slices.Delete(n.liveIDs, i, i+1)
	n.wakes.Remove(l)
	l.up = false
	e.Peers = append(e.Peers, l.changed(why))
	l.ses.Leave(now, &n.out)
	n.settle(now, nil, e)
}

// changed describes l as it is now.
func (l *link) changed(why error) Change {
	return Change{Link: l.id, Up: l.up, Addr: l.addr, Dialed: l.dialed, Always: l.always, Intro: l.intro, Why: why}
}

// outcome returns how often the address of l has failed in a row, now that l
// has ended. A link that does not last is a failure even if it opened: else a
// peer that takes connections only to end them would be dialed without pause.
func (l *link) outcome(now time.Time, why error) int {
	k := fault.KindOf(why)
	switch {
	case l.up && (now.Sub(l.opened) >= young || l.refused || k == fault.None || k == fault.Local):
		return 0
	case l.refused:
		return l.tries
	}
	return l.tries + 1
}
