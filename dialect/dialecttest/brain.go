package dialecttest

import (
	"fmt"
	"time"

	"parley/dialect"
	"parley/fault"
)

// brain runs the rules of one node, as the core would.
type brain struct {
	s     *suite
	name  string
	view  *View
	rules dialect.Rules
	last  dialect.LinkID // given out last
	live  map[dialect.LinkID]dialect.Session
	intro dialect.Intro
	stuck bool // a complaint about Wake was made; one is enough

	// send takes a message to a live link.
	send func(now time.Time, m dialect.Message)
	// ended hears of links that the rules want closed.
	ended func(now time.Time, e dialect.End)
}

func (s *suite) brain(name string, seed uint64, in dialect.Intro) *brain {
	v := NewView(seed)
	return &brain{
		s: s, name: name, view: v, intro: in,
		rules: s.d.Rules(v),
		live:  map[dialect.LinkID]dialect.Session{},
		send:  func(time.Time, dialect.Message) {},
		ended: func(time.Time, dialect.End) {},
	}
}

// join opens one more link.
func (b *brain) join(now time.Time) dialect.LinkID {
	b.last++
	id := b.last
	b.view.Join(now, id)
	var out dialect.Out
	b.live[id] = b.rules.Join(now, id, b.intro, &out)
	b.perform(now, id, &out)
	return id
}

// leave closes a link.
func (b *brain) leave(now time.Time, id dialect.LinkID) {
	s := b.live[id]
	if s == nil {
		return
	}
	delete(b.live, id)
	b.view.Leave(id)
	var out dialect.Out
	s.Leave(now, &out)
	b.perform(now, 0, &out)
}

func (b *brain) handle(now time.Time, id dialect.LinkID, m dialect.Message) {
	b.view.In[id] = now
	if m.For&dialect.ToSession == 0 || b.live[id] == nil {
		return
	}
	if m.For&dialect.ToApp != 0 {
		m.Body = nil
	}
	var out dialect.Out
	b.live[id].Handle(now, m, &out)
	b.perform(now, id, &out)
}

// next returns when something is due, or the zero time.
func (b *brain) next() time.Time {
	due := b.rules.Next()
	for _, id := range b.view.Live {
		if t := b.live[id].Next(); due.IsZero() || !t.IsZero() && t.Before(due) {
			due = t
		}
	}
	return due
}

// waker is what rules and sessions have in common.
type waker interface {
	Wake(now time.Time, out *dialect.Out)
	Next() time.Time
}

// wake runs everything due at now.
func (b *brain) wake(now time.Time) {
	b.wakeOne(now, 0, "rules", b.rules)
	for id := dialect.LinkID(1); id <= b.last; id++ {
		if s := b.live[id]; s != nil {
			b.wakeOne(now, id, fmt.Sprintf("session %d", id), s)
		}
	}
}

func (b *brain) wakeOne(now time.Time, id dialect.LinkID, name string, w waker) {
	if due := w.Next(); due.IsZero() || due.After(now) {
		return
	}
	var out dialect.Out
	w.Wake(now, &out)
	if due := w.Next(); !due.IsZero() && !due.After(now) && !b.stuck {
		b.stuck = true
		b.s.Errorf("%s: %s woken at %v is due again at %v", b.name, name, now, due)
	}
	b.perform(now, id, &out)
}

// perform carries out what rules want, and complains about what nobody could.
func (b *brain) perform(now time.Time, from dialect.LinkID, out *dialect.Out) {
	for _, a := range out.Learn {
		if !a.Dialable() || from == 0 {
			b.s.Errorf("%s: learns the address %v from link %d", b.name, a, from)
		}
	}
	for _, m := range out.Send {
		s := b.live[m.To]
		if s == nil {
			continue // gone: a late request does nothing
		}
		b.view.Out[m.To] = now
		b.send(now, m.Msg)
		if m.Msg.For&dialect.ToSession != 0 {
			var more dialect.Out
			s.Sent(now, dialect.Message{Type: m.Msg.Type, For: m.Msg.For}, &more)
			b.perform(now, m.To, &more)
		}
	}
	for _, e := range out.End {
		if e.Why == nil {
			b.s.Errorf("%s: ends link %d without saying why", b.name, e.Link)
		}
		if k := fault.KindOf(e.Why); k == fault.Local || k == fault.IO {
			b.s.Errorf("%s: ends link %d with %v of kind %v, which rules cannot know", b.name, e.Link, e.Why, k)
		}
		if b.live[e.Link] == nil {
			continue
		}
		b.ended(now, e)
		b.leave(now, e.Link)
	}
}
