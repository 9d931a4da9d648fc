package core

import (
	"parley/addr"
	"parley/dialect"
)

// LinkID names one connection.
type LinkID = dialect.LinkID

// Effects is what the caller must do after a call, in the order of the fields.
// The caller owns it, passes it in empty and may reuse it.
type Effects struct {
	Peers []Change       // tell the application and the data plane
	Note  []dialect.Note // tell the application
	Send  []dialect.Send // queue on the link's outbox
	Close []Close        // close, after the outbox has drained if Flush is set
	Dial  []Dial         // connect; answer with Opened or Closed
	Save  bool           // what Saved returns has changed enough to be worth saving
}

// Reset empties e, keeping its memory.
func (e *Effects) Reset() {
	clear(e.Peers)
	clear(e.Note)
	clear(e.Send)
	clear(e.Close)
	*e = Effects{Peers: e.Peers[:0], Note: e.Note[:0], Send: e.Send[:0], Close: e.Close[:0], Dial: e.Dial[:0]}
}

// Dial asks for a connection. The link exists from now on; its end is reported
// by Closed like that of any other.
type Dial struct {
	Link LinkID
	Addr addr.Addr
}

// Close asks for a link to be closed. The core has forgotten the link already:
// a Closed for it is allowed and does nothing.
//
// If Hear is set the link gives way to another one, to the same peer or in a round.
// It takes nothing more to send, but what the peer has sent is delivered until it has
// ended its half of the connection, or for a time that the caller bounds. If Last
// is set too, the peer ends its half first: it may not know of the other link yet.
type Close struct {
	Link  LinkID
	Flush bool
	Hear  bool
	Last  bool
	Why   error
}

// Change reports that a link came up or went down. Each link that comes up
// goes down exactly once; a link that never came up is not reported. Where a
// link takes the place of another one to the same peer, it comes up before the
// other goes down.
type Change struct {
	Link   LinkID
	Up     bool
	Addr   addr.Addr // the other end, as dialed or as the transport saw it
	Dialed bool
	Always bool // a peer to hold on to
	Intro  dialect.Intro
	Why    error // set when the link went down
	Hear   bool  // it went down for sending alone: see Close
}
