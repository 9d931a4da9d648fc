package core

import (
	"cmp"
	"slices"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/internal/heapq"
)

// MaxBans is how many bans are kept. Beyond it, the one that is over first goes,
// or does not come.
const MaxBans = 4096

// ban is a ban in force.
type ban struct {
	Ban
	pos int
}

// bans are the bans in force. Those that are over count no more, even before
// they are removed. An address may have several, for the identities that were
// banned with it.
type bans struct {
	byAddr map[addr.Addr][]*ban // but for those without an address
	byID   map[string][]*ban    // but for those without an identity
	queue  heapq.Queue[*ban]    // by their end
}

func newBans() bans {
	return bans{
		byAddr: map[addr.Addr][]*ban{},
		byID:   map[string][]*ban{},
		queue:  heapq.New(bansBefore, func(b *ban) *int { return &b.pos }),
	}
}

func bansBefore(a, b *ban) bool {
	if !a.Until.Equal(b.Until) {
		return a.Until.Before(b.Until)
	}
	return a.compare(b.Ban) < 0
}

// compare orders bans by address and identity.
func (b Ban) compare(o Ban) int {
	return cmp.Or(b.Addr.Compare(o.Addr), cmp.Compare(b.ID, o.ID))
}

// find returns the ban of an address and an identity, or nil.
func (s *bans) find(b Ban) *ban {
	list := s.byAddr[b.Addr]
	if b.Addr.IsZero() {
		list = s.byID[b.ID]
	}
	if i := slices.IndexFunc(list, func(x *ban) bool { return x.compare(b) == 0 }); i >= 0 {
		return list[i]
	}
	return nil
}

// set adds a ban, unless a longer one of the same address and identity is there.
// It reports whether anything changed.
func (s *bans) set(b Ban) bool {
	if old := s.find(b); old != nil {
		if !b.Until.After(old.Until) {
			return false
		}
		s.remove(old)
	}
	if s.queue.Len() >= MaxBans {
		first, _ := s.queue.First()
		if first.Until.After(b.Until) {
			return false
		}
		s.remove(first)
	}
	x := &ban{Ban: b}
	if !b.Addr.IsZero() {
		s.byAddr[b.Addr] = append(s.byAddr[b.Addr], x)
	}
	if b.ID != "" {
		s.byID[b.ID] = append(s.byID[b.ID], x)
	}
	s.queue.Put(x)
	return true
}

func (s *bans) remove(b *ban) {
	unlist(s.byAddr, b.Addr, b)
	unlist(s.byID, b.ID, b)
	s.queue.Remove(b)
}

// unlist takes b out of the list that m has under k.
func unlist[K comparable](m map[K][]*ban, k K, b *ban) {
	i := slices.Index(m[k], b)
	switch {
	case i < 0:
	case len(m[k]) == 1:
		delete(m, k)
	default:
		m[k] = slices.Delete(m[k], i, i+1)
	}
}

// expire removes the bans that are over.
func (s *bans) expire(now time.Time) {
	for {
		b, ok := s.queue.First()
		if !ok || b.Until.After(now) {
			return
		}
		s.remove(b)
	}
}

// until returns until when an address is banned, itself or its machine. It is
// not after now if there is no ban.
func (s *bans) until(now time.Time, a addr.Addr) time.Time {
	var t time.Time
	for _, k := range [...]addr.Addr{a, a.HostOnly()} {
		for _, b := range s.byAddr[k] {
			t = latest(t, b.Until)
		}
	}
	return t
}

// all returns the bans in force, by address and identity.
func (s *bans) all(now time.Time) []*ban {
	var out []*ban
	add := func(b *ban) {
		if b.Until.After(now) {
			out = append(out, b)
		}
	}
	// ordered: what is collected is sorted below.
	for _, bs := range s.byAddr {
		for _, b := range bs {
			add(b)
		}
	}
	// ordered: likewise.
	for _, bs := range s.byID {
		for _, b := range bs {
			if b.Addr.IsZero() {
				add(b)
			}
		}
	}
	slices.SortFunc(out, func(a, b *ban) int { return a.compare(b.Ban) })
	return out
}

// list returns copies of the bans in force, by address and identity.
func (s *bans) list(now time.Time) []Ban {
	var out []Ban
	for _, b := range s.all(now) {
		out = append(out, b.Ban)
	}
	return out
}

// bannedPeer reports whether the peer of an introduced link is banned: where
// it comes from, where it says that it listens, or who it says it is.
func (n *Node) bannedPeer(now time.Time, l *link) bool {
	for _, b := range n.bans.byID[l.intro.ID] {
		if b.Until.After(now) {
			return true
		}
	}
	for _, a := range [...]addr.Addr{l.addr, l.listen, l.intro.Listen} {
		if n.bans.until(now, a).After(now) {
			return true
		}
	}
	return false
}

// Ban refuses an address, an identity or both until the given time and ends their
// links, the calls of Wake that follow the last of them if there are many. An address
// without a port is a whole machine. It returns how many links it ends.
//
// Of two bans of one address and identity the longer one counts. A ban that names
// neither or is over does nothing. A ban of an IP does not hit a peer dialed by name
// before that peer says where it listens. An identity is known when a link has opened,
// and worth as much as the dialect's proof of it.
func (n *Node) Ban(now time.Time, b Ban, e *Effects) int {
	n.now = now
	ended := n.ban(now, b)
	n.finish(now, e)
	return ended
}

// hits reports whether the peer of a link falls under b; see bannedPeer.
func (b Ban) hits(l *link) bool {
	if b.ID != "" && b.ID == l.intro.ID {
		return true
	}
	return slices.ContainsFunc([]addr.Addr{l.addr, l.listen, l.intro.Listen}, b.Covers)
}

// Covers reports whether b refuses an address: it, or its whole machine.
func (b Ban) Covers(a addr.Addr) bool {
	return !b.Addr.IsZero() && (a == b.Addr || a.HostOnly() == b.Addr)
}

func (n *Node) ban(now time.Time, b Ban) (ended int) {
	if b.Addr.IsZero() && b.ID == "" || !b.Until.After(now) {
		return 0
	}
	if n.bans.set(b) {
		n.saver.now = true
	}
	why := fault.New(fault.Refused, "ban", errBanned)
	for _, l := range n.made {
		if b.hits(l) {
			n.endTogether(l.id, why, false)
			ended++
		}
	}
	return ended
}

// Unban lifts the bans of which the caller's function says so, and returns how many.
func (n *Node) Unban(now time.Time, which func(Ban) bool, e *Effects) (lifted int) {
	n.now = now
	n.bans.expire(now)
	for _, b := range n.bans.all(now) {
		if which(b.Ban) {
			n.bans.remove(b)
			lifted++
		}
	}
	if lifted > 0 {
		n.saver.now = true
	}
	n.finish(now, e)
	return lifted
}

// Within chooses, for Unban, the bans of an address; if that has no port, those of
// its ports too.
func Within(a addr.Addr) func(Ban) bool {
	return func(b Ban) bool { return !a.IsZero() && (b.Addr == a || a.Port == 0 && b.Addr.HostOnly() == a) }
}
