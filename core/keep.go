package core

import (
	"net/netip"
	"slices"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/internal/heapq"
)

// keeper is one peer to hold on to.
type keeper struct {
	addr  addr.Addr
	at    addr.Addr // where the name in addr last led, or zero
	id    string    // whom it led to when last dialed, or ""
	order int       // in the configuration
	tries int
	retry time.Time
	pos   int // in the queue; zero once a link was found that leads there
}

// keepers are the peers to hold on to: those of [Config.Always].
type keepers struct {
	byAddr map[addr.Addr]*keeper
	byID   map[string]*keeper
	byEnd  map[addr.Addr]*keeper // by where their names led
	hosts  map[netip.Addr]int    // how many have this IP
	names  bool                  // some are known by name only
	queue  heapq.Queue[*keeper]
}

func newKeepers() keepers {
	return keepers{
		byAddr: map[addr.Addr]*keeper{},
		byID:   map[string]*keeper{},
		byEnd:  map[addr.Addr]*keeper{},
		hosts:  map[netip.Addr]int{},
		queue:  heapq.New(retriesBefore, func(k *keeper) *int { return &k.pos }),
	}
}

func retriesBefore(a, b *keeper) bool {
	if !a.retry.Equal(b.retry) {
		return a.retry.Before(b.retry)
	}
	return a.order < b.order
}

// set replaces the peers. Those that stay keep what is known about them.
func (s *keepers) set(as []addr.Addr, now time.Time) {
	old := s.byAddr
	*s = newKeepers()
	for i, a := range as {
		k := old[a]
		if k == nil {
			k = &keeper{addr: a, retry: now}
		}
		queued := old[a] == nil || k.pos != 0
		k.order, k.pos = i, 0
		s.byAddr[a] = k
		s.leads(k, k.id)
		s.resolve(k, k.at)
		if a.IP.IsValid() {
			s.hosts[a.IP]++
		} else {
			s.names = true
		}
		if queued {
			s.queue.Put(k)
		}
	}
}

// host reports whether a machine is that of a peer to hold on to.
func (s *keepers) host(a addr.Addr) bool { return s.hosts[a.IP] > 0 }

// leads notes whom k led to.
func (s *keepers) leads(k *keeper, id string) {
	if k.id != "" && s.byID[k.id] == k {
		delete(s.byID, k.id)
	}
	k.id = id
	if id != "" && s.byID[id] == nil {
		s.byID[id] = k
	}
}

// resolve notes where the name of k led.
func (s *keepers) resolve(k *keeper, at addr.Addr) {
	if s.byEnd[k.at] == k {
		delete(s.byEnd, k.at)
	}
	k.at = at
	if !at.IsZero() && s.byEnd[at] == nil {
		s.byEnd[at] = k
	}
}

// next reports when one is to be dialed, or the zero time.
func (s *keepers) next() time.Time {
	if k, ok := s.queue.First(); ok {
		return k.retry
	}
	return time.Time{}
}

// planKept dials every peer to hold on to that is due and has no link. Those
// that turn out to have one are due again when it ends.
func (n *Node) planKept(now time.Time, e *Effects) {
	for {
		k, ok := n.keep.queue.First()
		if !ok || k.retry.After(now) {
			return
		}
		l := n.leadsTo(k.addr, k.id)
		if until := n.bans.until(now, k.addr); until.After(now) {
			k.retry = earlier(until, now.Add(recheck))
			n.keep.queue.Put(k)
			continue
		}
		if l != nil && n.places[k.addr] != l && !n.claim(l, k.addr) {
			k.retry = now.Add(recheck)
			n.keep.queue.Put(k)
			continue
		}
		n.keep.queue.Remove(k)
		if l == nil {
			n.dial(k.addr, true, k.tries, e)
		}
	}
}

// releaseKept lets a peer to hold on to be dialed again after its link ended.
func (n *Node) releaseKept(now time.Time, k *keeper, own, self bool, tries int) {
	if own {
		k.tries = tries
	}
	k.retry = now.Add(n.pause(k.tries, maxKeepDoublings))
	if self {
		k.retry = now.Add(selfPause)
	}
	n.keep.queue.Put(k)
}

// recognize finds out whether an introduced peer is one to hold on to: by the
// address it can be dialed at, by the identity that one of these addresses led
// to, or, if it has neither, by its machine.
func (n *Node) recognize(l *link) {
	n.setAlways(l, l.always || n.kept(l))
}

func (n *Node) kept(l *link) bool {
	return n.keep.byAddr[l.listen] != nil || n.keep.byEnd[l.listen] != nil || n.keep.byID[l.intro.ID] != nil ||
		l.intro.ID != "" && slices.Contains(n.cfg.Trusted, l.intro.ID) ||
		l.listen.IsZero() && n.keep.host(l.addr)
}

func (n *Node) setAlways(l *link, always bool) {
	if l.always != always {
		n.change(l, func() { l.always = always })
	}
}

// welcome reports whether a node that deals with the peers to hold on to alone
// admits a peer: one of those, another of their machines, or one that says
// that it listens at such an address. The last can not be checked for peers
// known by name only, so such names let in whoever knows them.
func (n *Node) welcome(l *link) bool {
	return l.always || n.keep.host(l.addr) || n.keep.names && n.keep.byAddr[l.intro.Listen] != nil
}

// Resolved reports the address that a link dialed by name is connected to. If a
// peer to hold on to was dialed and there is a link to that address already, this
// is the peer's link from now on, and the new one ends.
func (n *Node) Resolved(now time.Time, id LinkID, at addr.Addr, e *Effects) {
	n.now = now
	l := n.find(id)
	if l == nil || l.up {
		return
	}
	if k := n.keep.byAddr[l.addr]; k != nil && at.IP.IsValid() {
		n.keep.resolve(k, at)
		if o := n.listens[at]; o != nil && o != l {
			n.setAlways(o, true)
			n.endLater(id, fault.New(fault.Refused, "resolve", errTwice), false)
		}
	}
	n.finish(now, e)
}
