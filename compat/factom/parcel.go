package p2p

import (
	"errors"
	"fmt"

	"parley/dialect/factom"
)

// Targets of a parcel besides the hash of a peer. The spelling is the
// original's: version 9 peers see it.
const (
	// Broadcast sends a parcel to every special peer and to a number of random
	// others, [Configuration].Fanout.
	Broadcast = "<BROADCAST>"
	// FullBroadcast sends a parcel to all peers.
	FullBroadcast = "<FULLBORADCAST>"
	// RandomPeer sends a parcel to one peer picked at random.
	RandomPeer = "<RANDOMPEER>"
)

// ParcelType says what a parcel is for, on the wire and in a Parcel.
type ParcelType uint16

// The types of parcels that this node understands.
const (
	// TypeHeartbeat is deprecated.
	TypeHeartbeat ParcelType = iota
	// TypePing is sent if no other parcels have been sent in a while.
	TypePing
	// TypePong is a response to a Ping.
	TypePong
	// TypePeerRequest asks a peer for endpoints.
	TypePeerRequest
	// TypePeerResponse carries a payload with endpoints in the protocol's form.
	TypePeerResponse
	// TypeAlert is deprecated.
	TypeAlert
	// TypeMessage carries an application message in the payload.
	TypeMessage
	// TypeMessagePart is a part of a message, as nodes before p2p 2.0 sent them.
	TypeMessagePart
	// TypeHandshake is the first parcel sent after making a connection.
	TypeHandshake
	// TypeRejectAlternative is sent instead of a handshake if the listener
	// refuses a connection.
	TypeRejectAlternative
)

var parcelTypes = [...]string{
	"Heartbeat", "Ping", "Pong", "Peer-Request", "Peer-Response",
	"Alert", "Message", "MessagePart", "Handshake", "Reject-Alternative",
}

// String returns the name of the type.
func (t ParcelType) String() string {
	if int(t) < len(parcelTypes) {
		return parcelTypes[t]
	}
	return fmt.Sprintf("ParcelType(%d)", uint16(t))
}

// Parcel is a message between the application and the network.
//
// Address is the hash of the peer that sent it or is to get it, or one of
// [Broadcast], [FullBroadcast] and [RandomPeer]; empty means RandomPeer. To
// answer a parcel, send one with the same Address.
//
// Payload is opaque. That of a received parcel belongs to the application.
// That of a parcel given to the network must not be changed any more, since it
// may wait in the queues of many peers.
type Parcel struct {
	Address string
	Payload []byte
	ptype   ParcelType // zero counts as TypeMessage: a Parcel made without NewParcel is the application's
}

// NewParcel returns an application message for a peer's hash or one of
// [Broadcast], [FullBroadcast] and [RandomPeer].
func NewParcel(target string, payload []byte) *Parcel {
	return &Parcel{Address: target, Payload: payload, ptype: TypeMessage}
}

// kind returns the parcel's type.
func (p *Parcel) kind() ParcelType {
	if p.ptype == TypeHeartbeat {
		return TypeMessage
	}
	return p.ptype
}

// IsApplicationMessage reports whether the parcel is for the application
// rather than for the network itself.
func (p *Parcel) IsApplicationMessage() bool {
	return p.kind() == TypeMessage || p.kind() == TypeMessagePart
}

// String describes the parcel without its payload.
func (p *Parcel) String() string {
	return fmt.Sprintf("[%s] %dB", p.kind(), len(p.Payload))
}

// maxPayload is the longest payload that is sent. It leaves room for what goes
// around it in V11MaxParcelSize bytes.
const maxPayload = V11MaxParcelSize - 4<<10

var (
	errNoParcel  = errors.New("no parcel")
	errNoPayload = errors.New("parcel without payload: receivers disconnect")
)

// Valid returns an error if receivers would disconnect from the sender of the
// parcel: it has no payload, one over the limit, or a type that nobody knows.
func (p *Parcel) Valid() error {
	switch {
	case p == nil:
		return errNoParcel
	case int(p.ptype) >= len(parcelTypes):
		return fmt.Errorf("parcel type %d, limit %d", p.ptype, len(parcelTypes)-1)
	case len(p.Payload) == 0:
		return errNoPayload
	case len(p.Payload) > maxPayload:
		return fmt.Errorf("payload: %d bytes, limit %d", len(p.Payload), maxPayload)
	}
	return nil
}

// ParcelChannel is a channel with a Send that never blocks.
type ParcelChannel chan *Parcel

// Send puts a parcel into the channel. If the channel is full, it first takes
// out the oldest until it is half full. It reports whether there was room
// without that, and how many parcels were lost. A channel without capacity
// loses the parcel unless somebody waits for it.
func (pc ParcelChannel) Send(parcel *Parcel) (bool, int) {
	select {
	case pc <- parcel:
		return true, 0
	default:
	}
	dropped := pc.halve()
	select {
	case pc <- parcel:
	default: // filled again by others meanwhile
		dropped++
	}
	return false, dropped
}

// halve takes out the oldest parcels until the channel is at most half full.
// It never waits, even if somebody else empties the channel meanwhile.
func (pc ParcelChannel) halve() (dropped int) {
	for len(pc) > cap(pc)/2 {
		select {
		case <-pc:
			dropped++
		default:
			return dropped
		}
	}
	return dropped
}

// Reader returns the receiving end of the channel.
func (pc ParcelChannel) Reader() <-chan *Parcel { return pc }

// FillRatio returns how full the channel is, from 0 to 1. It is 0 for a channel
// without capacity.
func (pc ParcelChannel) FillRatio() float64 {
	if cap(pc) == 0 {
		return 0
	}
	return float64(len(pc)) / float64(cap(pc))
}

// NetworkID names a network. Nodes of different networks do not talk.
type NetworkID uint32

// The networks that Factom nodes know by name. Others are made by
// [NewNetworkID].
const (
	MainNet  NetworkID = 0xfeedbeef
	TestNet  NetworkID = 0xdeadbeef
	LocalNet NetworkID = 0xbeaded
)

// NewNetworkID returns the id of a custom network. The names of the well-known
// networks get no special treatment; use the constants.
func NewNetworkID(name string) NetworkID { return NetworkID(factom.NetworkID(name)) }

// String returns the name of a well-known network, or the id of another in
// hexadecimal.
func (n NetworkID) String() string { return factom.NetworkName(uint32(n)) }

// StringToUint32 returns the number that the protocol derives from a text: the
// first four bytes of its SHA-256, most significant first.
func StringToUint32(input string) uint32 { return factom.StringToUint32(input) }
