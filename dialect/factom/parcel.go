package factom

import (
	"fmt"

	"parley/dialect"
	"parley/fault"
)

// The protocol versions.
const (
	V9  uint16 = 9  // gob, with a header and checksum on every parcel
	V10 uint16 = 10 // gob
	V11 uint16 = 11 // protobuf
)

// The types of parcels, which are the types of messages in this dialect. Types
// from 10 on end the link; TypeHeartbeat, TypeAlert, TypeHandshake and
// TypeRejectAlternative are ignored once a link is open.
const (
	TypeHeartbeat         uint32 = iota // not used any more
	TypePing                            // asks for a Pong
	TypePong                            // answers a Ping
	TypePeerRequest                     // asks for addresses
	TypePeerResponse                    // gives addresses
	TypeAlert                           // not used any more
	TypeMessage                         // of the application
	TypeMessagePart                     // part of a message, of old nodes; delivered as Message
	TypeHandshake                       // the first parcel
	TypeRejectAlternative               // turns a dialer away and says where else to try

	types // how many there are
)

var typeNames = [types]string{
	"heartbeat", "ping", "pong", "peer request", "peer response",
	"alert", "message", "message part", "handshake", "reject alternative",
}

const (
	maxControl = 1 << 10   // payload of pings and requests, which are 4 to 12 bytes
	maxShare   = 512 << 10 // payload of a peer response; old nodes send 128 records, each with the names of all who told of it
)

// inbound makes a message of a received parcel.
func inbound(typ uint32, body []byte) (m dialect.Message, err error) {
	if typ >= types {
		return m, protocol("parcel type %d, limit %d", typ, types-1)
	}
	if len(body) == 0 {
		return m, protocol("%s parcel without payload", typeNames[typ])
	}
	m = dialect.Message{Type: typ, Body: body}
	limit := len(body)
	switch typ {
	case TypeMessage, TypeMessagePart:
		m.Type, m.For = TypeMessage, dialect.ToApp
	case TypePing, TypePong, TypePeerRequest:
		m.For, limit = dialect.ToSession, maxControl
	case TypePeerResponse:
		m.For, limit = dialect.ToSession, maxShare
	default:
		return dialect.Message{}, nil
	}
	if len(body) > limit {
		return dialect.Message{}, protocol("%s parcel: %d bytes, limit %d", typeNames[typ], len(body), limit)
	}
	return m, nil
}

// outbound checks a message before it is encoded. A peer would end the link
// over any of this.
func outbound(m dialect.Message) error {
	switch {
	case m.Type >= types:
		return local("parcel type %d, limit %d", m.Type, types-1)
	case len(m.Body) == 0:
		return local("%s parcel without payload: receivers disconnect", typeNames[m.Type])
	case len(m.Body) > maxParcel-slack:
		return local("%s parcel: %d bytes, limit %d", typeNames[m.Type], len(m.Body), maxParcel-slack)
	}
	return nil
}

func protocol(format string, args ...any) error {
	return fault.New(fault.Protocol, "decode", fmt.Errorf(format, args...))
}

// overLimit refuses a parcel for its announced size. Nobody is to blame for what
// the protocol allows and only this node does not.
func overLimit(size uint64, limit int) error {
	k := fault.Protocol
	if size <= maxParcel {
		k = fault.Refused
	}
	return fault.New(k, "decode", fmt.Errorf("parcel: %d bytes, limit %d", size, limit))
}

func local(format string, args ...any) error {
	return fault.New(fault.Local, "encode", fmt.Errorf(format, args...))
}
