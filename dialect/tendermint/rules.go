package tendermint

import (
	"time"

	"parley/addr"
	"parley/dialect"
)

const (
	// How much an answer holds: all of what there is to share up to leastShare,
	// and then some part of it up to mostShare (CometBFT, AddrBook.GetSelection).
	leastShare   = 32
	sharePercent = 23
	mostShare    = 250
	shareFrom    = 1000 // what is chosen from

	maxIDs = 4096 // identities remembered with their addresses
)

// Addresses is a note of the rules: what the peer of a link told about others,
// with their identities, which nobody has proven. The node has learned the
// addresses already.
type Addresses []NetAddress

// rules is peer exchange as far as it spans links. It belongs to the brain.
type rules struct {
	set      *settings
	view     dialect.View
	sessions map[dialect.LinkID]*session
	due      time.Time // when to ask somebody; ignored while nobody is to be asked

	ids   map[addr.Addr]string // who was met at an address
	order []addr.Addr          // of ids, as a ring once it is full
	next  int                  // the place in the ring that is used next
}

func newRules(s *settings, v dialect.View) *rules {
	r := &rules{set: s, view: v, sessions: map[dialect.LinkID]*session{}, ids: map[addr.Addr]string{}}
	for _, k := range s.known {
		r.met(k.Addr, k.ID)
	}
	return r
}

// met remembers who is at an address. What is forgotten for it cannot be passed
// on until it is met again.
func (r *rules) met(a addr.Addr, id string) {
	if _, ok := r.ids[a]; !ok {
		if len(r.order) < maxIDs {
			r.order = append(r.order, a)
		} else {
			delete(r.ids, r.order[r.next])
			r.order[r.next] = a
			r.next = (r.next + 1) % maxIDs
		}
	}
	r.ids[a] = id
}

// Join implements [dialect.Rules].
func (r *rules) Join(now time.Time, id dialect.LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	s := newSession(r, now, id, in)
	if in.ID != "" && s.peer.at.Dialable() {
		r.met(s.peer.at, in.ID)
	}
	if len(r.sessions) == 0 {
		r.due = now.Add(r.set.ask)
	}
	r.sessions[id] = s
	s.greet(now, out)
	return s
}

// Command implements [dialect.Rules]; see [Ask] and [Tell].
func (r *rules) Command(now time.Time, cmd any, out *dialect.Out) { r.command(now, cmd, out) }

// wanting reports whether addresses are worth asking for.
func (r *rules) wanting() bool {
	return r.set.table.pex && len(r.sessions) > 0 && (r.set.seed || r.view.Want() > 0)
}

// Next implements [dialect.Rules].
func (r *rules) Next() time.Time {
	if !r.wanting() {
		return time.Time{}
	}
	return r.due
}

// Wake implements [dialect.Rules]: it asks a random peer.
func (r *rules) Wake(now time.Time, out *dialect.Out) {
	if now.Before(r.due) {
		return
	}
	r.due = now.Add(r.set.ask)
	if !r.wanting() {
		return
	}
	var ready []*session
	for _, id := range r.view.Links() {
		if s := r.sessions[id]; s != nil && s.askable(now) {
			ready = append(ready, s)
		}
	}
	if len(ready) > 0 {
		ready[r.view.Rand().IntN(len(ready))].ask(now, out)
	}
}

// choose returns addresses to give to the peer of a link, with who is there. Where
// identities matter, addresses whose are not known are left out, as are those that
// are private.
func (r *rules) choose(to dialect.LinkID) []NetAddress {
	all := r.view.Share(to, shareFrom)
	as := make([]NetAddress, 0, len(all))
	for _, a := range all {
		n := NetAddress{Addr: a}
		if r.set.form == comet {
			n.ID = r.ids[a]
			if n.ID == "" || r.set.private[n.ID] {
				continue
			}
		}
		if a.IP.IsValid() {
			as = append(as, n)
		}
	}
	n := max(min(len(as), leastShare), len(as)*sharePercent/100)
	return as[:min(n, mostShare)]
}

// learn passes on what a peer told, and leaves out what nobody could dial, what
// is private, and ourselves.
func (r *rules) learn(from dialect.LinkID, told []NetAddress, out *dialect.Out) {
	var good Addresses
	var self addr.Addr
	if s := r.sessions[from]; s != nil {
		self = s.peer.self // in 2014 nobody would notice
	}
	for _, n := range told {
		if !n.Addr.Dialable() || n.Addr == self {
			continue
		}
		if r.set.form == comet && (checkID(n.ID) != nil || n.ID == r.set.id || r.set.private[n.ID]) {
			continue
		}
		good = append(good, n)
		out.Learn = append(out.Learn, n.Addr)
	}
	if len(good) > 0 {
		out.Note = append(out.Note, dialect.Note{Link: from, Value: good})
	}
}
