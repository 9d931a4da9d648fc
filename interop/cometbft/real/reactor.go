package real

import (
	"fmt"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
)

const (
	// queued is how many events and messages wait for a test to look at them. A
	// reactor that would have to wait for that stops its peer, which fails the test.
	queued = 1 << 14

	// Bad is the first byte of messages for which the reactor stops the peer that
	// sent them, with an error.
	Bad = 0xbd
)

// Event says that a peer was added to a switch or removed from it.
type Event struct {
	Peer string // the identity
	Up   bool
	Why  string // of a removal
}

// Received is a message that a reactor got.
type Received struct {
	Peer    string
	Channel byte
	Body    []byte
}

// reactor is theirs of the application: it keeps what happens for the test.
type reactor struct {
	p2p.BaseReactor
	channels []byte
	events   chan Event
	received chan Received
	take     func(channel byte, body []byte) // instead of received, if it is not nil
}

func newReactor(cfg Config) *reactor {
	r := &reactor{
		channels: cfg.Channels, take: cfg.Receive,
		events: make(chan Event, queued), received: make(chan Received, queued),
	}
	r.BaseReactor = *p2p.NewBaseReactor("Interop", r)
	return r
}

// GetChannels implements p2p.Reactor.
func (r *reactor) GetChannels() (all []*conn.ChannelDescriptor) {
	for i, id := range r.channels {
		all = append(all, &conn.ChannelDescriptor{
			ID: id, Priority: i + 1, SendQueueCapacity: 100, RecvMessageCapacity: 22_020_096,
			MessageType: &Bytes{},
		})
	}
	return all
}

// AddPeer implements p2p.Reactor.
func (r *reactor) AddPeer(p p2p.Peer) { r.note(Event{Peer: string(p.ID()), Up: true}) }

// RemovePeer implements p2p.Reactor.
func (r *reactor) RemovePeer(p p2p.Peer, why any) {
	r.note(Event{Peer: string(p.ID()), Why: fmt.Sprint(why)})
}

func (r *reactor) note(e Event) {
	select {
	case r.events <- e:
	default: // nobody looks at so many
	}
}

// Receive implements p2p.Reactor.
func (r *reactor) Receive(e p2p.Envelope) {
	body := e.Message.(*Bytes).Body
	if r.take != nil {
		r.take(e.ChannelID, body)
		return
	}
	if len(body) > 0 && body[0] == Bad {
		r.Switch.StopPeerForError(e.Src, fmt.Errorf("a message of %d bytes that begins with %#x", len(body), Bad))
		return
	}
	select {
	case r.received <- Received{string(e.Src.ID()), e.ChannelID, body}:
	default:
		r.Switch.StopPeerForError(e.Src, fmt.Errorf("more than %d messages that nobody looks at", queued))
	}
}
