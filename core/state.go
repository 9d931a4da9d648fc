package core

import (
	"time"

	"parley/addr"
	"parley/dialect"
)

// State is a snapshot of a node, sharing nothing with it.
type State struct {
	Links  []LinkState // in the order they were made
	Known  int         // addresses in the book
	Bans   []Ban       // by address
	Rounds int         // rounds held so far
}

// LinkState is one link in a State.
type LinkState struct {
	ID      LinkID
	Addr    addr.Addr
	Dialed  bool
	Always  bool
	Opening bool // the opening exchange is not done yet
	Intro   dialect.Intro
	Since   time.Time // when it opened; while it opens, when it was made
	Blame   int       // see [Config].BanScore; it fades with time
	Why     string    // what the blame was last added for, in words that the peer may have chosen; or ""
}

// Ban refuses a machine, or one port of it, or an identity, until a time.
type Ban struct {
	Addr  addr.Addr `json:"addr"`        // port 0 for the whole machine; zero for an identity alone
	ID    string    `json:"id,omitzero"` // an identity refused wherever it comes from, or ""
	Until time.Time `json:"until"`
	Why   string    `json:"why,omitzero"`
}

// Saved is what a node remembers over a restart.
type Saved struct {
	Time  time.Time `json:"time"` // when it was saved
	Peers []Known   `json:"peers"`
	Bans  []Ban     `json:"bans"`

	left int // addresses of the book that Save has yet to copy
}

// Known is one address of the book as it is saved.
type Known struct {
	Addr   addr.Addr `json:"addr"`
	Seen   time.Time `json:"seen,omitzero"`   // when a link to it last worked
	Tries  int       `json:"tries,omitzero"`  // failed attempts since
	Anchor bool      `json:"anchor,omitzero"` // an outbound link was up when saved: dial it first
}

// State returns a copy of everything worth showing. It takes time in
// proportion to the links and bans.
func (n *Node) State(now time.Time) State {
	s := State{Links: make([]LinkState, 0, len(n.made)), Known: n.book.Len(), Bans: n.bans.list(now), Rounds: n.round.held}
	for _, l := range n.made {
		since := l.made
		if l.up {
			since = l.opened
		}
		blame, why := n.blameOf(now, l)
		s.Links = append(s.Links, LinkState{
			ID: l.id, Addr: l.addr, Dialed: l.dialed, Always: l.always, Opening: !l.up,
			Intro: l.intro, Since: since, Blame: blame, Why: why,
		})
	}
	return s
}
