package core

import (
	"time"

	"parley/dialect"
)

const (
	// minStep is how long a session or rules that want to be woken again at once
	// have to wait, so that a mistake in a dialect can not stop the node.
	minStep = time.Millisecond
	// maxWakes is how many sessions one Wake serves. If more are due, Next
	// says so.
	maxWakes = 128
)

// each lets the session of a link handle messages one by one.
func (n *Node) each(now time.Time, id LinkID, ms []dialect.Message, e *Effects, f func(dialect.Session, time.Time, dialect.Message, *dialect.Out)) {
	n.now = now
	for _, m := range ms {
		l := n.find(id)
		if l == nil || !l.up {
			break
		}
		f(l.ses, now, m, &n.out)
		n.settle(now, l, e)
		n.drain(now, e)
	}
	n.finish(now, e)
}

func (n *Node) wakeSessions(now time.Time, e *Effects) {
	for range maxWakes {
		l, at, ok := n.wakes.First()
		if !ok || at.After(now) {
			return
		}
		n.found = l
		l.ses.Wake(now, &n.out)
		n.settle(now, l, e)
		if l.up && !l.wake.IsZero() && !l.wake.After(now) {
			n.arm(l, now.Add(minStep))
		}
		n.drain(now, e)
	}
}

func (n *Node) wakeRules(now time.Time, e *Effects) {
	if at := later(n.rules.Next(), n.ruleWake); due(now, at) {
		n.ruleWake = now.Add(minStep)
		n.rules.Wake(now, &n.out)
		n.settle(now, nil, e)
		n.drain(now, e)
	}
}

// settle takes what rules or the session of l asked for. Links to be ended
// are only noted: drain ends them.
func (n *Node) settle(now time.Time, l *link, e *Effects) {
	o := &n.out
	for _, s := range o.Send {
		to := n.find(s.To)
		if to == nil || !to.up {
			continue
		}
		e.Send = append(e.Send, s)
		if to != l {
			n.arm(to, to.ses.Next())
		}
	}
	e.Note = append(e.Note, o.Note...)
	if len(o.Learn) > 0 {
		n.learnFrom(l, n.some(o.Learn))
	}
	for _, d := range o.End {
		n.endLater(d.Link, d.Why, false)
	}
	if l != nil && l.up {
		n.arm(l, l.ses.Next())
	}
	clear(o.Send)
	clear(o.Note)
	clear(o.End)
	*o = dialect.Out{Send: o.Send[:0], Note: o.Note[:0], Learn: o.Learn[:0], End: o.End[:0]}
}

// arm sets when the session of l is woken.
func (n *Node) arm(l *link, at time.Time) {
	if l.wake.Equal(at) && (l.wakePos != 0) == !at.IsZero() {
		return
	}
	l.wake = at
	if at.IsZero() {
		n.wakes.Remove(l)
		return
	}
	n.wakes.Put(l, at, uint64(l.id))
}
