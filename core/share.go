package core

import (
	"errors"
	"math/rand/v2"
	"time"

	"parley/addr"
	"parley/dialect"
)

const (
	// maxShare is how many addresses one answer may hold, whatever is asked for.
	maxShare = 1000
	// recent is how long after its link ended an address is still shared.
	recent = 3 * time.Hour
)

// view is what the dialect's rules see of a node.
type view struct{ n *Node }

// Share implements dialect.View.
func (v view) Share(to LinkID, limit int) []addr.Addr {
	return v.n.share(v.n.find(to), limit)
}

// Links implements dialect.View.
func (v view) Links() []LinkID { return v.n.liveIDs }

// Traffic implements dialect.View.
func (v view) Traffic(id LinkID) (in, out time.Time) {
	if l := v.n.find(id); l != nil {
		return v.n.traffic(l)
	}
	return in, out
}

// Want implements dialect.View.
func (v view) Want() int { return v.n.want() }

// Rand implements dialect.View.
func (v view) Rand() *rand.Rand { return v.n.host.Rand }

// want returns how many links are missing that could not even be tried for
// want of addresses. Attempts under way count as nothing, unless it is the
// first at its address: most attempts at old addresses fail.
func (n *Node) want() int {
	missing := n.missing()
	if n.stopped || n.cfg.Only {
		return 0
	}
	return max(0, missing+n.tally.dialing-n.book.Fresh())
}

// share returns up to limit addresses worth giving to the peer of l, in random
// order: first of peers that are connected, then of those that were. Left out
// are l's own, those of peers to hold on to, host names, and what a peer
// outside the local network could not reach.
func (n *Node) share(l *link, limit int) []addr.Addr {
	limit = min(limit, maxShare)
	if l == nil || limit <= 0 {
		return nil
	}
	own := func(a addr.Addr) bool { return a == l.addr || a == l.listen }
	all := append(n.scratch[:0], n.live...)
	n.scratch = all
	out := make([]addr.Addr, 0, min(limit, len(all)))
	for i := 0; i < len(all) && len(out) < limit; i++ {
		// A step of a shuffle, so that no more links are looked at than needed.
		j := i + n.host.Rand.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
		if o := all[i]; !o.always && !own(o.listen) && n.places[o.listen] == o && reaches(l.addr, o.listen) {
			out = append(out, o.listen)
		}
	}
	clear(all)
	return n.book.Recent(out, n.host.Rand, limit-len(out), n.now.Add(-recent), func(a addr.Addr) bool {
		return !own(a) && n.keep.byAddr[a] == nil && reaches(l.addr, a)
	})
}

// reaches reports whether an address makes sense to a peer, and may be
// believed of it: peers on the internet know nothing of local networks, and
// only this machine knows of loopback. Names are not passed on at all, because
// looking them up would tell their owner who does.
func reaches(peer, a addr.Addr) bool {
	switch {
	case !a.IP.IsValid() || a.IP.Zone() != "" || !a.Dialable():
		return false
	case a.Routable():
		return true
	case a.IP.IsLoopback():
		return peer.IP.IsLoopback() || peer.Host == "localhost"
	}
	return !peer.Routable()
}

// learn adds addresses told by a source, or by the operator if that is zero.
func (n *Node) learn(as []addr.Addr, from addr.Addr) {
	for _, a := range as {
		if a.Dialable() && n.keep.byAddr[a] == nil && n.book.Add(a, from) {
			n.hold(a)
			n.saver.changed(n.now, 1)
		}
	}
}

// learnFrom adds the addresses told by the peer of l: as many as one source
// may contribute, and none that it can not know.
func (n *Node) learnFrom(l *link, as []addr.Addr) {
	if l == nil {
		return
	}
	from := n.machine(l)
	for _, a := range as[:min(len(as), n.cfg.Book.PerSource, maxShare)] {
		if reaches(l.addr, a) {
			n.learn([]addr.Addr{a}, from)
		}
	}
}

// some moves those of an answer that are taken to its front, and returns them.
func (n *Node) some(as []addr.Addr) []addr.Addr {
	k := min(len(as), n.cfg.Book.PerAnswer)
	for i := range k {
		if len(as) > k {
			j := i + n.host.Rand.IntN(len(as)-i)
			as[i], as[j] = as[j], as[i]
		}
	}
	return as[:k]
}

// followOffer learns where a peer that turned this node away said to try, and
// lets these addresses be dialed before others.
func (n *Node) followOffer(l *link, why error) {
	r, ok := errors.AsType[*dialect.Refusal](why)
	if !ok || !l.dialed {
		return
	}
	offer := r.Offer[:min(len(r.Offer), maxFollow, 2*max(n.cfg.Offer, defaultOffer))]
	n.learnFrom(l, offer)
	for _, a := range offer {
		if reaches(l.addr, a) {
			n.book.Soon(a)
		}
	}
}
