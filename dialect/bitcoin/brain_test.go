package bitcoin

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/dialecttest"
	"parley/fault"
)

// start is when everything in these tests begins: the clock of the recordings.
var start = time.Unix(946_684_800, 0).UTC()

// sent is a message that rules wanted to send.
type sent struct {
	at time.Duration // since start
	to dialect.LinkID
	dialect.Message
}

// brain drives rules as the core does and keeps what they want done.
type brain struct {
	t        testing.TB
	view     *dialecttest.View
	rules    dialect.Rules
	sessions map[dialect.LinkID]dialect.Session
	now      time.Time
	deaf     bool // nothing is ever written
	out      []sent
	notes    []any
	learned  []addr.Addr
	ended    map[dialect.LinkID]error
	endedAt  time.Duration
}

func newBrain(t testing.TB, cfg Config) *brain {
	v := dialecttest.NewView(1)
	v.Known, v.Wanted = nil, 0
	return &brain{
		t: t, view: v, rules: mustNew(t, cfg).Rules(v), now: start,
		sessions: map[dialect.LinkID]dialect.Session{}, ended: map[dialect.LinkID]error{},
	}
}

// join opens a link to a peer that introduced itself in some way.
func (b *brain) join(id dialect.LinkID, in dialect.Intro) {
	b.view.Join(b.now, id)
	var out dialect.Out
	b.sessions[id] = b.rules.Join(b.now, id, in, &out)
	b.perform(&out)
}

// joinPlain opens a link to a peer of the newest version that has sent verack.
func (b *brain) joinPlain(id dialect.LinkID) {
	b.join(id, dialect.Intro{Version: feeFilterVersion})
	b.hear(id, TypeVerAck, nil)
	b.out = nil
}

func (b *brain) hear(id dialect.LinkID, typ uint32, body []byte) {
	b.view.In[id] = b.now
	b.call(id, func(s dialect.Session, out *dialect.Out) {
		s.Handle(b.now, dialect.Message{Type: typ, For: session, Body: body}, out)
	})
}

func (b *brain) wrote(id dialect.LinkID, typ uint32) {
	b.call(id, func(s dialect.Session, out *dialect.Out) {
		s.Sent(b.now, dialect.Message{Type: typ, For: session}, out)
	})
}

func (b *brain) call(id dialect.LinkID, f func(dialect.Session, *dialect.Out)) {
	if s := b.sessions[id]; s != nil {
		var out dialect.Out
		f(s, &out)
		b.perform(&out)
	}
}

func (b *brain) command(cmd any) {
	var out dialect.Out
	b.rules.Command(b.now, cmd, &out)
	b.perform(&out)
}

func (b *brain) perform(out *dialect.Out) {
	b.learned = append(b.learned, out.Learn...)
	for _, n := range out.Note {
		b.notes = append(b.notes, n.Value)
	}
	for _, s := range out.Send {
		b.out = append(b.out, sent{b.now.Sub(start), s.To, s.Msg})
		b.view.Out[s.To] = b.now
		if s.Msg.For&session != 0 && !b.deaf {
			b.wrote(s.To, s.Msg.Type)
		}
	}
	for _, e := range out.End {
		s := b.sessions[e.Link]
		if s == nil {
			continue
		}
		delete(b.sessions, e.Link)
		b.view.Leave(e.Link)
		b.ended[e.Link], b.endedAt = e.Why, b.now.Sub(start)
		s.Leave(b.now, new(dialect.Out))
	}
}

// run lets time pass, waking what is due, and checks that every Wake moves Next.
func (b *brain) run(d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); ; {
		var due interface {
			Wake(time.Time, *dialect.Out)
			Next() time.Time
		} = b.rules
		at := b.rules.Next()
		for _, id := range b.view.Live {
			if n := b.sessions[id].Next(); !n.IsZero() && (at.IsZero() || n.Before(at)) {
				at, due = n, b.sessions[id]
			}
		}
		if at.IsZero() || at.After(end) {
			b.now = end
			return
		}
		if at.After(b.now) {
			b.now = at
		}
		var out dialect.Out
		due.Wake(b.now, &out)
		if n := due.Next(); !n.IsZero() && !n.After(b.now) {
			b.t.Fatalf("woken at %v, due again at %v", b.now, n)
		}
		b.perform(&out)
	}
}

// until lets time pass up to a moment since start.
func (b *brain) until(d time.Duration) { b.run(start.Add(d).Sub(b.now)) }

// take returns what was to be sent as link:command, and forgets it.
func (b *brain) take() (names []string) {
	for _, s := range b.out {
		name, _ := CommandName(s.Type)
		names = append(names, fmt.Sprintf("%d:%s", s.to, name))
	}
	b.out = nil
	return names
}

func (b *brain) want(what string, names ...string) {
	b.t.Helper()
	if got := b.take(); !slices.Equal(got, names) {
		b.t.Errorf("%s: sends %v, want %v", what, got, names)
	}
}

func (b *brain) wantEnd(what string, id dialect.LinkID, kind fault.Kind, at time.Duration) {
	b.t.Helper()
	if err := b.ended[id]; !errors.Is(err, kind) || b.endedAt != at {
		b.t.Errorf("%s: ends with %v after %v, want kind %v after %v", what, err, b.endedAt, kind, at)
	}
}

func (b *brain) wantLive(what string, id dialect.LinkID) {
	b.t.Helper()
	if b.sessions[id] == nil {
		b.t.Errorf("%s: ended after %v with %v", what, b.endedAt, b.ended[id])
	}
}
