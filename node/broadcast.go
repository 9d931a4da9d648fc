package node

import (
	"context"
	"math/rand/v2"
	"sync"

	"parley/core"
	"parley/dialect"
	"parley/node/internal/press"
	"parley/route"
)

// table lists the live links in the order they opened. It is immutable.
type table struct {
	links   []*Link
	targets []route.Target // of the same indexes
}

// publish makes a new live table if links came up or went down.
func (n *Node) publish(changes []core.Change) {
	if len(changes) == 0 {
		return
	}
	old := n.live.Load()
	next := &table{links: make([]*Link, 0, len(old.links)+len(changes))}
	down := map[core.LinkID]bool{}
	for _, c := range changes {
		down[c.Link] = !c.Up
	}
	for _, l := range old.links {
		if !down[l.id] {
			next.links = append(next.links, l)
		}
	}
	for _, c := range changes {
		l := n.links[c.Link]
		if l == nil || !c.Up {
			continue
		}
		l.wasUp, l.always = true, c.Always
		if !down[c.Link] {
			next.links = append(next.links, l)
		}
	}
	next.targets = make([]route.Target, len(next.links))
	for i, l := range next.links {
		next.targets[i] = route.Target{Link: l.id, Addr: l.addr, Always: l.always, Dialed: l.dialed}
	}
	n.live.Store(next)
}

// scratch is what one broadcast needs besides its message.
type scratch struct {
	targets []route.Target
	picks   []int
}

// Broadcast queues m on the links to picks and reports how many took it. The
// body must not change afterwards, unless m is lent. A non-nil origin is the
// link m came from. A link whose outbox is full does what Config.Full says.
func (n *Node) Broadcast(m dialect.Message, to route.Picker, origin *Link) (queued int) {
	t := n.live.Load()
	s := n.picks.Get().(*scratch)
	defer n.picks.Put(s)
	targets := t.targets
	if origin != nil {
		s.targets = append(s.targets[:0], targets...)
		targets = s.targets
		for i := range targets {
			targets[i].Origin = targets[i].Link == origin.id
		}
	}
	s.picks = to.Pick(s.picks[:0], targets, dice{})
	if len(s.picks) == 0 {
		return 0
	}
	if m.Lent {
		m = m.Clone()
	}
	it := item{msg: m}
	if len(s.picks) > 1 {
		it.shared = new(press.Sheet)
	}
	for _, i := range s.picks {
		if t.links[i].put(&it) {
			queued++
		}
	}
	return queued
}

// presses make the wire forms of each encoding for all links.
type presses struct {
	mu     sync.Mutex
	byName map[string]*press.Press // the names are those of the dialect's encodings: a handful
}

// press returns what makes the wire forms of an encoding for all links, or nil
// for the encoding without a name, which is of one link alone.
func (n *Node) press(name string) *press.Press {
	if name == "" {
		return nil
	}
	n.presses.mu.Lock()
	defer n.presses.mu.Unlock()
	p := n.presses.byName[name]
	if p == nil {
		p = press.New(n.cfg.Outbox)
		n.presses.byName[name] = p
	}
	return p
}

// Shared is a message for several links. Its wire form is made once for all of
// them that encode alike, as it is in Broadcast; Shared is for those who choose
// the links, or wait for room.
type Shared struct {
	msg   dialect.Message
	sheet press.Sheet
}

// Share prepares m for several links. The body must not change afterwards,
// unless m is lent.
func Share(m dialect.Message) *Shared {
	if m.Lent {
		m = m.Clone()
	}
	return &Shared{msg: m}
}

// QueueShared queues a message that goes to other links too, as Queue does.
func (l *Link) QueueShared(s *Shared) bool { return l.put(&item{msg: s.msg, shared: &s.sheet}) }

// SendShared queues a message that goes to other links too, waiting for room as
// Send does.
func (l *Link) SendShared(ctx context.Context, s *Shared) error {
	_, err := l.out.send(ctx, item{msg: s.msg, shared: &s.sheet, kept: true})
	return err
}

// dice is the runtime's generator, which any goroutine may use.
type dice struct{}

func (dice) IntN(n int) int { return rand.IntN(n) }
