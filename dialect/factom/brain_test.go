package factom

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/dialect"
	"parley/fault"
)

// brain drives rules as the core does and keeps what they want done.
type brain struct {
	t        *testing.T
	view     *fakeView
	rules    dialect.Rules
	sessions map[dialect.LinkID]dialect.Session
	now      time.Time
	out      dialect.Out
}

func newBrain(t *testing.T, cfg Config) *brain {
	v := newView()
	return &brain{t: t, view: v, rules: mustNew(t, cfg).Rules(v), sessions: map[dialect.LinkID]dialect.Session{}, now: start}
}

// join opens a link to a node that introduced itself with a handshake of a type.
func (b *brain) join(id dialect.LinkID, version uint16, typ uint32) {
	h := &Handshake{Network: testNetwork, Type: typ, requested: version == V9}
	b.view.links = append(b.view.links, id)
	b.view.in[id], b.view.out[id] = b.now, b.now
	b.sessions[id] = b.rules.Join(b.now, id, dialect.Intro{Version: uint32(version), Info: h}, &b.out)
}

func (b *brain) leave(id dialect.LinkID) {
	b.view.links = slices.DeleteFunc(b.view.links, func(l dialect.LinkID) bool { return l == id })
	b.sessions[id].Leave(b.now, &b.out)
	delete(b.sessions, id)
}

func (b *brain) hear(id dialect.LinkID, typ uint32, body string) {
	b.view.in[id] = b.now
	b.sessions[id].Handle(b.now, dialect.Message{Type: typ, For: dialect.ToSession, Body: []byte(body)}, &b.out)
}

// run lets time pass, waking what is due, and checks that every Wake moves Next.
func (b *brain) run(d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); ; {
		at, wake := end, func() {}
		if next := b.rules.Next(); !next.IsZero() && !next.After(at) {
			at, wake = next, func() { b.rules.Wake(b.now, &b.out) }
		}
		for _, id := range b.view.links {
			if s := b.sessions[id]; !s.Next().After(at) {
				at, wake = s.Next(), func() { s.Wake(b.now, &b.out) }
			}
		}
		b.now = latest(b.now, at)
		wake()
		if next := b.rules.Next(); !next.IsZero() && next.Before(b.now) && at == next {
			b.t.Fatalf("Wake at %v leaves Next at %v", b.now, next)
		}
		if at == end {
			return
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take returns what was to be sent as link:type, and forgets it.
func (b *brain) take() (sent []string) {
	for _, s := range b.out.Send {
		sent = append(sent, fmt.Sprintf("%d:%s", s.To, typeNames[s.Msg.Type]))
		b.view.out[s.To] = b.now
	}
	b.out.Send = nil
	return sent
}

func (b *brain) want(what string, sent ...string) {
	b.t.Helper()
	if got := b.take(); !slices.Equal(got, sent) {
		b.t.Errorf("%s: sent %v, want %v", what, got, sent)
	}
}

func (b *brain) wantEnd(what string, kind fault.Kind) {
	b.t.Helper()
	if len(b.out.End) != 1 || !errors.Is(b.out.End[0].Why, kind) {
		b.t.Errorf("%s: ends %v, want one of kind %v", what, b.out.End, kind)
	}
	b.out.End = nil
}
