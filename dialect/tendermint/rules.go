package tendermint

import (
	"fmt"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

const (
	// How much an answer holds: all of what there is to share up to leastShare,
	// and then some part of it up to mostShare (CometBFT, AddrBook.GetSelection).
	leastShare   = 32
	sharePercent = 23
	mostShare    = 250
	shareFrom    = 1000 // what is chosen from

	maxIDs = 4096 // identities remembered with their addresses, those met and those told of
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

	met  names // who was at an address that we dialed, or is to be
	told names // who is said to be at an address where we have met nobody
}

func newRules(s *settings, v dialect.View) *rules {
	r := &rules{set: s, view: v, sessions: map[dialect.LinkID]*session{}, met: newNames(), told: newNames()}
	for _, k := range s.known {
		r.met.put(k.Addr, k.ID)
	}
	for _, k := range s.told[:min(len(s.told), maxIDs)] {
		r.told.put(k.Addr, k.ID)
	}
	return r
}

// names are identities with their addresses. What is forgotten because there are too
// many cannot be passed on, or checked, until it is met or told again.
type names struct {
	ids   map[addr.Addr]string
	order []addr.Addr // of ids, as a ring once it is full
	next  int         // the place in the ring that is used next
}

func newNames() names { return names{ids: map[addr.Addr]string{}} }

func (s *names) put(a addr.Addr, id string) {
	if _, ok := s.ids[a]; !ok {
		if len(s.order) < maxIDs {
			s.order = append(s.order, a)
		} else {
			delete(s.ids, s.order[s.next])
			s.order[s.next] = a
			s.next = (s.next + 1) % maxIDs
		}
	}
	s.ids[a] = id
}

// Join implements [dialect.Rules].
func (r *rules) Join(now time.Time, id dialect.LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	s := newSession(r, now, id, in)
	err := r.meet(s, in.ID)
	if len(r.sessions) == 0 {
		r.due = now.Add(r.set.ask)
	}
	r.sessions[id] = s
	if err != nil {
		s.end(fault.Refused, err, out)
		return s
	}
	s.greet(now, out)
	return s
}

// meet remembers who is at an address. It returns an error if we dialed it because a
// peer said that somebody else is there, and had met nobody there. Next time it is
// known who is.
func (r *rules) meet(s *session, id string) error {
	at := s.peer.at
	if id == "" || !at.Dialable() {
		return nil
	}
	_, known := r.met.ids[at]
	r.met.put(at, id)
	if want := r.told.ids[at]; s.peer.Dialed && !known && want != "" && want != id {
		return fmt.Errorf("peer is %s, and %s was to be at %v", id, want, at)
	}
	return nil
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
			n.ID = r.met.ids[a]
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
		if n.ID != "" {
			r.told.put(n.Addr, n.ID)
		}
		good = append(good, n)
		out.Learn = append(out.Learn, n.Addr)
	}
	if len(good) > 0 {
		out.Note = append(out.Note, dialect.Note{Link: from, Value: good})
	}
}
