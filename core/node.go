package core

import (
	"time"

	"parley/addr"
	"parley/dialect"
)

// Node is the brain of a node: whom to dial, admit, keep, share and ban. It is
// a state machine without goroutines, locks, clocks or I/O. Its caller reports
// what happened and carries out the [Effects]; given the same seed and the
// same calls it always answers the same.
//
// Every method that can decide something takes the time and an empty *Effects.
// After each call the caller looks at Next. A Node is not safe for concurrent
// use.
type Node struct{}

// New returns a node that knows the addresses in seeds.
func New(cfg Config, d dialect.Dialect, h Host, seeds ...addr.Addr) *Node { return &Node{} }

// Next reports when Wake is due, or the zero time. Wake must be called once at the start.
func (n *Node) Next() time.Time { return time.Time{} }

// Wake runs everything due at now.
func (n *Node) Wake(now time.Time, e *Effects) {}

// Accepted announces an inbound connection. It names the link or says why the
// connection must be closed at once, without an opening exchange.
func (n *Node) Accepted(now time.Time, from addr.Addr) (LinkID, error) { return 0, nil }

// Attached announces a connection made elsewhere, outside all limits but bans.
func (n *Node) Attached(now time.Time, remote addr.Addr, dialing bool) (LinkID, error) { return 0, nil }

// Admit decides whether an introduced peer may stay; see [dialect.Opening].
// Links that give way to it are in e.
func (n *Node) Admit(now time.Time, id LinkID, in dialect.Intro, e *Effects) error { return nil }

// Opened reports that a link's opening exchange succeeded. If the core has
// given up the link meanwhile, e closes it.
func (n *Node) Opened(now time.Time, id LinkID, in dialect.Intro, e *Effects) {}

// Received delivers the session messages that one read produced.
func (n *Node) Received(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {}

// Sent delivers the outbound messages marked for the session that one batch of
// writes contained.
func (n *Node) Sent(now time.Time, id LinkID, ms []dialect.Message, e *Effects) {}

// Command passes an application's request to the dialect's rules.
func (n *Node) Command(now time.Time, cmd any, e *Effects) {}

// Closed reports that a link, or the attempt to make one, has ended. The kind
// of why decides what follows; see package fault.
func (n *Node) Closed(now time.Time, id LinkID, why error, e *Effects) {}

// Learn adds addresses from a source outside the dialect, such as a seed file.
func (n *Node) Learn(now time.Time, as []addr.Addr, e *Effects) {}

// Restore adds what an earlier run saved. Bans that are over are left out.
func (n *Node) Restore(now time.Time, s *Saved, e *Effects) {}

// Saved returns what is worth keeping over a restart.
func (n *Node) Saved(now time.Time) *Saved { return &Saved{} }

// Ban refuses an address until the given time and ends its links. An address
// without a port is a whole machine. It returns how many links it ended.
func (n *Node) Ban(now time.Time, b Ban, e *Effects) int { return 0 }

// Unban lifts the bans of an address: with port 0 also those of its ports. It
// reports whether there were any.
func (n *Node) Unban(now time.Time, a addr.Addr, e *Effects) bool { return false }

// Drop ends a link at the application's request, after what is queued on it
// has gone out.
func (n *Node) Drop(now time.Time, id LinkID, why error, e *Effects) {}

// Stop ends every link, after what is queued on it has gone out, and makes no more.
func (n *Node) Stop(now time.Time, why error, e *Effects) {}

// Tune replaces the limits. Links over a lowered limit are ended.
func (n *Node) Tune(now time.Time, cfg Config, e *Effects) {}

// State returns a copy of everything worth showing.
func (n *Node) State(now time.Time) State { return State{} }
