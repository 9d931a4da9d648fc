package chain

import (
	"time"

	"parley/dialect"
)

// peer is what we know of a neighbor.
type peer struct {
	height uint64 // as it told us
	failed int    // asks in a row that it left unanswered
}

// ask is a request under way. There is at most one, so that no block is asked
// of two neighbors.
type ask struct {
	peer     dialect.LinkID
	from, to uint64
	until    time.Time
}

// covers reports whether a block answers the ask. A nil ask covers nothing.
func (a *ask) covers(from dialect.LinkID, height uint64) bool {
	return a != nil && a.peer == from && height >= a.from && height <= a.to
}

// Join adds a neighbor and tells it our height.
func (c *Chain) Join(now time.Time, id dialect.LinkID, out []Send) []Send {
	c.peers[id] = &peer{}
	if len(c.peers) == 1 {
		c.told = now
		c.announce = now.Add(c.cfg.Interval)
	}
	return append(out, Send{To: id, Message: NewHave(c.height)})
}

// Leave removes a neighbor. If it owes us an answer, another is asked.
func (c *Chain) Leave(now time.Time, id dialect.LinkID, out []Send) []Send {
	delete(c.peers, id)
	if len(c.peers) == 0 {
		c.announce = time.Time{}
	}
	if c.ask != nil && c.ask.peer == id {
		c.ask = nil
	}
	return c.askNext(now, out)
}

// Next reports when Wake is due, or the zero time.
func (c *Chain) Next() time.Time {
	if c.ask != nil && c.ask.until.Before(c.announce) {
		return c.ask.until
	}
	return c.announce
}

// Wake announces our height and turns from a neighbor that does not answer to
// another, if it is time for either.
func (c *Chain) Wake(now time.Time, out []Send) []Send {
	if c.ask != nil && !now.Before(c.ask.until) {
		c.peers[c.ask.peer].failed++
		c.ask = nil
		out = c.askNext(now, out)
	}
	if !c.announce.IsZero() && !now.Before(c.announce) {
		out = c.tell(now, 0, out)
	}
	return out
}

// tell announces our height to every neighbor but one.
func (c *Chain) tell(now time.Time, not dialect.LinkID, out []Send) []Send {
	c.told = now
	c.announce = now.Add(c.cfg.Interval)
	return append(out, Send{Not: not, Message: NewHave(c.height)})
}

// calm moves the next announcement between two blocks, when copies of the last
// one are no longer under way: who hears of a height that it does not have
// should really lack it. Announcements can not be put off for ever by that.
func (c *Chain) calm(now time.Time) {
	if c.announce.IsZero() {
		return
	}
	c.announce = now.Add(c.cfg.Interval / 2)
	if latest := c.told.Add(2 * c.cfg.Interval); c.announce.After(latest) {
		c.announce = latest
	}
}

// askNext asks the most promising neighbor for the first blocks that we lack.
func (c *Chain) askNext(now time.Time, out []Send) []Send {
	if c.ask != nil {
		return out
	}
	id, p := c.ahead()
	if p == nil {
		return out
	}
	a := &ask{peer: id, from: c.height + 1, to: c.height + 1, until: now.Add(c.cfg.Retry)}
	for a.to < min(p.height, c.height+uint64(c.cfg.Batch)) && !c.holds(a.to+1) {
		a.to++
	}
	c.ask = a
	return append(out, Send{To: id, Message: newWant(a.from, a.to)})
}

// ahead returns the neighbor to ask: of those that are further than we, the one
// that failed us least, then the one that is furthest.
func (c *Chain) ahead() (dialect.LinkID, *peer) {
	var bestID dialect.LinkID
	var best *peer
	for id, p := range c.peers {
		switch {
		case p.height <= c.height:
		case best == nil, p.failed < best.failed,
			p.failed == best.failed && p.height > best.height,
			p.failed == best.failed && p.height == best.height && id < bestID:
			bestID, best = id, p
		}
	}
	return bestID, best
}

// askDone ends an ask of which nothing is missing any more. When we have caught
// up, the others are told, so that what we asked for travels on at the speed
// of messages.
func (c *Chain) askDone(now time.Time, out []Send) []Send {
	if c.ask == nil || c.height < c.ask.to {
		return out
	}
	from := c.ask.peer
	if p := c.peers[from]; p != nil {
		p.failed = 0
	}
	c.ask = nil
	if out = c.askNext(now, out); c.ask == nil {
		out = c.tell(now, from, out)
	}
	return out
}
