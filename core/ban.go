package core

import (
	"cmp"
	"slices"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/internal/heapq"
)

// maxBans is how many bans are kept. Beyond it, the one that is over first
// goes.
const maxBans = 4096

// ban is a ban in force.
type ban struct {
	Ban
	pos int
}

// bans are the bans in force. Those that are over count no more, even before
// they are removed. An address may have several, for the identities that were
// banned with it.
type bans struct {
	byAddr map[addr.Addr][]*ban
	byID   map[string][]*ban // but for those without an identity
	queue  heapq.Queue[*ban] // by their end
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

// set adds a ban, unless a longer one of the same address and identity is there.
// It reports whether anything changed.
func (s *bans) set(b Ban) bool {
	same := func(x *ban) bool { return x.ID == b.ID }
	if i := slices.IndexFunc(s.byAddr[b.Addr], same); i >= 0 {
		old := s.byAddr[b.Addr][i]
		if !b.Until.After(old.Until) {
			return false
		}
		s.remove(old)
	}
	if s.queue.Len() >= maxBans {
		first, _ := s.queue.First()
		if first.Until.After(b.Until) {
			return false
		}
		s.remove(first)
	}
	x := &ban{Ban: b}
	s.byAddr[b.Addr] = append(s.byAddr[b.Addr], x)
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

// lift removes the bans of an address, and of its ports if it has none.
func (s *bans) lift(a addr.Addr) (found bool) {
	var all []*ban
	if a.Port != 0 {
		all = slices.Clone(s.byAddr[a])
	} else {
		// ordered: every match is removed, whichever comes first.
		for k, bs := range s.byAddr {
			if k.HostOnly() == a {
				all = append(all, bs...)
			}
		}
	}
	for _, b := range all {
		s.remove(b)
	}
	return len(all) > 0
}

// list returns the bans in force by address.
func (s *bans) list(now time.Time) []Ban {
	var out []Ban
	// ordered: what is collected is sorted below.
	for _, bs := range s.byAddr {
		for _, b := range bs {
			if b.Until.After(now) {
				out = append(out, b.Ban)
			}
		}
	}
	slices.SortFunc(out, Ban.compare)
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

// Ban refuses an address until the given time and ends its links, the calls of
// Wake that follow the last of them if there are many. An address without a port
// is a whole machine. It returns how many links it ends.
//
// Of two bans of one address and identity the longer one counts. A ban that names no
// address or is over does nothing. A ban of an IP does not hit a peer dialed by name
// before that peer says where it listens.
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
	for _, a := range [...]addr.Addr{l.addr, l.listen, l.intro.Listen} {
		if a == b.Addr || b.Addr.Port == 0 && a.HostOnly() == b.Addr {
			return true
		}
	}
	return false
}

func (n *Node) ban(now time.Time, b Ban) (ended int) {
	if b.Addr.IsZero() || !b.Until.After(now) {
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

// Unban lifts the bans of an address: with port 0 also those of its ports. It
// reports whether there were any.
func (n *Node) Unban(now time.Time, a addr.Addr, e *Effects) bool {
	n.now = now
	n.bans.expire(now)
	found := n.bans.lift(a)
	if found {
		n.saver.now = true
	}
	n.finish(now, e)
	return found
}
