package factom

import (
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
)

// rules asks for addresses, one peer at a time. It belongs to the brain.
type rules struct {
	cfg      *Config // immutable
	view     dialect.View
	sessions map[dialect.LinkID]*session

	waiting dialect.LinkID // whose answer is waited for, or 0
	due     time.Time      // next look for somebody to ask; ignored while nobody is to be asked
}

// tick is how often the node looks for somebody to ask.
const tick = time.Second

func newRules(cfg *Config, v dialect.View) *rules {
	return &rules{cfg: cfg, view: v, sessions: map[dialect.LinkID]*session{}}
}

// Join implements [dialect.Rules].
func (r *rules) Join(now time.Time, id dialect.LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	s := newSession(r, now, id, in)
	r.sessions[id] = s
	if soon := now.Add(tick); len(r.sessions) == 1 || r.waiting == 0 && r.due.After(soon) {
		r.due = soon
	}
	s.greet(now, out)
	return s
}

// Command implements [dialect.Rules]. There are no commands.
func (r *rules) Command(time.Time, any, *dialect.Out) {}

// Next implements [dialect.Rules].
func (r *rules) Next() time.Time {
	if r.view.Want() <= 0 || len(r.sessions) == 0 {
		return time.Time{}
	}
	return r.due
}

// Wake implements [dialect.Rules]: it asks a random peer that was not asked within
// the interval.
func (r *rules) Wake(now time.Time, out *dialect.Out) {
	if now.Before(r.due) {
		return
	}
	r.waiting = 0
	if len(r.sessions) == 0 || r.view.Want() <= 0 {
		r.due = now.Add(tick)
		return
	}
	ready, next := r.ready(now)
	if len(ready) == 0 {
		r.due = later(now.Add(tick), next)
		return
	}
	s := ready[r.view.Rand().IntN(len(ready))]
	s.ask(now, out)
	r.waiting = s.id
	r.due = now.Add(r.cfg.ShareTimeout)
}

// ready returns the sessions that may be asked now, in the order of their links, and
// when the next of the others may be.
func (r *rules) ready(now time.Time) (ready []*session, next time.Time) {
	for _, id := range r.view.Links() {
		s := r.sessions[id]
		if s == nil {
			continue
		}
		switch at := s.askable(); {
		case !at.After(now):
			ready = append(ready, s)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return ready, next
}

// answered notes that the answer of a link came, so that others may be asked.
func (r *rules) answered(now time.Time, id dialect.LinkID) {
	if r.waiting == id {
		r.waiting = 0
		r.due = now.Add(tick)
	}
}

func (r *rules) leave(now time.Time, id dialect.LinkID) {
	delete(r.sessions, id)
	r.answered(now, id)
}

// sample returns up to n different random addresses of as, whose order it
// changes.
func (r *rules) sample(as []addr.Addr, n int) []addr.Addr {
	n = min(n, len(as))
	for i := range n {
		j := i + r.view.Rand().IntN(len(as)-i)
		as[i], as[j] = as[j], as[i]
	}
	slices.SortFunc(as[:n], addr.Addr.Compare)
	return slices.Compact(as[:n])
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
