// Package pcp reads and writes the messages of the Port Control Protocol that a
// client needs (RFC 6887): ANNOUNCE, and MAP without options. It does no I/O.
package pcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Version is the version of the protocol, in the first byte of every message.
// NAT-PMP, which shares the port, has 0 there.
const Version = 2

// Port is where servers listen (RFC 6887, 19.1).
const Port = 5351

// The sizes of messages in bytes (RFC 6887, 7 and 11.1).
const (
	MaxSize      = 1100 // a longer message is malformed
	headerSize   = 24
	mapSize      = 36
	responseFlag = 0x80
)

// Opcode says what is asked.
type Opcode uint8

// The opcodes that are understood (RFC 6887, 19.2).
const (
	Announce Opcode = 0
	Map      Opcode = 1
)

// Transport is an IANA protocol number.
type Transport uint8

// The transports that ports are mapped for.
const (
	TCP Transport = 6
	UDP Transport = 17
)

// Nonce ties a mapping to whoever made it: only a request with the same nonce
// renews or deletes it (RFC 6887, 11.1).
type Nonce [12]byte

// Message is a request or a response. Which fields count depends on Response
// and Op; the others are zero.
type Message struct {
	Response bool
	Op       Opcode
	Lifetime uint32 // seconds; how long an error lasts in a response that tells of one

	Client netip.Addr // requests: the address they are sent from
	Result Result     // responses
	Epoch  uint32     // responses: seconds since the server lost its state

	// Map alone.
	Nonce        Nonce
	Transport    Transport
	Internal     uint16
	External     uint16     // asked for in requests, 0 for any; given in responses
	ExternalAddr netip.Addr // likewise; requests without a wish have the unspecified address
}

// ErrVersion is what Decode wraps if a message is of another version: its
// sender does not speak PCP, or not this one.
var ErrVersion = errors.New("not version 2")

// Append appends the message's bytes. Addresses that are missing are written as
// the unspecified IPv4 address.
func (m *Message) Append(dst []byte) []byte {
	op := byte(m.Op)
	if m.Response {
		op |= responseFlag
	}
	dst = append(dst, Version, op, 0, byte(m.Result))
	dst = binary.BigEndian.AppendUint32(dst, m.Lifetime)
	if m.Response {
		dst = binary.BigEndian.AppendUint32(dst, m.Epoch)
		dst = append(dst, make([]byte, 12)...)
	} else {
		dst = appendAddr(dst, m.Client)
	}
	if m.Op != Map {
		return dst
	}
	dst = append(dst, m.Nonce[:]...)
	dst = append(dst, byte(m.Transport), 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, m.Internal)
	dst = binary.BigEndian.AppendUint16(dst, m.External)
	return appendAddr(dst, m.ExternalAddr)
}

// appendAddr writes an address in 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 6887, 5).
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv4Unspecified()
	}
	b := a.As16()
	return append(dst, b[:]...)
}

// Decode reads a message of either direction. Options are not looked at, as
// none that we send asks for one. An error result may come without the part of
// its opcode, which some servers cut off.
func Decode(b []byte) (*Message, error) {
	switch {
	case len(b) > MaxSize:
		return nil, fmt.Errorf("message: %d bytes, limit %d", len(b), MaxSize)
	case len(b) == 0:
		return nil, errors.New("message: empty")
	case b[0] != Version:
		return nil, fmt.Errorf("version: %d: %w", b[0], ErrVersion)
	case len(b) < headerSize:
		return nil, fmt.Errorf("message: %d bytes, at least %d wanted", len(b), headerSize)
	case len(b)%4 != 0:
		return nil, fmt.Errorf("message: %d bytes, a multiple of 4 wanted", len(b))
	}
	m := &Message{Response: b[1]&responseFlag != 0, Op: Opcode(b[1] &^ responseFlag), Lifetime: binary.BigEndian.Uint32(b[4:])}
	if m.Response {
		m.Result, m.Epoch = Result(b[3]), binary.BigEndian.Uint32(b[8:])
	} else {
		m.Client = addrOf(b[8:])
	}
	switch m.Op {
	case Announce:
		return m, nil
	case Map:
		return m, m.decodeMap(b[headerSize:])
	}
	return nil, fmt.Errorf("opcode: %d unknown", m.Op)
}

func (m *Message) decodeMap(b []byte) error {
	if len(b) < mapSize {
		if m.Response && m.Result != Success {
			return nil
		}
		return fmt.Errorf("map: %d bytes, at least %d wanted", len(b), mapSize)
	}
	copy(m.Nonce[:], b)
	m.Transport = Transport(b[12])
	m.Internal = binary.BigEndian.Uint16(b[16:])
	m.External = binary.BigEndian.Uint16(b[18:])
	m.ExternalAddr = addrOf(b[20:])
	return nil
}

func addrOf(b []byte) netip.Addr {
	return netip.AddrFrom16([16]byte(b[:16])).Unmap()
}
