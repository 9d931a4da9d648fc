// Package dialect is the contract between the engine and a wire language.
//
// A dialect is three small pieces with three owners: a blocking Open for the
// handshake, run on the link's own goroutine; a decoder and an encoder, owned
// by the link's reader and writer; and rules, run by the node's brain. A
// dialect owns bytes and meaning. It owns no goroutine, clock, socket or peer
// table: what it needs is handed to it, and what it wants done it says in a
// return value or in an [Out]. That is why the simulator can run it unchanged.
//
// Package dialect/toy is the smallest complete dialect, and
// dialect/dialecttest the suite that every dialect passes.
package dialect

import (
	"errors"
	"io"
	"time"

	"parley/addr"
)

// Dialect speaks one family of wire protocol versions. It is immutable and
// safe for concurrent use.
type Dialect interface {
	// Name identifies the dialect in configuration, logs and metrics.
	Name() string

	// Open runs one side of the opening exchange and returns the link both
	// sides agreed on. It is ordinary blocking code, but it must stay
	// deterministic: no clock, goroutine or randomness other than o's. Once
	// the remote has introduced itself, and before promising it anything, Open
	// must call o.Admit and honor the answer. Bytes that follow the exchange
	// must be left unread in rw. Errors are faults; an error that is not is
	// taken for one of the connection. A remote that turns us away, and our
	// own refusal of it, are a [*Refusal].
	Open(rw io.ReadWriter, o *Opening) (*Link, error)

	// Rules returns the dialect's behavior for one node. The node's brain calls
	// it once and owns the result.
	Rules(v View) Rules
}

// ErrSelf is in the tree of the error with which Open ends a connection of a
// node to itself.
var ErrSelf = errors.New("connected to ourselves")

// Opening is everything Open may know and use.
type Opening struct {
	Dialing bool      // we made the connection
	Remote  addr.Addr // the other end: as dialed, or as the transport saw it
	Key     []byte    // identity proven by the transport, or nil
	Self    Self
	Now     time.Time
	Rand    io.Reader // crypto/rand in production, a seeded ChaCha8 in the simulator

	// Admit asks the node whether the introduced peer may stay. A [*Refusal]
	// carries addresses to offer instead, for dialects that can.
	Admit func(Intro) error
}

// Self is how this node introduces itself.
type Self struct {
	Network uint32    // magic or network number
	Nonce   uint64    // drawn at start; detects connections to ourselves
	ID      string    // stable identity, for dialects that have one
	Listen  addr.Addr // where we can be dialed; only the port where the host is not known; zero if nowhere
	Agent   string
}

// Intro is how the remote introduced itself.
type Intro struct {
	ID      string    // stable identity, or "" where the dialect has none
	Nonce   uint64    // the remote's own draw, or 0 where the dialect has none
	Listen  addr.Addr // where it can be dialed, if it said so
	Version uint32    // agreed protocol version
	Agent   string
	Info    any // the dialect's own handshake record, for facades
}

// Refusal reports that a peer was turned away by policy, not by fault.
type Refusal struct {
	Reason string
	Offer  []addr.Addr // where else to try
}

// Error returns the reason.
func (r *Refusal) Error() string { return "refused: " + r.Reason }

// Link is what an opening exchange agreed on. Each codec half has one owner,
// so neither needs a lock: the reader decodes and the writer encodes.
type Link struct {
	Intro   Intro
	Decoder Decoder
	Encoder Encoder

	// Prelude is written once, before the first message. It is what a stateful
	// stream needs said at its start (gob's type definitions) and is apart from
	// the messages so that those can be shared.
	Prelude []byte

	// Shared names the encoding. Links of one node with equal, non-empty names
	// produce identical bytes for a message, so a broadcast is encoded once.
	Shared string
}

// Decoder cuts messages from the inbound byte stream.
type Decoder interface {
	// Next parses the front of buf and reports how many bytes it took. If they
	// completed no message (a packet of a longer one, a sealed record), m.For
	// is zero. If buf is too short, n > len(buf) says how many bytes it needs,
	// as far as is known, and nothing was taken; a reader that has used up all
	// of its bytes may ask with none. A message over a limit is an
	// error as soon as its size is known. The body aliases buf, or is
	// memory of the decoder's own that it uses again no sooner than in the call
	// after one that asked for more bytes.
	Next(buf []byte) (m Message, n int, err error)
}

// Encoder appends messages in wire form. On an error it returns dst as it was.
type Encoder interface {
	Append(dst []byte, m Message) ([]byte, error)
}

// Framer is an Encoder whose wire form holds the body as it is, so that a
// large body can go to the socket from where it lies.
type Framer interface {
	Encoder
	// Frame appends what surrounds the body in wire form, without the body:
	// the last tail of the appended bytes belong after it, the others before.
	// It is Append with a hole. Encoder and Decoder agree with it byte for byte.
	Frame(dst []byte, m Message) (out []byte, tail int, err error)
}

// Pairer is an Encoder that takes less time over two messages together than over
// each by itself, as checksums may.
type Pairer interface {
	Encoder
	// Pair says that p and then q are about to be appended or framed, next and
	// in this order. Until then their bodies do not change. It is only a hint.
	Pair(p, q Message)
}

// Packer is an Encoder that chooses what to send next, for dialects that
// interleave channels by priority. The writer puts what it takes from the
// outbox and packs until nothing is left.
type Packer interface {
	Encoder
	// Put hands over a message. Its body must not change until it is packed. An
	// error says that it has no wire form; then it is forgotten, as if Append
	// had refused it.
	Put(m Message) error
	// Pack appends about max bytes of what should go out next. It reports
	// whether more is waiting.
	Pack(dst []byte, max int) (out []byte, more bool, err error)
}

// Tracker is a Packer that says which messages it is done with, so that what
// waits for one of them need not wait for those of other channels: in a packer
// that is never empty, that might be for ever.
type Tracker interface {
	Packer
	// PutAs is Put of a message that Done is to report by its tag, which is
	// any number but -1.
	PutAs(m Message, tag int) error
	// Done appends the tags of the messages whose last byte a call of Pack has
	// appended since Done was last called, in that order. The messages of one
	// channel are done in the order in which they were put.
	Done(tags []int) []int
}
