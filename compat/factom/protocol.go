package p2p

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"parley/dialect/factom"
	"parley/dialect/factom/gobwire"
	"parley/wire"
)

// Protocol reads and writes the parcels of one protocol version on one
// connection. A [Network] does not need it: it is for programs that speak to a
// node themselves, such as probes, and made by [NewProtocol]. One goroutine may
// send while another receives. After an error a connection is of no more use.
//
// MakePeerShare and ParsePeerShare are the payload of a TypePeerResponse. They
// work on a zero value too.
type Protocol interface {
	SendHandshake(*Handshake) error
	ReadHandshake() (*Handshake, error)
	Send(p *Parcel) error
	Receive() (*Parcel, error)
	MakePeerShare([]Endpoint) ([]byte, error)
	ParsePeerShare([]byte) ([]Endpoint, error)
	Version() uint16
	String() string
}

// Limits of what is read on behalf of a Protocol.
const (
	maxShared    = 1 << 16  // endpoints in one share
	maxHandshake = 64 << 10 // bytes of one
	protocolRead = 64 << 10 // of the read buffer, and what is allocated before it has arrived
)

var (
	errNoConnection = errors.New("protocol without a connection: use NewProtocol")
	errSignature    = errors.New("stream does not begin with the signature of version 11")
)

// NewProtocol returns a protocol, version 9, 10 or 11, for a connection. Of conf
// it takes the network, node id and listen port, which version 9 says in
// every parcel. The handshake is up to the caller: who dials sends first.
func NewProtocol(version uint16, conf *Configuration, rw io.ReadWriter) (Protocol, error) {
	s := &stream{conf: *conf, w: rw, r: bufio.NewReaderSize(rw, protocolRead)}
	switch version {
	case factom.V9:
		return &ProtocolV9{s}, nil
	case factom.V10:
		return &ProtocolV10{s}, nil
	case factom.V11:
		return &ProtocolV11{s}, nil
	}
	return nil, fmt.Errorf("protocol version %d is not from 9 to 11", version)
}

// stream is a connection and what gob has to remember of it.
type stream struct {
	conf Configuration
	w    io.Writer
	r    *bufio.Reader

	buf         []byte // to write from; owned by the sender
	long, short bool   // what the sender has defined
	read        []byte // owned by the receiver
	types       gobwire.Types
}

// block reads n bytes into memory that grows with what arrives.
func (s *stream) block(n uint64, limit int) ([]byte, error) {
	if err := wire.CheckLen("parcel", n, limit); err != nil {
		return nil, err
	}
	s.read = s.read[:0]
	for len(s.read) < int(n) {
		have := len(s.read)
		step := min(int(n)-have, max(have, protocolRead))
		s.read = slices.Grow(s.read, step)[:have+step]
		if _, err := io.ReadFull(s.r, s.read[have:]); err != nil {
			return nil, err
		}
	}
	return s.read, nil
}

// gob reads a gob message without its length.
func (s *stream) gob(limit int) ([]byte, error) {
	for want := 1; ; {
		head, err := s.r.Peek(want)
		if err != nil {
			return nil, err
		}
		n, size, err := gobwire.Size(head)
		if err != nil {
			return nil, err
		}
		if n <= len(head) {
			s.r.Discard(n)
			return s.block(size, limit)
		}
		want = n
	}
}

// maxDefinitions is how many gob messages may come before a value.
const maxDefinitions = 2 * gobwire.MaxTypes

// readLong reads up to the next V9Msg. Its payload is lent until the next read.
func (s *stream) readLong(limit int) (*V9Msg, error) {
	for range maxDefinitions {
		b, err := s.gob(limit)
		if err != nil {
			return nil, err
		}
		var p gobwire.Long
		ok, err := s.types.Long(b, &p)
		if err != nil {
			return nil, err
		}
		if ok {
			h := &p.Header
			return &V9Msg{Payload: p.Payload, Header: V9Header{
				Network: NetworkID(h.Network), Version: h.Version, Type: ParcelType(h.Type), Length: h.Length,
				TargetPeer: string(h.TargetPeer), Crc32: h.Crc32, PartNo: h.PartNo, PartsTotal: h.PartsTotal, NodeID: h.NodeID,
				PeerAddress: string(h.PeerAddress), PeerPort: string(h.PeerPort), AppHash: string(h.AppHash), AppType: string(h.AppType),
			}}, nil
		}
	}
	return nil, fmt.Errorf("more than %d gob messages without a value", maxDefinitions)
}

// writeLong writes a V9Msg whose header says what the network's others do.
func (s *stream) writeLong(version uint16, typ ParcelType, target string, payload []byte, h *Handshake) error {
	s.buf = s.buf[:0]
	if !s.long {
		s.buf, s.long = gobwire.Go126.DefineLong(s.buf), true
	}
	s.buf = gobwire.Go126.AppendLong(s.buf, &gobwire.Header{
		Network: uint32(h.Network), Version: version, Type: uint16(typ), Length: uint32(len(payload)),
		TargetPeer: []byte(target), Crc32: wire.Koopman(payload), NodeID: uint64(h.NodeID),
		PeerPort: []byte(h.ListenPort), AppHash: []byte("NetworkMessage"), AppType: []byte("Network"),
	}, len(payload))
	s.buf = append(append(s.buf, payload...), 0)
	_, err := s.w.Write(s.buf)
	return err
}

// gobHandshake writes the handshake of versions 9 and 10, whose payload is
// either the alternatives or the nonce.
func (s *stream) gobHandshake(version uint16, h *Handshake) error {
	if s == nil {
		return errNoConnection
	}
	payload := binary.LittleEndian.AppendUint64(nil, h.Loopback)
	if h.Type == TypeRejectAlternative && len(h.Alternatives) > 0 {
		var err error
		if payload, err = json.Marshal(h.Alternatives); err != nil {
			return err
		}
	}
	typ := h.Type
	if version == factom.V9 && typ == TypeHandshake {
		typ = TypePeerRequest // version 9 has no type for handshakes
	}
	return s.writeLong(version, typ, "", payload, h)
}

// readGobHandshake reads what gobHandshake writes. A payload that is no nonce
// means none, as nodes before p2p 2.0 send it.
func (s *stream) readGobHandshake() (*Handshake, error) {
	if s == nil {
		return nil, errNoConnection
	}
	m, err := s.readLong(maxHandshake)
	if err != nil {
		return nil, err
	}
	h := &Handshake{
		Network: m.Header.Network, Version: m.Header.Version, Type: m.Header.Type,
		NodeID: uint32(m.Header.NodeID), ListenPort: m.Header.PeerPort,
	}
	switch {
	case len(m.Payload) == 8:
		h.Loopback = binary.LittleEndian.Uint64(m.Payload)
	case h.Type == TypeRejectAlternative:
		h.Alternatives, err = parseShare10(m.Payload)
	}
	return h, err
}

// ProtocolV9 is the protocol of the old p2p package: gob, with a header and a
// checksum on every parcel.
type ProtocolV9 struct{ s *stream }

// SendHandshake sends our handshake, which is a peer request in version 9.
func (v9 *ProtocolV9) SendHandshake(h *Handshake) error { return v9.s.gobHandshake(factom.V9, h) }

// ReadHandshake reads the other side's, of version 9 or 10.
func (v9 *ProtocolV9) ReadHandshake() (*Handshake, error) { return v9.s.readGobHandshake() }

// Send sends a parcel.
func (v9 *ProtocolV9) Send(p *Parcel) error {
	if err := p.Valid(); err != nil {
		return err
	}
	if v9.s == nil {
		return errNoConnection
	}
	c := &v9.s.conf
	return v9.s.writeLong(factom.V9, p.kind(), p.Address, p.Payload, &Handshake{Network: c.Network, NodeID: c.NodeID, ListenPort: c.ListenPort})
}

// Receive waits for a parcel. Its Address is empty.
func (v9 *ProtocolV9) Receive() (*Parcel, error) {
	if v9.s == nil {
		return nil, errNoConnection
	}
	m, err := v9.s.readLong(V11MaxParcelSize)
	if err == nil {
		err = m.Valid()
	}
	if err != nil {
		return nil, err
	}
	return received(m.Header.Type, bytes.Clone(m.Payload))
}

// received returns what arrived, unless it is no parcel.
func received(typ ParcelType, payload []byte) (*Parcel, error) {
	p := &Parcel{ptype: typ, Payload: payload}
	return p, p.Valid()
}

// MakePeerShare returns a list of V9Share in JSON.
func (v9 *ProtocolV9) MakePeerShare(ps []Endpoint) ([]byte, error) {
	var network NetworkID
	if v9.s != nil {
		network = v9.s.conf.Network
	}
	var all []V9Share
	for _, ep := range ps {
		all = append(all, V9Share{
			QualityScore: 20, Address: ep.IP, Port: ep.Port, NodeID: 1, Hash: ep.IP, Location: IP2LocationQuick(ep.IP),
			Network: network, Connections: 1, Source: map[string]time.Time{},
		})
	}
	return json.Marshal(all)
}

// ParsePeerShare reads a list of V9Share in JSON, of at most 65,536. Those of
// other networks are left out. Whether the others have a form tells
// [Endpoint.Valid].
func (v9 *ProtocolV9) ParsePeerShare(payload []byte) ([]Endpoint, error) {
	var all []V9Share
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, err
	}
	var eps []Endpoint
	for _, x := range all {
		if v9.s == nil || x.Network == v9.s.conf.Network {
			eps = append(eps, Endpoint{IP: x.Address, Port: x.Port})
		}
	}
	return eps, few(len(all))
}

// few returns an error if there are too many endpoints in a share.
func few(n int) error { return wire.CheckLen("share", uint64(n), maxShared) }

// Version returns 9.
func (v9 *ProtocolV9) Version() uint16 { return factom.V9 }

// String returns "9".
func (v9 *ProtocolV9) String() string { return strconv.Itoa(int(factom.V9)) }

// ProtocolV10 is version 9 without most of the header. It has no checksum,
// whatever the original's documentation says.
type ProtocolV10 struct{ s *stream }

// SendHandshake sends our handshake, in the form of version 9.
func (v10 *ProtocolV10) SendHandshake(h *Handshake) error { return v10.s.gobHandshake(factom.V10, h) }

// ReadHandshake reads the other side's, of version 9 or 10.
func (v10 *ProtocolV10) ReadHandshake() (*Handshake, error) { return v10.s.readGobHandshake() }

// Send sends a parcel.
func (v10 *ProtocolV10) Send(p *Parcel) error {
	if err := p.Valid(); err != nil {
		return err
	}
	s := v10.s
	if s == nil {
		return errNoConnection
	}
	s.buf = s.buf[:0]
	if !s.short {
		s.buf, s.short = gobwire.Go126.DefineShort(s.buf), true
	}
	s.buf = gobwire.Go126.AppendShort(s.buf, uint16(p.kind()), len(p.Payload))
	s.buf = append(append(s.buf, p.Payload...), 0)
	_, err := s.w.Write(s.buf)
	return err
}

// Receive waits for a parcel. Its Address is empty.
func (v10 *ProtocolV10) Receive() (*Parcel, error) {
	if v10.s == nil {
		return nil, errNoConnection
	}
	for range maxDefinitions {
		b, err := v10.s.gob(V11MaxParcelSize)
		if err != nil {
			return nil, err
		}
		var m gobwire.Short
		ok, err := v10.s.types.Short(b, &m)
		if err != nil {
			return nil, err
		}
		if ok {
			return received(ParcelType(m.Type), bytes.Clone(m.Payload))
		}
	}
	return nil, fmt.Errorf("more than %d gob messages without a value", maxDefinitions)
}

// MakePeerShare returns a list of V10Share in JSON.
func (v10 *ProtocolV10) MakePeerShare(share []Endpoint) ([]byte, error) {
	var all []V10Share
	for _, ep := range share {
		all = append(all, V10Share(ep))
	}
	return json.Marshal(all)
}

// ParsePeerShare reads a list of V10Share in JSON, of at most 65,536. Whether
// they have a form tells [Endpoint.Valid].
func (v10 *ProtocolV10) ParsePeerShare(payload []byte) ([]Endpoint, error) {
	return parseShare10(payload)
}

func parseShare10(payload []byte) ([]Endpoint, error) {
	var all []V10Share
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, err
	}
	var eps []Endpoint
	for _, x := range all {
		eps = append(eps, Endpoint(x))
	}
	return eps, few(len(all))
}

// Version returns 10.
func (v10 *ProtocolV10) Version() uint16 { return factom.V10 }

// String returns "10".
func (v10 *ProtocolV10) String() string { return strconv.Itoa(int(factom.V10)) }
