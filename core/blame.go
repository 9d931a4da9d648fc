package core

import (
	"fmt"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/internal/heapq"
)

// points is what the kinds of fault cost a peer. The others cost it nothing
// but the pause before it is dialed again: networks fail, and a refusal is
// anybody's right.
var points = map[fault.Kind]int{
	fault.Protocol: 50,
	fault.Abuse:    100,
}

const (
	// halfLife is how long it takes to forgive half of the blame.
	halfLife = 10 * time.Minute
	// maxBlames is how many blamed machines and identities are remembered.
	// Beyond it, the one blamed the longest ago is forgiven.
	maxBlames = 4096
	// milli is the unit of scores: a thousandth of a point.
	milli = 1000
	// maxWhy is how much of a fault's text is kept with a ban or with blame, in
	// characters: the peer may have a say in it.
	maxWhy = 200
	// maxScore keeps sums from overflowing.
	maxScore = 1 << 30 * milli
)

// culprit is whom blame falls on: a machine, one port of it, or an identity.
type culprit struct {
	addr addr.Addr
	id   string
}

// blame is what one culprit has on it.
type blame struct {
	who   culprit
	score int64 // in milli points, when it was last added to
	time  time.Time
	why   string // what was added last
	seq   uint64
	pos   int
}

// blames is a bounded table of who misbehaved. It outlives the links.
type blames struct {
	by    map[culprit]*blame
	queue heapq.Queue[*blame] // by the time of the last blame
	seq   uint64
}

func newBlames() blames {
	return blames{
		by: map[culprit]*blame{},
		queue: heapq.New(func(a, b *blame) bool { return a.seq < b.seq },
			func(b *blame) *int { return &b.pos }),
	}
}

// at returns the score at now. It falls by half in every half-life, in a
// straight line in between, so that it takes no floating point to agree on.
func (b *blame) at(now time.Time) int64 {
	d := now.Sub(b.time)
	if d <= 0 {
		return b.score
	}
	halves := int64(d / halfLife)
	if halves > 62 {
		return 0
	}
	s := b.score >> halves
	return s - s/2*(d%halfLife).Milliseconds()/halfLife.Milliseconds()
}

// add adds points to a culprit and returns its score in points.
func (s *blames) add(now time.Time, who culprit, pts int, why string) int {
	b := s.by[who]
	if b == nil {
		if len(s.by) >= maxBlames {
			if old, ok := s.queue.First(); ok {
				s.remove(old)
			}
		}
		b = &blame{who: who}
		s.by[who] = b
	}
	s.seq++
	b.score = min(b.at(now)+int64(pts)*milli, maxScore)
	b.time, b.why, b.seq = now, why, s.seq
	s.queue.Put(b)
	return int(b.score / milli)
}

func (s *blames) remove(b *blame) {
	delete(s.by, b.who)
	s.queue.Remove(b)
}

// clear forgives a culprit, because it has been banned instead.
func (s *blames) clear(who culprit) {
	if b := s.by[who]; b != nil {
		s.remove(b)
	}
}

// score returns the points of a culprit.
func (s *blames) score(now time.Time, who culprit) int {
	if b := s.by[who]; b != nil {
		return int(b.at(now) / milli)
	}
	return 0
}

// machine returns the address under which a peer that opened is blamed and banned,
// and any is counted as a source of addresses: its machine. Where many nodes share a
// machine that must not suffer together, on loopback and beside peers to hold
// on to, it is the peer's own port.
func (n *Node) machine(l *link) addr.Addr {
	switch {
	case !l.addr.IP.IsLoopback() && !n.keep.host(l.addr):
		return l.addr.HostOnly()
	case l.listen.Dialable():
		return l.listen
	}
	return l.addr
}

// blamed returns the address that the peer of l is blamed and banned under. What
// answers where others told us to dial, and never opened, may be any program:
// it says nothing about the rest of its machine.
func (n *Node) blamed(l *link) addr.Addr {
	if l.dialed && l.opened.IsZero() {
		return l.addr
	}
	return n.machine(l)
}

// culprits returns whom blame for l falls on. Blame for an identity follows it
// to other machines; a dialect whose identities anybody can claim must make
// the remote address part of them, or peers could get each other banned.
func (n *Node) culprits(l *link) []culprit {
	who := []culprit{{addr: n.blamed(l)}}
	if l.intro.ID != "" {
		who = append(who, culprit{id: l.intro.ID})
	}
	return who
}

// blameOf returns the points of the peer of l, and what it got the last of them
// for, if it still has any.
func (n *Node) blameOf(now time.Time, l *link) (worst int, why string) {
	for _, who := range n.culprits(l) {
		if points := n.blames.score(now, who); points > worst {
			worst, why = points, n.blames.by[who].why
		}
	}
	return worst, why
}

// punish blames the peer of a link that ended through its fault, and bans it
// when that was once too often. Peers to hold on to are blamed but not banned:
// whom the operator named, only the operator bans. Nor is the port that a
// local program happened to connect from, as the next connection has another.
func (n *Node) punish(now time.Time, l *link, why error, e *Effects) {
	pts := points[fault.KindOf(why)]
	if pts == 0 {
		return
	}
	who, worst, because := n.culprits(l), 0, fmt.Sprintf("%.*s", maxWhy, why)
	for _, c := range who {
		worst = max(worst, n.blames.add(now, c, pts, because))
	}
	m := n.blamed(l)
	if worst < n.cfg.BanScore || n.cfg.BanTime == 0 || l.always || !l.dialed && m == l.addr {
		return
	}
	for _, c := range who {
		n.blames.clear(c)
	}
	n.ban(now, Ban{Addr: m, ID: l.intro.ID, Until: now.Add(n.cfg.BanTime), Why: because})
	n.drain(now, e)
}
