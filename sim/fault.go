package sim

import (
	"slices"
	"time"
)

// Faults happen when they are called, or, called while effects are carried
// out, right after. Scripts call them between runs or from After.

// Crash ends a node's program without a word. Its machine stays: connections
// to it are reset after their delay and connection requests are refused.
func (w *World) Crash(n *Node) { w.soon(func() { w.fell(n, crashed) }) }

// Vanish ends a node and its machine, as a power failure does: nothing answers
// any more. Peers notice by their own timeouts, or once the node is back.
func (w *World) Vanish(n *Node) { w.soon(func() { w.fell(n, vanished) }) }

// Restart starts a node that is down, at the same address, with a new core and
// nonce, and with what its core would have saved at its end. It does nothing
// to a node that is up.
func (w *World) Restart(n *Node) { w.soon(func() { w.rise(n) }) }

// Forget loses what a node that is down has saved: its next run knows its
// seeds alone.
func (n *Node) Forget() { n.saved = nil }

// Split cuts the network into groups; nodes in none of them form one more.
// Connections across the cut carry nothing until it heals, but stand: their
// ends notice by the dialect's rules or not at all. Connection requests time
// out. A further Split replaces the cut.
func (w *World) Split(groups ...[]*Node) {
	w.soon(func() {
		for _, n := range w.nodes {
			n.part = 0
		}
		for i, g := range groups {
			for _, n := range g {
				n.part = int32(i + 1)
			}
		}
		if !w.cut {
			w.trouble++
		}
		w.cut = true
		w.mend()
	})
}

// Heal undoes Split. What was held up arrives one round trip later.
func (w *World) Heal() {
	w.soon(func() {
		if w.cut {
			w.cut = false
			w.trouble--
			w.mend()
		}
	})
}

// Stall makes a node stop reading for d, as a program does that is busy, is
// swapped out, or means harm. It still writes and keeps time. Of each
// connection it lets [Window] bytes come near; then its peers' outboxes fill.
func (w *World) Stall(n *Node, d time.Duration) {
	w.soon(func() {
		if n.state != up || d <= 0 {
			return
		}
		if n.stall == 0 {
			w.trouble++
		}
		n.stall = max(n.stall, w.now+int64(d))
		w.queue.Push(n.stall, evRead, 0, n.index, 0)
	})
}

// soon calls f, now or right after the effects that are being carried out.
func (w *World) soon(f func()) {
	if w.busy {
		w.After(0, f)
		return
	}
	f()
}

// fell takes a node down.
func (w *World) fell(n *Node, how power) {
	if n.state != up {
		return
	}
	if how == vanished {
		n.note(wVanish, 0, nil)
		w.trouble++
		n.ghost = append(n.ghost, n.reading()...)
	} else {
		n.note(wCrash, 0, nil)
	}
	n.reads()
	if n.saved == nil { // or the run has not even begun
		n.saved = n.Core.Saved(w.Now())
	}
	n.state, n.armed = how, never
	for _, i := range n.live {
		n.ports[i].live = false
	}
	n.live = nil
	n.fellParting()
	for _, e := range slices.Clone(n.ends) {
		e.x.bury()
		e.x.tell(evReset)
		e.x.settle()
	}
}

// rise brings a node back.
func (w *World) rise(n *Node) {
	if n.state == up {
		return
	}
	n.note(wStart, 0, nil)
	if n.state == vanished {
		w.trouble--
	}
	w.boot(n)
	for _, x := range n.ghost {
		if x.lost { // what was sent meanwhile is sent again, and not known here
			x.unknown()
		}
	}
	n.ghost = nil
}

// reads ends a stall.
func (n *Node) reads() {
	if n.stall != 0 {
		n.stall = 0
		n.w.trouble--
	}
}

// resume reads what waited, unless the stall has been made longer.
func (n *Node) resume() {
	if n.stall == 0 || n.stall > n.w.now {
		return
	}
	n.reads()
	for _, y := range n.reading() {
		if y.cond == over {
			continue
		}
		if !y.mending {
			y.drain()
		}
		y.unstick()
	}
}

// parted reports whether a cut lies between two nodes.
func (w *World) parted(a, b *Node) bool { return w.cut && a.part != b.part }

// hold keeps an arrival that cannot be read now. It reports whether it did.
func (y *end) hold(k kind, b uint32) bool {
	x, w := y.peer(), y.n.w
	apart := w.parted(x.n, y.n)
	switch {
	case y.n.state == vanished:
		y.lost = true
		switch k {
		case evDeliver:
			w.parcels.drop(b)
		case evAccept:
			y.cond = over
			y.settle()
		}
		return true
	case apart && k == evReset:
		x.told = false // nobody sends a reset twice, unless asked again
		return true
	case y.conn.settled, !y.held && !apart && y.n.stall == 0:
		return false
	}
	y.held = true
	y.more().wait = append(y.ex.wait, late{k, b})
	return true
}

// drain reads what waited, in order, until something holds it up again.
func (y *end) drain() {
	for y.held && y.n.stall == 0 && !y.n.w.parted(y.peer().n, y.n) {
		ex := y.ex
		l := ex.wait[0]
		if ex.wait = ex.wait[1:]; len(ex.wait) == 0 {
			ex.wait, y.held = nil, false
			if y.cond == open {
				y.slim()
			}
		}
		y.take(l.k, l.b)
	}
	y.unstick()
}

// unstick tells the other side's writer that there is room again.
func (y *end) unstick() {
	x := y.peer()
	if x.ex != nil && x.ex.stuck {
		x.ex.stuck = false
		x.later(x.n.w.now+int64(x.conn.path.Delay), evPump, 0, 0)
	}
}

// mend sees to everything that a cut held up and that none does any more. It
// is sent again and arrives a round trip from now, after what is under way.
func (w *World) mend() {
	for i := range w.conns.made {
		c := w.conns.get(i)
		if c.ends[0].n == nil || c.ends[1].n == nil || w.parted(c.ends[0].n, c.ends[1].n) {
			continue
		}
		for k := range c.ends {
			y := &c.ends[k]
			y.unstick()
			if y.held && !y.mending {
				y.mending = true
				p := y.peer().out()
				p.last = max(w.now+2*p.delay, p.last)
				y.later(p.last, evDrain, 0, 0)
			}
		}
	}
}
