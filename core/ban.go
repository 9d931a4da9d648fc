package core

import (
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
// they are removed.
type bans struct {
	byAddr map[addr.Addr]*ban
	byID   map[string]*ban
	queue  *heapq.Queue[*ban] // by their end
}

func newBans() bans {
	return bans{
		byAddr: map[addr.Addr]*ban{},
		byID:   map[string]*ban{},
		queue:  heapq.New(bansBefore, func(b *ban) *int { return &b.pos }),
	}
}

func bansBefore(a, b *ban) bool {
	if !a.Until.Equal(b.Until) {
		return a.Until.Before(b.Until)
	}
	return a.Addr.Compare(b.Addr) < 0
}

// set adds a ban, unless a longer one is there. It reports whether anything
// changed.
func (s *bans) set(b Ban) bool {
	if old := s.byAddr[b.Addr]; old != nil {
		if !b.Until.After(old.Until) {
			return false
		}
		if b.ID == "" {
			b.ID = old.ID
		}
		s.remove(old)
	}
	if len(s.byAddr) >= maxBans {
		first, _ := s.queue.First()
		if first.Until.After(b.Until) {
			return false
		}
		s.remove(first)
	}
	x := &ban{Ban: b}
	s.byAddr[b.Addr] = x
	if b.ID != "" && (s.byID[b.ID] == nil || s.byID[b.ID].Until.Before(b.Until)) {
		s.byID[b.ID] = x
	}
	s.queue.Put(x)
	return true
}

func (s *bans) remove(b *ban) {
	delete(s.byAddr, b.Addr)
	if s.byID[b.ID] == b {
		delete(s.byID, b.ID)
	}
	s.queue.Remove(b)
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
		if b := s.byAddr[k]; b != nil {
			t = latest(t, b.Until)
		}
	}
	return t
}

// lift removes the bans of an address, and of its ports if it has none.
func (s *bans) lift(a addr.Addr) (found bool) {
	if b := s.byAddr[a]; b != nil {
		s.remove(b)
		found = true
	}
	if a.Port != 0 {
		return found
	}
	// ordered: every match is removed, whichever comes first.
	for k, b := range s.byAddr {
		if k.HostOnly() == a {
			s.remove(b)
			found = true
		}
	}
	return found
}

// list returns the bans in force by address.
func (s *bans) list(now time.Time) []Ban {
	var out []Ban
	// ordered: what is collected is sorted below.
	for _, b := range s.byAddr {
		if b.Until.After(now) {
			out = append(out, b.Ban)
		}
	}
	slices.SortFunc(out, func(a, b Ban) int { return a.Addr.Compare(b.Addr) })
	return out
}

// bannedPeer reports whether the peer of an introduced link is banned: where
// it comes from, where it says that it listens, or who it says it is.
func (n *Node) bannedPeer(now time.Time, l *link) bool {
	if b := n.bans.byID[l.intro.ID]; b != nil && b.Until.After(now) {
		return true
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
// Of two bans of one address the longer one counts. A ban that names no
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
