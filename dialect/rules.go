package dialect

import (
	"math/rand/v2"
	"time"

	"parley/addr"
)

// LinkID names one connection for its lifetime. IDs are never reused, so a
// late request about a link that is gone does nothing. No link has ID 0.
type LinkID uint64

// Rules decides what a dialect does beyond single messages: what to say to a
// new peer, when to ask for addresses, how to keep tables that span links.
// Every method is called by the brain, one at a time.
type Rules interface {
	// Join starts the session of a link that has just opened.
	Join(now time.Time, id LinkID, in Intro, out *Out) Session
	// Command carries out a request of the application, a value of a type the
	// dialect exports: subscribe to a topic, ask around for a service. Values
	// of other types are ignored.
	Command(now time.Time, cmd any, out *Out)
	// Wake runs node-wide duties due at now. It must move Next past now.
	Wake(now time.Time, out *Out)
	// Next reports when Wake is due, or the zero time. The brain asks after
	// every call, so the answer may depend on the View.
	Next() time.Time
}

// Session holds the rules of one live link.
type Session interface {
	// Handle reacts to a message for the session. It may keep m.Body.
	Handle(now time.Time, m Message, out *Out)
	// Sent reports that a message marked for the session was written. It
	// carries type and mark, not the body.
	Sent(now time.Time, m Message, out *Out)
	// Wake runs what is due at now. It must move Next past now.
	Wake(now time.Time, out *Out)
	// Next reports when Wake is due, or the zero time. The brain asks after
	// every call to this session and after every call to the rules that sent
	// something on its link.
	Next() time.Time
	// Leave ends the session. The link is already gone.
	Leave(now time.Time, out *Out)
}

// View is what rules may ask of the node they run on.
type View interface {
	// Share returns up to max addresses worth giving to the peer of a link:
	// proven ones, the peer's own and held-to ones left out, in random order.
	Share(to LinkID, max int) []addr.Addr
	// Links returns the live links in the order they opened. The caller must
	// not change it nor keep it.
	Links() []LinkID
	// Traffic reports when the last whole message came in and the last batch
	// went out on a link; the time it opened if nothing did.
	Traffic(id LinkID) (in, out time.Time)
	// Want reports how many more links the node would like to dial than it has
	// or knows untried addresses for; addresses are worth asking for if it is
	// positive.
	Want() int
	// Rand is the node's generator. It belongs to the brain.
	Rand() *rand.Rand
}

// Out collects what rules want done. The brain passes it in empty.
type Out struct {
	Send  []Send
	Note  []Note
	Learn []addr.Addr // told by the peer whose session ran
	End   []End
}

// Note tells the application something the dialect has a type for.
type Note struct {
	Link  LinkID // 0 if it concerns no single link
	Value any
}

// Trip is implemented by the value of a Note that tells how long the peer of its
// link took to answer something: the shell shows the last one.
type Trip interface{ Trip() time.Duration }

// Send asks for a message to be queued on a link.
type Send struct {
	To  LinkID
	Msg Message
}

// End asks for a link to be closed. The kind of Why decides what follows.
type End struct {
	Link LinkID
	Why  error
}
