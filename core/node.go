package core

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// Node is the brain of a node: whom to dial, admit, keep, share and ban. It is
// a state machine without goroutines, locks, clocks or I/O. Its caller reports
// what happened and carries out the [Effects]; given the same seed and the
// same calls it always answers the same.
//
// Every method that can decide something takes the time and an empty *Effects.
// After each call the caller looks at Next. A Node is not safe for concurrent
// use.
type Node struct {
	cfg     Config
	host    Host
	rules   dialect.Rules
	links   map[LinkID]*link
	made    []*link  // links in the order they were made
	live    []LinkID // links that are up, in the order they opened
	book    map[addr.Addr]*entry
	order   []*entry // the book in the order learned
	last    LinkID
	retry   time.Time
	stopped bool
	tmp     dialect.Out
}

type link struct {
	id       LinkID
	addr     addr.Addr
	dialed   bool
	always   bool
	attached bool
	admitted bool
	up       bool
	intro    dialect.Intro
	ses      dialect.Session
	since    time.Time
}

type entry struct {
	addr   addr.Addr
	always bool
	retry  time.Time
	fails  int
	link   LinkID
	proven bool
}

var errKnown = errors.New("already connected")

// New returns a node that knows the addresses in seeds.
func New(cfg Config, d dialect.Dialect, h Host, seeds ...addr.Addr) *Node {
	n := &Node{cfg: cfg, host: h, links: map[LinkID]*link{}, book: map[addr.Addr]*entry{}}
	n.rules = d.Rules(view{n})
	for _, a := range cfg.Always {
		n.learn(a)
		n.book[a].always = true
	}
	for _, a := range seeds {
		n.learn(a)
	}
	return n
}

// Next reports when Wake is due, or the zero time. Wake must be called once at the start.
func (n *Node) Next() time.Time {
	t := earlier(n.retry, n.rules.Next())
	for _, id := range n.live {
		t = earlier(t, n.links[id].ses.Next())
	}
	return t
}

// Wake runs everything due at now.
func (n *Node) Wake(now time.Time, e *Effects) {
	for _, id := range slices.Clone(n.live) {
		if l := n.links[id]; l != nil && due(now, l.ses.Next()) {
			l.ses.Wake(now, &n.tmp)
			n.settle(now, e)
		}
	}
	if due(now, n.rules.Next()) {
		n.rules.Wake(now, &n.tmp)
		n.settle(now, e)
	}
	n.plan(now, e)
}

// Accepted announces an inbound connection. It names the link or says why the
// connection must be closed at once, without an opening exchange.
func (n *Node) Accepted(now time.Time, from addr.Addr) (LinkID, error) {
	if n.stopped {
		return 0, fault.New(fault.Local, "accept", errors.New("stopped"))
	}
	return n.open(now, from, false).id, nil
}

// Attached announces a connection made elsewhere, outside all limits but bans.
func (n *Node) Attached(now time.Time, remote addr.Addr, dialing bool) (LinkID, error) {
	l := n.open(now, remote, dialing)
	l.attached = true
	return l.id, nil
}

// Admit decides whether an introduced peer may stay; see [dialect.Opening].
// Links that give way to it are in e.
func (n *Node) Admit(now time.Time, id LinkID, in dialect.Intro, e *Effects) error {
	l := n.links[id]
	if l == nil {
		return fault.New(fault.Local, "admit", errors.New("link is gone"))
	}
	if in.Nonce != 0 && in.Nonce == n.host.Nonce {
		return fault.New(fault.Local, "admit", dialect.ErrSelf)
	}
	for _, o := range n.made {
		if o != l && in.ID != "" && o.admitted && o.intro.ID == in.ID {
			if o.dialed == l.dialed || in.Nonce == n.host.Nonce || (n.host.Nonce > in.Nonce) == o.dialed {
				return fault.New(fault.Refused, "admit", &dialect.Refusal{Reason: errKnown.Error()})
			}
			n.finish(now, o, errKnown, e)
			break
		}
	}
	l.intro, l.admitted = in, true
	return nil
}

// Opened reports that a link's opening exchange succeeded. If the core has
// given up the link meanwhile, e closes it.
func (n *Node) Opened(now time.Time, id LinkID, in dialect.Intro, e *Effects) {
	l := n.links[id]
	if l == nil {
		e.Close = append(e.Close, Close{Link: id, Why: errors.New("given up")})
		return
	}
	l.intro, l.admitted, l.up = in, true, true
	n.live = append(n.live, id)
	if b := n.book[l.addr]; b != nil && l.dialed {
		b.fails, b.proven = 0, true
	}
	e.Peers = append(e.Peers, Change{Link: id, Up: true, Addr: l.addr, Dialed: l.dialed, Always: l.always, Intro: in})
	l.ses = n.rules.Join(now, id, in, &n.tmp)
	n.settle(now, e)
	n.plan(now, e)
}

// Received delivers the session messages that one read produced.
func (n *Node) Received(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {
	n.each(now, id, ms, e, dialect.Session.Handle)
}

// Sent delivers the outbound messages marked for the session that one batch of
// writes contained.
func (n *Node) Sent(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {
	n.each(now, id, ms, e, dialect.Session.Sent)
}

func (n *Node) each(now time.Time, id LinkID, ms []dialect.Message, e *Effects, f func(dialect.Session, time.Time, dialect.Message, *dialect.Out)) {
	for _, m := range ms {
		l := n.links[id]
		if l == nil || !l.up {
			break
		}
		f(l.ses, now, m, &n.tmp)
		n.settle(now, e)
	}
	n.plan(now, e)
}

// Command passes an application's request to the dialect's rules.
func (n *Node) Command(now time.Time, cmd any, e *Effects) {
	n.rules.Command(now, cmd, &n.tmp)
	n.settle(now, e)
	n.plan(now, e)
}

// Closed reports that a link, or the attempt to make one, has ended. The kind
// of why decides what follows; see package fault.
func (n *Node) Closed(now time.Time, id LinkID, why error, e *Effects) {
	if l := n.links[id]; l != nil {
		n.forget(now, l, why, e)
		n.plan(now, e)
	}
}

// Learn adds addresses from a source outside the dialect, such as a seed file.
func (n *Node) Learn(now time.Time, as []addr.Addr, e *Effects) {
	for _, a := range as {
		n.learn(a)
	}
	n.plan(now, e)
}

// Restore adds what an earlier run saved. Bans that are over are left out.
func (n *Node) Restore(now time.Time, s *Saved, e *Effects) {
	for _, k := range s.Peers {
		n.learn(k.Addr)
	}
	n.plan(now, e)
}

// Saved returns what is worth keeping over a restart.
func (n *Node) Saved(now time.Time) *Saved {
	s := &Saved{Time: now}
	for _, b := range n.order {
		s.Peers = append(s.Peers, Known{Addr: b.addr, Tries: b.fails, Anchor: b.link != 0})
	}
	return s
}

// Ban refuses an address until the given time and ends its links. An address
// without a port is a whole machine. It returns how many links it ended.
func (n *Node) Ban(now time.Time, b Ban, e *Effects) int { return 0 }

// Unban lifts the bans of an address: with port 0 also those of its ports. It
// reports whether there were any.
func (n *Node) Unban(now time.Time, a addr.Addr, e *Effects) bool { return false }

// Drop ends a link at the application's request, after what is queued on it
// has gone out.
func (n *Node) Drop(now time.Time, id LinkID, why error, e *Effects) {
	if l := n.links[id]; l != nil {
		e.Close = append(e.Close, Close{Link: id, Flush: true, Why: why})
		n.forget(now, l, why, e)
		n.plan(now, e)
	}
}

// Stop ends every link, after what is queued on it has gone out, and makes no more.
func (n *Node) Stop(now time.Time, why error, e *Effects) {
	n.stopped = true
	for _, l := range slices.Clone(n.made) {
		e.Close = append(e.Close, Close{Link: l.id, Flush: true, Why: why})
		n.forget(now, l, why, e)
	}
}

// Tune replaces the limits. Links over a lowered limit are ended.
func (n *Node) Tune(now time.Time, cfg Config, e *Effects) { n.cfg = cfg }

// State returns a copy of everything worth showing.
func (n *Node) State(now time.Time) State {
	s := State{Known: len(n.order)}
	for _, l := range n.made {
		s.Links = append(s.Links, LinkState{ID: l.id, Addr: l.addr, Dialed: l.dialed, Always: l.always, Opening: !l.up, Intro: l.intro, Since: l.since})
	}
	return s
}

func (n *Node) finish(now time.Time, l *link, why error, e *Effects) {
	e.Close = append(e.Close, Close{Link: l.id, Why: why})
	n.forget(now, l, why, e)
}

func (n *Node) forget(now time.Time, l *link, why error, e *Effects) {
	delete(n.links, l.id)
	n.made = slices.DeleteFunc(n.made, func(o *link) bool { return o == l })
	n.live = slices.DeleteFunc(n.live, func(id LinkID) bool { return id == l.id })
	if b := n.book[l.addr]; b != nil && l.dialed {
		b.link = 0
		pause := n.backoff() << min(b.fails, 6)
		b.retry = now.Add(pause + time.Duration(n.host.Rand.Int64N(int64(pause)/4+1)))
		b.fails++
	}
	if l.up {
		l.up = false
		e.Peers = append(e.Peers, Change{Link: l.id, Addr: l.addr, Dialed: l.dialed, Always: l.always, Intro: l.intro, Why: why})
		l.ses.Leave(now, &n.tmp)
		n.settle(now, e)
	}
}

func (n *Node) settle(now time.Time, e *Effects) {
	o := n.tmp
	n.tmp = dialect.Out{}
	e.Send = append(e.Send, o.Send...)
	e.Note = append(e.Note, o.Note...)
	for _, a := range o.Learn {
		n.learn(a)
	}
	for _, d := range o.End {
		if l := n.links[d.Link]; l != nil {
			n.finish(now, l, d.Why, e)
		}
	}
}

func (n *Node) plan(now time.Time, e *Effects) {
	n.retry = time.Time{}
	if n.stopped {
		return
	}
	start := 0
	if len(n.order) > 0 {
		start = n.host.Rand.IntN(len(n.order))
	}
	for i := range n.order {
		b := n.order[(start+i)%len(n.order)]
		if b.link != 0 || !b.always && (n.cfg.Only || n.missing() <= 0) {
			continue
		}
		if now.Before(b.retry) {
			n.retry = earlier(n.retry, b.retry)
			continue
		}
		l := n.open(now, b.addr, true)
		b.link, l.always = l.id, b.always
		e.Dial = append(e.Dial, Dial{Link: l.id, Addr: b.addr})
	}
}

func (n *Node) missing() int {
	c := 0
	for _, l := range n.made {
		if n.cfg.Target > 0 || l.dialed && !l.always {
			c++
		}
	}
	switch {
	case n.cfg.Target > 0:
		return n.cfg.Target - c
	case n.cfg.Outbound < 0:
		return 0
	case n.cfg.Outbound == 0:
		return 8 - c
	}
	return n.cfg.Outbound - c
}

func (n *Node) backoff() time.Duration {
	if n.cfg.Backoff <= 0 {
		return 5 * time.Second
	}
	return n.cfg.Backoff
}

func (n *Node) open(now time.Time, a addr.Addr, dialed bool) *link {
	n.last++
	l := &link{id: n.last, addr: a, dialed: dialed, since: now}
	n.links[l.id] = l
	n.made = append(n.made, l)
	return l
}

func (n *Node) learn(a addr.Addr) {
	if n.book[a] == nil && a.Dialable() {
		b := &entry{addr: a}
		n.book[a] = b
		n.order = append(n.order, b)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func due(now, at time.Time) bool { return !at.IsZero() && !at.After(now) }

// view is what the dialect's rules see of a node.
type view struct{ n *Node }

func (v view) Share(to LinkID, max int) []addr.Addr {
	n := v.n
	var out []addr.Addr
	for _, i := range n.host.Rand.Perm(len(n.made)) {
		l := n.made[i]
		a := l.intro.Listen
		if !a.Dialable() {
			a = l.addr
		}
		if len(out) < max && l.up && !l.always && l.id != to && (l.dialed || l.intro.Listen.Dialable()) {
			out = append(out, a)
		}
	}
	return out
}

func (v view) Links() []LinkID { return v.n.live }

func (v view) Traffic(id LinkID) (in, out time.Time) {
	l := v.n.links[id]
	if l == nil {
		return
	}
	if v.n.host.Traffic != nil {
		in, out = v.n.host.Traffic(id)
	}
	if in.Before(l.since) {
		in = l.since
	}
	if out.Before(l.since) {
		out = l.since
	}
	return in, out
}

func (v view) Want() int { return max(0, v.n.missing()) }

func (v view) Rand() *rand.Rand { return v.n.host.Rand }
