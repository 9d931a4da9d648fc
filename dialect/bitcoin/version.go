package bitcoin

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"parley/addr"
	"parley/fault"
	"parley/wire"
)

// MaxAgent is the most bytes a user agent may have.
const MaxAgent = 256

// Services are bits that say what a node offers.
type Services uint64

// The services that the dialect itself has to do with.
const (
	ServiceNetwork Services = 1 << 0 // has blocks
	ServiceBloom   Services = 1 << 2 // serves bloom filters, BIP111
	ServiceWitness Services = 1 << 3 // BIP144
)

// NetAddr is a node as the protocol writes it.
type NetAddr struct {
	Time     uint32 // when it was last seen, in seconds since 1970; lists only
	Services Services
	Addr     addr.Addr // without a host name; no IP is written as zeros
}

// Version is the first message of either side. That of the other side is in
// [dialect.Intro].Info, in a [*Handshake].
type Version struct {
	Protocol  uint32 // on the wire it has a sign, which nobody looks at
	Services  Services
	Time      int64   // seconds since 1970
	To, From  NetAddr // as the sender sees both; From has no IP by custom
	Nonce     uint64
	Agent     string // at most 256 bytes, BIP14
	Genesis   Hash   // Soter only
	LastBlock int32
	Relay     bool // transactions are wanted before a filter is loaded, BIP37
}

// Protocol versions from which on something is different.
const (
	addrTimeVersion   = 31_402 // addresses have a time
	pongVersion       = 60_000 // above it, pings have a nonce and are answered
	relayVersion      = 70_001 // version has the relay byte
	rejectVersion     = 70_002 // there is reject
	feeFilterVersion  = 70_013 // the newest of Soter
	sendAddrV2Version = 70_016 // BIP155; the newest of Bitcoin
)

// append appends the payload for a protocol version. It is an error of ours if
// the user agent is too long.
func (v *Version) append(dst []byte, pver uint32, soter bool) ([]byte, error) {
	if len(v.Agent) > MaxAgent {
		return dst, fault.New(fault.Local, "open", fmt.Errorf("user agent: %d bytes, limit %d", len(v.Agent), MaxAgent))
	}
	dst = binary.LittleEndian.AppendUint32(dst, v.Protocol)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Services))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Time))
	dst = v.To.append(dst)
	dst = v.From.append(dst)
	dst = binary.LittleEndian.AppendUint64(dst, v.Nonce)
	dst = wire.AppendCompact(dst, uint64(len(v.Agent)))
	dst = append(dst, v.Agent...)
	if soter {
		dst = append(dst, v.Genesis[:]...)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(v.LastBlock))
	switch {
	case pver < relayVersion:
	case v.Relay:
		dst = append(dst, 1)
	default:
		dst = append(dst, 0)
	}
	return dst, nil
}

// parse reads a payload. After the receiver's address each field may be absent,
// but one that has begun must be whole; bytes after the last are not looked at.
func (v *Version) parse(b []byte, soter bool) error {
	*v = Version{Relay: true}
	r := wire.NewReader(b)
	v.Protocol = r.Uint32LE()
	v.Services = Services(r.Uint64LE())
	v.Time = int64(r.Uint64LE())
	v.To.parse(&r)
	if r.Len() > 0 {
		v.From.parse(&r)
	}
	if r.Len() > 0 {
		v.Nonce = r.Uint64LE()
	}
	if r.Len() > 0 {
		v.Agent = string(r.CompactBytes("user agent", MaxAgent))
	}
	if r.Len() > 0 && soter {
		copy(v.Genesis[:], r.Take(len(v.Genesis)))
	}
	if r.Len() > 0 {
		v.LastBlock = int32(r.Uint32LE())
	}
	if r.Len() > 0 {
		v.Relay = r.Byte() != 0
	}
	if err := r.Err(); err != nil {
		return protocol("open", "version: %w", err)
	}
	return nil
}

// append appends the 26 bytes of an address without time.
func (a *NetAddr) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(a.Services))
	ip := [16]byte{}
	if a.Addr.IP.IsValid() {
		ip = a.Addr.IP.As16()
	}
	dst = append(dst, ip[:]...)
	return binary.BigEndian.AppendUint16(dst, a.Addr.Port)
}

func (a *NetAddr) parse(r *wire.Reader) {
	a.Services = Services(r.Uint64LE())
	a.Addr = addr.Addr{}
	if b := r.Take(16); b != nil && [16]byte(b) != [16]byte{} {
		a.Addr.IP = netip.AddrFrom16([16]byte(b)).Unmap()
	}
	a.Addr.Port = r.Uint16()
}
