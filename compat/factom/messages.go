package p2p

import (
	"errors"
	"fmt"
	"time"

	"parley/dialect/factom"
	"parley/wire"
)

// Handshake is the first parcel of either side, whatever the version.
type Handshake struct {
	Network      NetworkID
	Version      uint16
	Type         ParcelType
	NodeID       uint32
	ListenPort   string
	Loopback     uint64 // the sender's own draw, by which it knows itself
	Alternatives []Endpoint
}

// Valid returns an error if a node of this configuration refuses the handshake:
// its version is too low, it is of another network, or its listen port or an
// alternative has no form. Whether it is our own is not looked at.
func (h *Handshake) Valid(conf *Configuration) error {
	if h.Version < conf.ProtocolVersionMinimum {
		return fmt.Errorf("handshake version %d, minimum %d", h.Version, conf.ProtocolVersionMinimum)
	}
	if h.Network != conf.Network {
		return fmt.Errorf("handshake network %08x, ours is %08x", uint32(h.Network), uint32(conf.Network))
	}
	if _, err := (factom.Endpoint{Host: "0.0.0.0", Port: h.ListenPort}).Addr(); err != nil {
		return fmt.Errorf("handshake listen port %.20q is not a number from 1 to 65535", h.ListenPort)
	}
	for i, ep := range h.Alternatives {
		if _, err := ep.addr(); err != nil {
			return fmt.Errorf("handshake alternative %d: %w", i, err)
		}
	}
	return nil
}

// V9Header is the header of every version 9 parcel, and of the handshakes of
// versions 9 and 10.
type V9Header struct {
	Network     NetworkID
	Version     uint16
	Type        ParcelType
	Length      uint32 // of the payload
	TargetPeer  string
	Crc32       uint32 // of the payload, with the Koopman polynomial
	PartNo      uint16
	PartsTotal  uint16
	NodeID      uint64
	PeerAddress string
	PeerPort    string
	AppHash     string
	AppType     string
}

// V9Msg is a version 9 parcel.
type V9Msg struct {
	Header  V9Header
	Payload []byte
}

// Valid returns an error unless version, length and checksum of the header are
// right and there is a payload.
func (msg V9Msg) Valid() error {
	h := &msg.Header
	switch {
	case h.Version != factom.V9:
		return fmt.Errorf("header version %d, want %d", h.Version, factom.V9)
	case len(msg.Payload) == 0:
		return errNoPayload
	case uint64(h.Length) != uint64(len(msg.Payload)):
		return fmt.Errorf("header length %d, payload of %d bytes", h.Length, len(msg.Payload))
	}
	if sum := wire.Koopman(msg.Payload); h.Crc32 != sum {
		return fmt.Errorf("header checksum %08x, payload has %08x", h.Crc32, sum)
	}
	return nil
}

// V10Msg is a version 10 parcel.
type V10Msg struct {
	Type    ParcelType
	Payload []byte
}

// V9Share is one peer in a version 9 peer response. Only Address and Port mean
// something to a receiver.
type V9Share struct {
	QualityScore int32
	Address      string
	Port         string
	NodeID       uint64
	Hash         string
	Location     uint32
	Network      NetworkID
	Type         uint8
	Connections  int
	LastContact  time.Time
	Source       map[string]time.Time
}

// V10Share is one peer in a version 10 peer response.
type V10Share Endpoint

// V11MaxParcelSize limits a version 11 parcel in wire form to 128 MiB.
const V11MaxParcelSize = 134217728

// V11Signature begins every version 11 stream: "pbuf".
var V11Signature = []byte{0x70, 0x62, 0x75, 0x66}

// Errors in the trees of those with which version 11 messages are refused.
var (
	ErrInvalidLengthProtocolV11        = errors.New("proto: negative length found during unmarshaling")
	ErrIntOverflowProtocolV11          = errors.New("proto: integer overflow")
	ErrUnexpectedEndOfGroupProtocolV11 = errors.New("proto: unexpected end of group")
)
