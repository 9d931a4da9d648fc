package api

import (
	"time"

	"parley/stats"
)

// Status is a node at one glance: the answer to GET /v1/status.
type Status struct {
	Time      time.Time `json:"time"`
	Since     time.Time `json:"since"` // when the node started
	Name      string    `json:"name"`
	Version   string    `json:"version"` // of the program
	PID       int       `json:"pid"`
	Dialect   string    `json:"dialect"`
	Network   Network   `json:"network"`
	Listen    []string  `json:"listen"`
	Advertise *string   `json:"advertise"` // null where nothing else than listen is told
	Links     Links     `json:"links"`
	Limits    Limits    `json:"limits"`
	Known     int       `json:"known"` // addresses in the book
	Bans      int       `json:"bans"`
	Rounds    int       `json:"rounds"`
	Total     Totals    `json:"total"` // over all links that were ever up
	Rate      *Rate     `json:"rate"`  // null before it was measured
	// Faults counts ended links by fault kind since the start.
	Faults map[string]uint64 `json:"faults"`
}

// Network names the network a node takes part in.
type Network struct {
	Name string `json:"name"`
	ID   string `json:"id"` // 0x and eight hexadecimal digits; empty where networks have no number
}

// Links counts links. One that is opening is in no other count.
type Links struct {
	In      int `json:"in"`
	Out     int `json:"out"`
	Special int `json:"special"` // of both directions, peers to hold on to
	Opening int `json:"opening"`
}

// Limits are the limits in force; null means that there is none.
type Limits struct {
	In     *int `json:"in"`     // links to accept
	Out    *int `json:"out"`    // links to hold by dialing; null where target rules
	Target *int `json:"target"` // links in both directions to dial for
	Total  *int `json:"total"`  // links in both directions
	DropTo *int `json:"dropTo"` // links to keep when a round ends
	PerIP  *int `json:"perIP"`
}

// Totals are sums since the node started.
type Totals struct {
	InBytes  uint64 `json:"inBytes"`
	InMsgs   uint64 `json:"inMsgs"`
	OutBytes uint64 `json:"outBytes"`
	OutMsgs  uint64 `json:"outMsgs"`
	Dropped  uint64 `json:"dropped"` // messages that an outbox refused or forgot
}

// Rate is traffic per second, averaged over Span.
type Rate struct {
	Span     float64 `json:"span"` // seconds
	InBytes  float64 `json:"inBytes"`
	InMsgs   float64 `json:"inMsgs"`
	OutBytes float64 `json:"outBytes"`
	OutMsgs  float64 `json:"outMsgs"`
}

// Peers is the answer to GET /v1/peers, in the order the links were made.
type Peers struct {
	Time  time.Time `json:"time"`
	Peers []Peer    `json:"peers"`
}

// Peer is one link.
type Peer struct {
	ID      uint64     `json:"id"`
	Addr    string     `json:"addr"`
	Peer    *string    `json:"peer"` // the identity it introduced itself with
	Out     bool       `json:"out"`  // we made the connection
	Special bool       `json:"special"`
	Opening bool       `json:"opening"`
	Version *uint32    `json:"version"`
	Agent   *string    `json:"agent"`
	Since   time.Time  `json:"since"`
	Blame   int        `json:"blame"`
	Why     *string    `json:"why"`     // what it was last blamed for; null without blame
	Total   *Totals    `json:"total"`   // null while opening
	Queued  *int       `json:"queued"`  // bytes waiting to be written; null while opening
	Rate    *Rate      `json:"rate"`    // null before it was measured
	LastIn  *time.Time `json:"lastIn"`  // last whole message; null if there was none
	LastOut *time.Time `json:"lastOut"` // last batch; null if there was none
	RTT     *float64   `json:"rtt"`     // seconds; null where not measured
}

// Closed is the answer to GET /v1/peers/closed, newest first.
type Closed struct {
	Closed []Ended `json:"closed"`
}

// Ended is a link, or an attempt to make one, that is over.
type Ended struct {
	ID       uint64    `json:"id"`
	Addr     string    `json:"addr"`
	Peer     *string   `json:"peer"`
	Out      bool      `json:"out"`
	WasUp    bool      `json:"wasUp"` // false if it never opened
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Kind     string    `json:"kind"` // of the fault, one of package fault's names
	Why      string    `json:"why"`
	InBytes  *uint64   `json:"inBytes"` // null if it never opened
	OutBytes *uint64   `json:"outBytes"`
}

// Bans is the answer to GET /v1/bans, by address.
type Bans struct {
	Bans []Ban `json:"bans"`
}

// Ban is an address, an identity or both that are refused. An address without a port
// is a whole machine.
type Ban struct {
	Addr  *string   `json:"addr"` // null for an identity alone
	Peer  *string   `json:"peer"` // an identity that is refused wherever it comes from
	Until time.Time `json:"until"`
	Why   *string   `json:"why"`
}

// BanRequest is the body of POST /v1/ban. It names an address, an identity or both.
type BanRequest struct {
	Addr string `json:"addr"` // host:port, a host for the whole machine, or empty
	Peer string `json:"peer"` // an identity as peers are listed with it, or empty
	For  string `json:"for"`  // a Go duration; empty for the node's own choice
	Why  string `json:"why"`
}

// BanResult is the answer to POST /v1/ban.
type BanResult struct {
	Ended int       `json:"ended"` // links
	Until time.Time `json:"until"`
}

// UnbanRequest is the body of POST /v1/unban: lift the bans of an address, with
// those of its ports if it has none, and those of an identity. One may be empty.
type UnbanRequest struct {
	Addr string `json:"addr"`
	Peer string `json:"peer"`
}

// UnbanResult is the answer to POST /v1/unban.
type UnbanResult struct {
	Lifted bool `json:"lifted"` // false if there was no such ban
}

// DropRequest is the body of POST /v1/drop.
type DropRequest struct {
	ID uint64 `json:"id"`
}

// DropResult is the answer to POST /v1/drop.
type DropResult struct {
	Dropped bool `json:"dropped"` // false if there is no such link
}

// Problem is the body of every answer that is not 200.
type Problem struct {
	Error string `json:"error"`
}

// peerOf turns a row of a snapshot into a peer, with what is unknown as null.
func peerOf(r *stats.LinkRow, rate *Rate) Peer {
	p := Peer{
		ID: r.ID, Addr: r.Addr, Peer: known(r.Peer), Out: r.Dialed, Special: r.Always, Opening: r.Opening,
		Version: r.Version, Agent: known(r.Agent), Since: r.Since, Blame: r.Blame, Why: known(r.Why), RTT: r.RTT, Rate: rate,
	}
	if r.Opening {
		return p
	}
	p.Total = &Totals{r.InBytes, r.InMsgs, r.OutBytes, r.OutMsgs, r.Dropped}
	p.Queued = &r.Queued
	if r.InMsgs > 0 {
		p.LastIn = known(r.LastIn)
	}
	if r.OutMsgs > 0 {
		p.LastOut = known(r.LastOut)
	}
	return p
}

func endedOf(e *stats.Ended) Ended {
	out := Ended{
		ID: e.ID, Addr: e.Addr, Peer: known(e.Peer), Out: e.Dialed, WasUp: e.WasUp,
		Start: e.Start, End: e.End, Kind: e.Kind, Why: e.Why,
	}
	if e.WasUp {
		out.InBytes, out.OutBytes = &e.InBytes, &e.OutBytes
	}
	return out
}

// known returns a pointer to v, or nil if v says nothing.
func known[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
