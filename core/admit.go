package core

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// healthy is how long a link may have been silent and still stand against a
// second one to the same peer.
const healthy = 60 * time.Second

// maxIdentity is the longest identity a peer may have, in bytes: it is
// remembered with addresses, blame and bans.
const maxIdentity = 256

// Accepted announces an inbound connection. It names the link or says why the
// connection must be closed at once, without an opening exchange.
//
// A node that is merely full still opens the connection, so that Admit can say
// where else to try.
func (n *Node) Accepted(now time.Time, from addr.Addr) (LinkID, error) {
	n.now = now
	if err := n.mayAccept(now, from); err != nil {
		return 0, fault.New(fault.Refused, "accept", err)
	}
	return n.add(link{addr: from}).id, nil
}

func (n *Node) mayAccept(now time.Time, from addr.Addr) error {
	known := n.keep.host(from)
	switch {
	case n.stopped:
		return errStopped
	case n.bans.until(now, from).After(now):
		return errBanned
	case n.tally.opening >= n.cfg.Opening:
		return errOpening
	case n.cfg.Only && !known && !n.keep.names && len(n.cfg.Trusted) == 0:
		return errOnly
	case !known && n.perHost[from.HostOnly()] >= n.cfg.PerHost+len(n.cfg.Trusted):
		return errPerHost // with room for those that may turn out to be trusted: see crowded
	}
	return nil
}

// Attached announces a connection made elsewhere, outside all limits but bans.
func (n *Node) Attached(now time.Time, remote addr.Addr, dialing bool) (LinkID, error) {
	n.now = now
	switch {
	case n.stopped:
		return 0, fault.New(fault.Refused, "attach", errStopped)
	case n.bans.until(now, remote).After(now):
		return 0, fault.New(fault.Refused, "attach", errBanned)
	}
	l := n.add(link{addr: remote, dialed: dialing, attached: true})
	if dialing {
		n.occupy(l, remote)
	}
	return l.id, nil
}

// Admit decides whether an introduced peer may stay; see [dialect.Opening].
// Links that give way to it are in e. An error has a [dialect.Refusal] in its
// tree, or [dialect.ErrSelf], or says that the link is gone (fault.Local) or
// that the identity is over 256 bytes (fault.Protocol).
func (n *Node) Admit(now time.Time, id LinkID, in dialect.Intro, e *Effects) error {
	n.now = now
	l := n.find(id)
	if l == nil || l.up {
		return fault.New(fault.Local, "admit", errGone)
	}
	err := n.admit(now, l, in)
	n.finish(now, e)
	return err
}

func (n *Node) admit(now time.Time, l *link, in dialect.Intro) error {
	guest := n.guest(l) && in.ID != l.intro.ID
	n.withdraw(l)
	switch {
	case guest:
		return fault.New(fault.Protocol, "admit", errOther)
	case in.Nonce != 0 && in.Nonce == n.host.Nonce:
		return fault.New(fault.Local, "admit", dialect.ErrSelf)
	case len(in.ID) > maxIdentity:
		return fault.New(fault.Protocol, "admit", fmt.Errorf("identity: %d bytes, limit %d", len(in.ID), maxIdentity))
	}
	l.intro, l.listen = in, l.believe(in.Listen)
	n.recognize(l)
	if l.dialed {
		n.leads(l.addr, in.ID)
	}
	rival := n.rival(in.ID)
	err := n.judge(now, l, rival)
	switch {
	case err == errTwice && n.tolerate(now, l, rival):
		return nil
	case err != nil:
		l.refused = true
		r := &dialect.Refusal{Reason: err.Error()}
		if errors.Is(err, errFull) {
			r.Offer = n.share(l, n.cfg.Offer)
		}
		return fault.New(fault.Refused, "admit", r)
	}
	n.oust(now, l, rival)
	n.enroll(l)
	return nil
}

// rival returns the link that a new one of an identity has to do with, or nil.
func (n *Node) rival(id string) *link {
	if n.cfg.Twice {
		return nil
	}
	return n.byID[id] // no link is filed under ""
}

// judge returns why an introduced peer may not stay.
func (n *Node) judge(now time.Time, l, rival *link) error {
	switch {
	case n.stopped:
		return errStopped
	case n.bannedPeer(now, l):
		return errBanned
	case n.cfg.Only && !l.attached && !n.welcome(l):
		return errOnly
	case rival != nil && n.stays(now, rival, l):
		return errTwice
	case n.crowded(l, rival):
		return errPerHost
	case n.full(l, rival):
		return errFull
	}
	return nil
}

// full reports whether there is no room for an introduced peer. A link that
// replaces its rival takes the place of that one.
func (n *Node) full(l, rival *link) bool {
	if l.dialed || l.attached || l.always {
		return false
	}
	in, room := n.tally.in, n.room()
	if rival != nil && !rival.attached && !rival.always {
		room++
		if !rival.dialed {
			in--
		}
	}
	return in >= n.cfg.Inbound || room <= 0
}

// crowded reports whether an introduced peer, who is not trusted after all, is
// one too many from its machine.
func (n *Node) crowded(l, rival *link) bool {
	host := l.addr.HostOnly()
	if l.dialed || l.attached || l.always || n.perHost[host] <= n.cfg.PerHost || n.keep.host(l.addr) {
		return false
	}
	others := 0
	for _, o := range n.made {
		if o != l && o != rival && o.admitted && !o.dialed && !o.attached && !o.always && o.addr.HostOnly() == host {
			others++
		}
	}
	return others >= n.cfg.PerHost
}

// believe returns where a peer that says that it listens at a can be dialed.
// Nobody is believed about other machines than its own.
func (l *link) believe(a addr.Addr) addr.Addr {
	switch {
	case l.dialed:
		return l.addr
	case a.Port == 0:
		return addr.Addr{}
	case a.HostOnly().IsZero() || a.HostOnly() == l.addr.HostOnly():
		return l.addr.WithPort(a.Port)
	}
	return addr.Addr{}
}

// enroll lets an introduced peer stay.
func (n *Node) enroll(l *link) {
	n.change(l, func() { l.admitted = true })
	n.file(l)
}

// file lets an admitted link be found.
func (n *Node) file(l *link) {
	if id := l.intro.ID; id != "" && (n.byID[id] == nil || !n.cfg.Twice) {
		n.byID[id] = l
	}
	if l.listen.Dialable() {
		n.occupy(l, l.listen)
		if n.listens[l.listen] == nil {
			n.listens[l.listen] = l
		}
	}
}

// refile lets the oldest link of an identity be found, if there may be several.
func (n *Node) refile(id string) {
	if !n.cfg.Twice {
		return
	}
	if i := slices.IndexFunc(n.made, func(l *link) bool { return l.admitted && l.intro.ID == id }); i >= 0 {
		n.byID[id] = n.made[i]
	}
}

// withdraw undoes enroll, but for the addresses in use.
func (n *Node) withdraw(l *link) {
	if !l.admitted {
		return
	}
	n.change(l, func() { l.admitted = false })
	if n.byID[l.intro.ID] == l {
		delete(n.byID, l.intro.ID)
		n.refile(l.intro.ID)
	}
	if n.listens[l.listen] == l {
		delete(n.listens, l.listen)
	}
	n.inherit(l)
}

// Opened reports that a link's opening exchange succeeded. If the core has
// given up the link meanwhile, e closes it.
func (n *Node) Opened(now time.Time, id LinkID, in dialect.Intro, e *Effects) {
	n.now = now
	l := n.find(id)
	switch {
	case l == nil:
		e.Close = append(e.Close, Close{Link: id, Why: fault.New(fault.Local, "open", errGivenUp)})
		return
	case l.up:
		return
	}
	if !l.admitted || in.ID != l.intro.ID {
		if err := n.admit(now, l, in); err != nil {
			n.endLater(id, err, false)
			n.finish(now, e)
			return
		}
		n.drain(now, e)
	}
	n.open(now, l, in, e)
	n.finish(now, e)
}

// open starts the session of a link.
func (n *Node) open(now time.Time, l *link, in dialect.Intro, e *Effects) {
	n.opened++
	n.change(l, func() { l.up = true })
	l.intro, l.opened, l.order = in, now, n.opened
	n.live = append(n.live, l)
	n.liveIDs = append(n.liveIDs, l.id)
	n.worked(now, l)
	e.Peers = append(e.Peers, l.changed(nil))
	l.ses = n.rules.Join(now, l.id, in, &n.out)
	n.settle(now, l, e)
	n.replace(l)
}

// traffic reports when l was last heard and written to.
func (n *Node) traffic(l *link) (in, out time.Time) {
	if n.host.Traffic != nil {
		in, out = n.host.Traffic(l.id)
	}
	since := l.opened
	if !l.up {
		since = l.made
	}
	return latest(in, since), latest(out, since)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
