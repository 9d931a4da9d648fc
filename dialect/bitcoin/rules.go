package bitcoin

import (
	"slices"
	"time"

	"parley/dialect"
)

// Announce is a command: tell peers what this node has. What a peer is known to
// have is left out. Blocks are announced at once, each in a message of its own;
// everything else waits for the peer's next tick of Config.Trickle.
type Announce struct {
	To     dialect.LinkID // 0 for every link
	Except dialect.LinkID // usually where it came from; 0 for none
	Inv    []Inv
}

// Known is a command: note that a peer has some inventory, because it announced it.
type Known struct {
	Link dialect.LinkID
	Inv  []Inv
}

// Ping is a command: ping a peer now.
type Ping struct {
	To dialect.LinkID // 0 for every link
}

// Pinged is a note: a ping with a nonce was written.
type Pinged struct {
	Nonce uint64
	At    time.Time
}

// RTT is a note: how long the peer took to answer a ping, from when it was written.
type RTT struct {
	Nonce uint64
	Took  time.Duration
}

// Trip implements [dialect.Trip].
func (r RTT) Trip() time.Duration { return r.Took }

const (
	maxBatch = 1000   // inventory in one announcement, soter.md 1.1
	maxQueue = 10_000 // inventory that waits for a tick; what is more makes it go out at once
	askTick  = time.Second
)

// rules holds what spans links: whom to ask for addresses, and when announcements
// are due. It belongs to the brain.
type rules struct {
	cfg      *Config
	view     dialect.View
	sessions map[dialect.LinkID]*peer
	ask      time.Time // next look for somebody to ask
	trickle  time.Time // earliest announcement; zero if there is none
}

func newRules(cfg *Config, v dialect.View) *rules {
	return &rules{cfg: cfg, view: v, sessions: map[dialect.LinkID]*peer{}}
}

// Join implements [dialect.Rules].
func (r *rules) Join(now time.Time, id dialect.LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	s := newSession(r, now, id, in)
	if soon := now.Add(askTick); len(r.sessions) == 0 || r.ask.After(soon) {
		r.ask = soon
	}
	r.sessions[id] = s
	s.greet(now, out)
	return s
}

// Command implements [dialect.Rules]: Announce, Known and Ping.
func (r *rules) Command(now time.Time, cmd any, out *dialect.Out) {
	switch c := cmd.(type) {
	case Announce:
		for _, s := range r.named(c.To) {
			if s.id != c.Except {
				s.announce(now, c.Inv, out)
			}
		}
	case Known:
		if s := r.sessions[c.Link]; s != nil {
			for _, v := range c.Inv {
				s.known.add(r.cfg.Params.key(v))
			}
		}
	case Ping:
		for _, s := range r.named(c.To) {
			s.ping(out)
		}
	}
}

// key returns v as it is remembered: what is not on the wire does not count.
func (p *Params) key(v Inv) Inv {
	if !p.Soter {
		v.Height = 0
	}
	return v
}

// named returns the session of a link, or all in the order of their links.
func (r *rules) named(id dialect.LinkID) (ss []*peer) {
	ids := r.view.Links()
	if id != 0 {
		ids = []dialect.LinkID{id}
	}
	for _, id := range ids {
		if s := r.sessions[id]; s != nil && s.dying == nil {
			ss = append(ss, s)
		}
	}
	return ss
}

// Next implements [dialect.Rules].
func (r *rules) Next() time.Time {
	next := r.trickle
	if len(r.sessions) > 0 && r.view.Want() > 0 {
		next = earliest(next, r.ask)
	}
	return next
}

// Wake implements [dialect.Rules]: it sends announcements that are due, and asks
// somebody for addresses if the node wants links.
func (r *rules) Wake(now time.Time, out *dialect.Out) {
	if !r.trickle.IsZero() && !now.Before(r.trickle) {
		r.trickle = time.Time{}
		for _, s := range r.named(0) {
			if s.tick.IsZero() {
				continue
			}
			if now.Before(s.tick) {
				r.trickle = earliest(r.trickle, s.tick)
				continue
			}
			s.flush(out)
		}
	}
	if !now.Before(r.ask) {
		r.ask = now.Add(askTick)
		if r.view.Want() > 0 {
			r.askSomebody(now, out)
		}
	}
}

// askSomebody asks a random peer that may be asked. The next look is when another
// may be.
func (r *rules) askSomebody(now time.Time, out *dialect.Out) {
	var ready []*peer
	var next time.Time
	for _, s := range r.named(0) {
		if at := s.askable(r.cfg.AddrInterval); at.After(now) {
			next = earliest(next, at)
		} else {
			ready = append(ready, s)
		}
	}
	if len(ready) > 0 {
		ready[r.view.Rand().IntN(len(ready))].ask(now, out)
		return
	}
	if next.After(r.ask) {
		r.ask = next
	}
}

// queued notes that announcements to a peer are due at a time.
func (r *rules) queued(at time.Time) { r.trickle = earliest(r.trickle, at) }

// earliest returns the earliest of the times that are not zero, or zero.
func earliest(ts ...time.Time) (first time.Time) {
	for _, t := range ts {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// announce queues inventory for one peer.
func (s *peer) announce(now time.Time, vs []Inv, out *dialect.Out) {
	p := &s.r.cfg.Params
	for _, v := range vs {
		switch v = p.key(v); {
		case s.known.has(v):
		case v.urgent():
			s.send(TypeInv, p.AppendInvs(nil, []Inv{v}), out)
		default:
			s.queue = append(s.queue, v)
		}
	}
	switch {
	case len(s.queue) == 0:
	case s.r.cfg.Trickle < 0 || len(s.queue) >= maxQueue:
		s.flush(out)
	case s.tick.IsZero():
		s.tick = after(s.opened, now, s.r.cfg.Trickle)
		s.r.queued(s.tick)
	}
}

// flush sends what is queued and has not become known meanwhile.
func (s *peer) flush(out *dialect.Out) {
	p := &s.r.cfg.Params
	var fresh []Inv
	for _, v := range s.queue {
		if !s.known.has(v) {
			s.known.add(v)
			fresh = append(fresh, v)
		}
	}
	s.queue, s.tick = nil, time.Time{}
	for batch := range slices.Chunk(fresh, maxBatch) {
		s.send(TypeInv, p.AppendInvs(nil, batch), out)
	}
}
