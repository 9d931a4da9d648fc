// Package stats counts traffic and describes a node at one moment, as JSON and
// as Prometheus text.
package stats

import (
	"sync/atomic"
	"time"
)

// Link counts one link's traffic. The reader adds to the In fields and the writer
// to the Out fields, before both the opening exchange to either; whoever queues
// adds to Dropped. Anyone may load them.
type Link struct {
	InBytes, InMsgs atomic.Uint64
	InLast          atomic.Int64 // Unix nanoseconds of the last whole message
	_               [40]byte     // keep the two owners off one cache line

	OutBytes, OutMsgs atomic.Uint64
	OutLast           atomic.Int64  // Unix nanoseconds of the last batch
	Dropped           atomic.Uint64 // messages the outbox refused or forgot
	DroppedBytes      atomic.Uint64

	// Of the dropped, see [Drops]; the others came while the link was closing.
	Full, Forgotten, Unsendable atomic.Uint64
}

// Drops says why messages for one peer were dropped.
type Drops struct {
	Full       uint64 `json:"full"`       // the outbox had no room
	Forgotten  uint64 `json:"forgotten"`  // the outbox forgot them for newer ones
	Unsendable uint64 `json:"unsendable"` // they had no wire form
	Closing    uint64 `json:"closing"`    // the link was closing
}

// Drops returns why messages were dropped. Any goroutine may call it.
func (l *Link) Drops() Drops {
	d := Drops{Full: l.Full.Load(), Forgotten: l.Forgotten.Load(), Unsendable: l.Unsendable.Load()}
	known := d.Full + d.Forgotten + d.Unsendable
	d.Closing = max(l.Dropped.Load(), known) - known
	return d
}

// Snapshot is a node's state at one moment, ready for JSON. What is not known
// is absent or null, never zero.
type Snapshot struct {
	Time    time.Time         `json:"time"`
	Since   time.Time         `json:"since"` // when the node started
	Dialect string            `json:"dialect"`
	Listen  []string          `json:"listen"`
	Links   []LinkRow         `json:"links"`
	Known   int               `json:"known"` // addresses in the book
	Bans    []BanRow          `json:"bans"`
	Rounds  int               `json:"rounds"`
	Faults  map[string]uint64 `json:"faults"` // ended links by fault kind, since the start
	Turned  uint64            `json:"turned"` // connections closed before their opening exchange, since the start
	Total   Totals            `json:"total"`  // over all links that were ever up
}

// Totals are sums over every link since the node started.
type Totals struct {
	InBytes  uint64 `json:"inBytes"`
	InMsgs   uint64 `json:"inMsgs"`
	OutBytes uint64 `json:"outBytes"`
	OutMsgs  uint64 `json:"outMsgs"`
	Dropped  uint64 `json:"dropped"`
}

// LinkRow is one link.
type LinkRow struct {
	ID       uint64    `json:"id"`
	Addr     string    `json:"addr"`
	Peer     string    `json:"peer,omitzero"` // the identity it introduced itself with
	Dialed   bool      `json:"dialed"`
	Always   bool      `json:"always"`
	Opening  bool      `json:"opening"`
	Version  *uint32   `json:"version"` // null while opening
	Agent    string    `json:"agent,omitzero"`
	Since    time.Time `json:"since"`
	Blame    int       `json:"blame"`
	Why      string    `json:"why,omitzero"` // what it was last blamed for
	InBytes  uint64    `json:"inBytes"`
	InMsgs   uint64    `json:"inMsgs"`
	OutBytes uint64    `json:"outBytes"`
	OutMsgs  uint64    `json:"outMsgs"`
	Dropped  uint64    `json:"dropped"`
	Drops    Drops     `json:"drops"`            // why they were dropped
	Queued   int       `json:"queued"`           // bytes waiting to be written
	LastIn   time.Time `json:"lastIn,omitzero"`  // last whole message; absent while opening
	LastOut  time.Time `json:"lastOut,omitzero"` // last batch; absent while opening
	RTT      *float64  `json:"rtt"`              // seconds; null where not measured
}

// BanRow is one ban.
type BanRow struct {
	Addr  string    `json:"addr,omitzero"` // empty for an identity alone
	Peer  string    `json:"peer,omitzero"` // an identity refused wherever it comes from
	Until time.Time `json:"until"`
	Why   string    `json:"why,omitzero"`
}

// Ended is one link, or attempt to make one, that is over.
type Ended struct {
	ID       uint64    `json:"id"`
	Addr     string    `json:"addr"`
	Peer     string    `json:"peer,omitzero"`
	Dialed   bool      `json:"dialed"`
	WasUp    bool      `json:"wasUp"` // false if it never opened
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Kind     string    `json:"kind"` // the fault's kind
	Why      string    `json:"why"`
	InBytes  uint64    `json:"inBytes"`
	OutBytes uint64    `json:"outBytes"`
	Dropped  uint64    `json:"dropped"`
	Drops    Drops     `json:"drops"`
}
