package sim

import (
	"slices"
	"time"

	"parley/core"
)

// begin returns empty effects for a call into a core. The caller calls, and
// then finishes.
func (w *World) begin() *core.Effects {
	if w.busy {
		panic("sim: a core is called while effects are carried out")
	}
	w.busy = true
	w.eff.Reset()
	return &w.eff
}

// finish carries out the effects of a call, in the order of their fields. None
// of it calls a core: what has to be told to one becomes an event.
func (n *Node) finish(call what, id core.LinkID, err error) {
	e := &n.w.eff
	n.note(call, id, err)
	for i := range e.Peers {
		n.change(&e.Peers[i])
	}
	for _, v := range e.Note {
		n.note(wNote, v.Link, nil)
		if n.Note != nil {
			n.Note(v)
		}
	}
	for _, m := range e.Send {
		n.note(wSend, m.To, nil)
		if x := n.find(m.To); x != nil {
			x.queue(m.Msg, true, nil)
		}
	}
	for _, c := range e.Close {
		n.note(wClose, c.Link, c.Why)
		if x := n.find(c.Link); x != nil {
			x.shut(c)
		}
	}
	for _, d := range e.Dial {
		n.note(wDial, d.Link, nil)
		n.dial(d)
	}
	if e.Save {
		n.note(wSave, 0, nil)
	}
	n.w.busy = false
	n.arm()
}

// change keeps the list of live links, and tells the application.
func (n *Node) change(c *core.Change) {
	if c.Up {
		n.note(wUp, c.Link, nil)
		if x := n.find(c.Link); x != nil {
			x.always, x.dialed, x.addr = c.Always, c.Dialed, c.Addr
			n.live = append(n.live, x.port)
			x.out().live = true
		}
	} else {
		n.note(wDown, c.Link, c.Why)
		n.live = slices.DeleteFunc(n.live, func(i uint32) bool {
			if n.ports[i].id != c.Link {
				return false
			}
			n.ports[i].live = false
			return true
		})
	}
	if n.Peer != nil {
		n.Peer(*c)
	}
}

// Do calls the node's core and carries out what it wants: ban, drop, learn,
// tune, stop. It does so at once, or right after the effects that are being
// carried out. It does nothing if the node is down by then.
func (n *Node) Do(f func(c *core.Node, now time.Time, e *core.Effects)) {
	if n.w.busy {
		n.w.After(0, func() { n.Do(f) })
		return
	}
	if n.state == up {
		f(n.Core, n.w.Now(), n.w.begin())
		n.finish(wDo, 0, nil)
	}
}

// Command passes a request to the dialect's rules; see [dialect.Rules]. It is
// done when Do would do it.
func (n *Node) Command(cmd any) {
	n.Do(func(c *core.Node, now time.Time, e *core.Effects) { c.Command(now, cmd, e) })
}

// arm asks the core when it wants to be woken, and sees to it. What changes the
// answer is a call into the core, and this is done after each.
func (n *Node) arm() {
	n.due = never
	if next := n.Core.Next(); !next.IsZero() {
		n.due = int64(next.Sub(epoch))
	}
	n.await()
}

// await sees to it that an event wakes the core when it is due. One that comes
// earlier than that is left alone: it will look again.
func (n *Node) await() {
	if n.due == never {
		return
	}
	at := max(n.due, n.w.now)
	if n.armed == never || at < n.armed {
		n.armed = at
		n.w.queue.Push(at, evWake, 0, n.index, 0)
	}
}

// wake runs what is due in the core.
func (n *Node) wake(at int64) {
	if n.state != up || n.armed != at {
		return
	}
	n.armed = never
	if n.due == never || n.due > at {
		n.await()
		return
	}
	n.Core.Wake(n.w.Now(), n.w.begin())
	n.finish(wWake, 0, nil)
}
