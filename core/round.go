package core

import (
	"slices"
	"time"

	"parley/addr"
	"parley/fault"
)

// round is the state of CAT rounds: factom-p2p 1.13 drops random peers every
// so often, so that the network keeps mixing.
type round struct {
	next     time.Time // zero before the first Wake, or without rounds
	held     int
	dropping bool // the round held last is not through yet
}

// maxDrops is how many links one call drops. If a round has to drop more, the
// node wants to be woken again at once.
const maxDrops = 64

// trimBudget is about how many addresses one call looks at after limits were
// lowered.
const trimBudget = 2048

// holdRound holds a round if one is due. Links are dropped at random, but not
// those to peers to hold on to and attached ones.
func (n *Node) holdRound(now time.Time, e *Effects) {
	r := &n.round
	switch {
	case n.cfg.RoundTime == 0:
		return
	case r.next.IsZero():
		r.next = now.Add(n.cfg.RoundTime)
	case !now.Before(r.next):
		r.next = now.Add(n.cfg.RoundTime)
		r.held++
		r.dropping = n.cfg.DropTo > 0
		n.saver.save(now, e)
	}
	if r.dropping {
		r.dropping = n.dropRandom(n.tally.up - n.cfg.DropTo)
	}
}

// dropRandom ends up to over random links, and reports whether more than it
// may end in one call are left.
func (n *Node) dropRandom(over int) (more bool) {
	var all []*link
	for _, l := range n.live {
		if !l.always && !l.attached {
			all = append(all, l)
		}
	}
	over = min(over, len(all))
	why := fault.New(fault.Refused, "round", errRound)
	for i := range min(max(over, 0), maxDrops) {
		j := i + n.host.Rand.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
		n.partLater(all[i].id, why)
	}
	return over > maxDrops
}

// swap ends the youngest of the links that this node dialed and dials another
// address instead, if it is time to and there is one. Two parts of a network that
// lost sight of each other, each with all the links it wants, meet again this
// way. The older links stay, so whoever fills the book with addresses of his own
// wins one link of a node and no more.
func (n *Node) swap(now time.Time, e *Effects) {
	switch {
	case n.cfg.Rotate == 0 || n.cfg.RoundTime > 0 || n.cfg.Only || n.cfg.Outbound == 0 && n.cfg.Target == 0:
		n.rotate = time.Time{}
		return
	case n.rotate.IsZero():
		// Not all nodes that started at once at the same moment.
		n.rotate = now.Add(n.cfg.Rotate/2 + time.Duration(n.host.Nonce%uint64(n.cfg.Rotate)))
		return
	case now.Before(n.rotate):
		return
	}
	n.rotate = now.Add(n.cfg.Rotate)
	i := len(n.live) - 1
	for i >= 0 && (!n.live[i].dialed || n.live[i].always || n.live[i].attached) {
		i--
	}
	if i < 0 || n.missing() > 0 || n.room() < 0 || n.tally.dialing >= n.cfg.Dials {
		return
	}
	if a, ok := n.book.Take(now, n.host.Rand, n.mayDial); ok {
		n.partLater(n.live[i].id, fault.New(fault.Refused, "rotate", errSwapped))
		n.dial(a, false, n.book.Tries(a), e)
	}
}

// Tune replaces the limits. Links over a lowered limit are ended, the youngest
// first, and addresses over one given up, the worst first; if there are many, the
// calls of Wake that follow go on with it. Peers no longer to be held on to become
// ordinary ones, and the other way round. Twice stays what it was for New.
func (n *Node) Tune(now time.Time, cfg Config, e *Effects) {
	n.now = now
	old := n.cfg
	n.cfg = cfg.filled()
	n.cfg.Twice = old.Twice
	n.tuneKept(now, old)
	n.book.Tune(n.cfg.book())
	n.trimming = n.book.Trim(trimBudget / 8)
	if n.cfg.RoundTime != old.RoundTime {
		n.round.next = time.Time{}
		if n.cfg.RoundTime > 0 {
			n.round.next = now.Add(n.cfg.RoundTime)
		}
	}
	if n.cfg.Rotate != old.Rotate || n.cfg.RoundTime != old.RoundTime || n.cfg.Only != old.Only ||
		n.cfg.Outbound != old.Outbound || n.cfg.Target != old.Target {
		n.rotate = time.Time{}
		n.swap(now, e)
	}
	n.round.dropping = n.round.dropping && n.cfg.RoundTime > 0 && n.cfg.DropTo > 0
	n.endExcess()
	n.finish(now, e)
}

// tuneKept brings links and book in line with who is to be held on to.
func (n *Node) tuneKept(now time.Time, old Config) {
	if slices.Equal(n.cfg.Always, old.Always) && slices.Equal(n.cfg.Trusted, old.Trusted) {
		return
	}
	n.keep.set(n.cfg.Always, now)
	n.learn(old.Always, addr.Addr{})
	for _, a := range n.cfg.Always {
		n.book.Remove(a)
	}
	for _, l := range n.made {
		n.setAlways(l, l.admitted && n.kept(l) || l.dialed && n.keep.byAddr[l.addr] != nil)
	}
}

// endExcess ends the links over any limit: it goes through all of them from the
// oldest, and those that exceed a count have to go.
func (n *Node) endExcess() {
	var out, in, opening, all int
	hosts, groups := map[addr.Addr]int{}, map[addr.Group]int{}
	why := fault.New(fault.Refused, "tune", errLimit)
	over := func(c *int, limit int) bool { *c++; return *c > limit }
	for _, l := range n.made {
		excess := false
		switch {
		case l.attached:
		case !l.dialed && !l.up && over(&opening, n.cfg.Opening):
			excess = true
		case n.cfg.Only && !l.always && (l.dialed || l.admitted && !n.welcome(l)):
			excess = true
		case l.always:
		case l.dialed:
			excess = n.cfg.Target == 0 && over(&out, n.cfg.Outbound)
			if g := l.addr.Group(); l.addr.Routable() {
				groups[g]++
				excess = excess || groups[g] > n.cfg.PerGroup
			}
		default:
			h := l.addr.HostOnly()
			hosts[h]++
			excess = hosts[h] > n.cfg.PerHost && !n.keep.host(l.addr) ||
				l.admitted && over(&in, n.cfg.Inbound)
		}
		if counted := !l.attached && !l.always && (l.dialed || l.admitted); counted && !excess && n.cfg.Total > 0 {
			excess = over(&all, n.cfg.Total)
		}
		if excess {
			n.endTogether(l.id, why, true)
		}
	}
}
