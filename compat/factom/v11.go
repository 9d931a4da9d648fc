package p2p

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"parley/dialect/factom"
	"parley/wire"
)

// The messages of version 11, which are protobuf (proto3). Zero fields are not
// written, fields are written in the order of their numbers, and unknown ones
// are skipped when read. Unmarshal adds to what a message holds, as protobuf's
// merge rules say, and shares no memory with its input.

// V11Endpoint is an endpoint in a V11Handshake or V11Share.
type V11Endpoint struct {
	Host string `protobuf:"bytes,1,opt,name=Host,proto3" json:"Host,omitempty"`
	Port string `protobuf:"bytes,2,opt,name=Port,proto3" json:"Port,omitempty"`
}

// V11Handshake is the first message of either side.
type V11Handshake struct {
	Type         uint32         `protobuf:"varint,1,opt,name=Type,proto3" json:"Type,omitempty"`
	Network      uint32         `protobuf:"varint,2,opt,name=Network,proto3" json:"Network,omitempty"`
	Version      uint32         `protobuf:"varint,3,opt,name=Version,proto3" json:"Version,omitempty"`
	NodeID       uint32         `protobuf:"varint,4,opt,name=NodeID,proto3" json:"NodeID,omitempty"`
	ListenPort   string         `protobuf:"bytes,5,opt,name=ListenPort,proto3" json:"ListenPort,omitempty"`
	Loopback     uint64         `protobuf:"varint,6,opt,name=Loopback,proto3" json:"Loopback,omitempty"`
	Alternatives []*V11Endpoint `protobuf:"bytes,7,rep,name=Alternatives,proto3" json:"Alternatives,omitempty"`
}

// V11Msg is a parcel.
type V11Msg struct {
	Type    uint32 `protobuf:"varint,1,opt,name=Type,proto3" json:"Type,omitempty"`
	Payload []byte `protobuf:"bytes,2,opt,name=Payload,proto3" json:"Payload,omitempty"`
}

// V11Share is the payload of a peer response.
type V11Share struct {
	Share []*V11Endpoint `protobuf:"bytes,1,rep,name=Share,proto3" json:"Share,omitempty"`
}

// fields calls f with every field of a message and returns the first error of
// the message or of f.
func fields(b []byte, f func(r *wire.Reader, f wire.Field)) error {
	r := wire.NewReader(b)
	for x, ok := r.Field(); ok; x, ok = r.Field() {
		f(&r, x)
	}
	switch err := r.Err(); {
	case errors.Is(err, wire.ErrShort):
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	case errors.Is(err, wire.ErrOverflow):
		return fmt.Errorf("%w: %w", ErrIntOverflowProtocolV11, err)
	case errors.Is(err, wire.ErrLimit):
		return fmt.Errorf("%w: %w", ErrInvalidLengthProtocolV11, err)
	default:
		return err
	}
}

// appendEndpoints appends a repeated field of endpoints; nil ones are empty.
func appendEndpoints(dst []byte, num uint32, all []*V11Endpoint) []byte {
	for _, e := range all {
		inner := e.appendTo(nil)
		dst = append(wire.AppendBytesHead(dst, num, len(inner)), inner...)
	}
	return dst
}

// addEndpoint reads an endpoint and appends it to all.
func addEndpoint(r *wire.Reader, f wire.Field, all *[]*V11Endpoint) {
	if !r.Want(f, wire.Bytes, "endpoint") {
		return
	}
	e := new(V11Endpoint)
	if err := e.Unmarshal(f.Data); err != nil {
		r.Fail(err)
		return
	}
	*all = append(*all, e)
}

func (m *V11Endpoint) appendTo(dst []byte) []byte {
	dst = wire.AppendStringField(dst, 1, m.GetHost())
	return wire.AppendStringField(dst, 2, m.GetPort())
}

// Marshal returns the message in wire form. The error is always nil.
func (m *V11Endpoint) Marshal() (dAtA []byte, err error) { return m.appendTo(nil), nil }

// Unmarshal reads the message from its wire form.
func (m *V11Endpoint) Unmarshal(dAtA []byte) error {
	return fields(dAtA, func(r *wire.Reader, f wire.Field) {
		switch {
		case f.Num == 1 && r.Want(f, wire.Bytes, "Host"):
			m.Host = string(f.Data)
		case f.Num == 2 && r.Want(f, wire.Bytes, "Port"):
			m.Port = string(f.Data)
		}
	})
}

// Size returns how long the wire form is, in bytes.
func (m *V11Endpoint) Size() (n int) { return len(m.appendTo(nil)) }

// Reset empties the message.
func (m *V11Endpoint) Reset() { *m = V11Endpoint{} }

// String shows the message.
func (m *V11Endpoint) String() string {
	return fmt.Sprintf("Host:%q Port:%q", m.GetHost(), m.GetPort())
}

// GetHost returns the host, also of a nil message.
func (m *V11Endpoint) GetHost() string { return or(m).Host }

// GetPort returns the port, also of a nil message.
func (m *V11Endpoint) GetPort() string { return or(m).Port }

func (m *V11Handshake) appendTo(dst []byte) []byte {
	if m == nil {
		return dst
	}
	dst = wire.AppendVarintField(dst, 1, uint64(m.Type))
	dst = wire.AppendVarintField(dst, 2, uint64(m.Network))
	dst = wire.AppendVarintField(dst, 3, uint64(m.Version))
	dst = wire.AppendVarintField(dst, 4, uint64(m.NodeID))
	dst = wire.AppendStringField(dst, 5, m.ListenPort)
	dst = wire.AppendVarintField(dst, 6, m.Loopback)
	return appendEndpoints(dst, 7, m.Alternatives)
}

// Marshal returns the message in wire form. The error is always nil.
func (m *V11Handshake) Marshal() (dAtA []byte, err error) { return m.appendTo(nil), nil }

// Unmarshal reads the message from its wire form.
func (m *V11Handshake) Unmarshal(dAtA []byte) error {
	return fields(dAtA, func(r *wire.Reader, f wire.Field) {
		switch {
		case f.Num == 1 && r.Want(f, wire.Varint, "Type"):
			m.Type = uint32(f.Int)
		case f.Num == 2 && r.Want(f, wire.Varint, "Network"):
			m.Network = uint32(f.Int)
		case f.Num == 3 && r.Want(f, wire.Varint, "Version"):
			m.Version = uint32(f.Int)
		case f.Num == 4 && r.Want(f, wire.Varint, "NodeID"):
			m.NodeID = uint32(f.Int)
		case f.Num == 5 && r.Want(f, wire.Bytes, "ListenPort"):
			m.ListenPort = string(f.Data)
		case f.Num == 6 && r.Want(f, wire.Varint, "Loopback"):
			m.Loopback = f.Int
		case f.Num == 7:
			addEndpoint(r, f, &m.Alternatives)
		}
	})
}

// Size returns how long the wire form is, in bytes.
func (m *V11Handshake) Size() (n int) { return len(m.appendTo(nil)) }

// Reset empties the message.
func (m *V11Handshake) Reset() { *m = V11Handshake{} }

// String shows the message.
func (m *V11Handshake) String() string {
	return fmt.Sprintf("Type:%d Network:%d Version:%d NodeID:%d ListenPort:%q Loopback:%d Alternatives:%v",
		m.GetType(), m.GetNetwork(), m.GetVersion(), m.GetNodeID(), m.GetListenPort(), m.GetLoopback(), m.GetAlternatives())
}

// or returns m, or an empty message for nil, so that getters work on both.
func or[T any](m *T) *T {
	if m == nil {
		return new(T)
	}
	return m
}

// GetType returns the type, also of a nil message.
func (m *V11Handshake) GetType() uint32 { return or(m).Type }

// GetNetwork returns the network, also of a nil message.
func (m *V11Handshake) GetNetwork() uint32 { return or(m).Network }

// GetVersion returns the version, also of a nil message.
func (m *V11Handshake) GetVersion() uint32 { return or(m).Version }

// GetNodeID returns the node id, also of a nil message.
func (m *V11Handshake) GetNodeID() uint32 { return or(m).NodeID }

// GetListenPort returns the listen port, also of a nil message.
func (m *V11Handshake) GetListenPort() string { return or(m).ListenPort }

// GetLoopback returns the nonce, also of a nil message.
func (m *V11Handshake) GetLoopback() uint64 { return or(m).Loopback }

// GetAlternatives returns the alternatives, also of a nil message.
func (m *V11Handshake) GetAlternatives() []*V11Endpoint { return or(m).Alternatives }

// appendHead appends what comes before the payload.
func (m *V11Msg) appendHead(dst []byte) []byte {
	dst = wire.AppendVarintField(dst, 1, uint64(m.GetType()))
	if len(m.GetPayload()) > 0 {
		dst = wire.AppendBytesHead(dst, 2, len(m.Payload))
	}
	return dst
}

// Marshal returns the message in wire form. The error is always nil.
func (m *V11Msg) Marshal() (dAtA []byte, err error) {
	return append(m.appendHead(make([]byte, 0, m.Size())), m.GetPayload()...), nil
}

// Unmarshal reads the message from its wire form.
func (m *V11Msg) Unmarshal(dAtA []byte) error {
	return fields(dAtA, func(r *wire.Reader, f wire.Field) {
		switch {
		case f.Num == 1 && r.Want(f, wire.Varint, "Type"):
			m.Type = uint32(f.Int)
		case f.Num == 2 && r.Want(f, wire.Bytes, "Payload"):
			m.Payload = bytes.Clone(f.Data)
		}
	})
}

// Size returns how long the wire form is, in bytes.
func (m *V11Msg) Size() (n int) { return len(m.appendHead(nil)) + len(m.GetPayload()) }

// Reset empties the message.
func (m *V11Msg) Reset() { *m = V11Msg{} }

// String shows the message.
func (m *V11Msg) String() string {
	return fmt.Sprintf("Type:%d Payload:%q", m.GetType(), m.GetPayload())
}

// GetType returns the type, also of a nil message.
func (m *V11Msg) GetType() uint32 { return or(m).Type }

// GetPayload returns the payload, also of a nil message.
func (m *V11Msg) GetPayload() []byte { return or(m).Payload }

// Marshal returns the message in wire form. The error is always nil.
func (m *V11Share) Marshal() (dAtA []byte, err error) {
	return appendEndpoints(nil, 1, m.GetShare()), nil
}

// Unmarshal reads the message from its wire form.
func (m *V11Share) Unmarshal(dAtA []byte) error {
	return fields(dAtA, func(r *wire.Reader, f wire.Field) {
		if f.Num == 1 {
			addEndpoint(r, f, &m.Share)
		}
	})
}

// Size returns how long the wire form is, in bytes.
func (m *V11Share) Size() (n int) { return len(appendEndpoints(nil, 1, m.GetShare())) }

// Reset empties the message.
func (m *V11Share) Reset() { *m = V11Share{} }

// String shows the message.
func (m *V11Share) String() string { return fmt.Sprintf("Share:%v", m.GetShare()) }

// GetShare returns the endpoints, also of a nil message.
func (m *V11Share) GetShare() []*V11Endpoint { return or(m).Share }

// ProtocolV11 is protobuf behind a length of four bytes, most significant first.
type ProtocolV11 struct{ s *stream }

// write sends a length, a head and a body.
func (v11 *ProtocolV11) write(front, head, body []byte) error {
	s, size := v11.s, len(head)+len(body)
	if s == nil {
		return errNoConnection
	}
	if err := wire.CheckLen("parcel", uint64(size), V11MaxParcelSize); err != nil {
		return err
	}
	s.buf = append(s.buf[:0], front...)
	s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(size))
	s.buf = append(append(s.buf, head...), body...)
	_, err := s.w.Write(s.buf)
	return err
}

// read reads a message of at most limit bytes, lent until the next read.
func (v11 *ProtocolV11) read(limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(v11.s.r, head[:]); err != nil {
		return nil, err
	}
	return v11.s.block(uint64(binary.BigEndian.Uint32(head[:])), limit)
}

// SendHandshake sends the signature and our handshake.
func (v11 *ProtocolV11) SendHandshake(hs *Handshake) error {
	m := V11Handshake{
		Type: uint32(hs.Type), Network: uint32(hs.Network), Version: uint32(hs.Version), NodeID: hs.NodeID,
		ListenPort: hs.ListenPort, Loopback: hs.Loopback,
	}
	for _, ep := range hs.Alternatives {
		m.Alternatives = append(m.Alternatives, &V11Endpoint{Host: ep.IP, Port: ep.Port})
	}
	return v11.write(V11Signature, m.appendTo(nil), nil)
}

// ReadHandshake reads the other side's signature and handshake.
func (v11 *ProtocolV11) ReadHandshake() (*Handshake, error) {
	if v11.s == nil {
		return nil, errNoConnection
	}
	var sig [4]byte
	if _, err := io.ReadFull(v11.s.r, sig[:]); err != nil {
		return nil, err
	}
	if !bytes.Equal(sig[:], V11Signature) {
		return nil, errSignature
	}
	b, err := v11.read(maxHandshake)
	if err != nil {
		return nil, err
	}
	var m V11Handshake
	if err := m.Unmarshal(b); err != nil {
		return nil, err
	}
	h := &Handshake{
		Network: NetworkID(m.Network), Version: uint16(m.Version), Type: ParcelType(m.Type), NodeID: m.NodeID,
		ListenPort: m.ListenPort, Loopback: m.Loopback,
	}
	if len(m.Alternatives) > 0 {
		h.Alternatives = endpointsOf(m.Alternatives)
	}
	return h, few(len(h.Alternatives))
}

// Send sends a parcel.
func (v11 *ProtocolV11) Send(p *Parcel) error {
	if err := p.Valid(); err != nil {
		return err
	}
	m := V11Msg{Type: uint32(p.kind()), Payload: p.Payload}
	return v11.write(nil, m.appendHead(nil), p.Payload)
}

// Receive waits for a parcel. Its Address is empty.
func (v11 *ProtocolV11) Receive() (*Parcel, error) {
	if v11.s == nil {
		return nil, errNoConnection
	}
	b, err := v11.read(V11MaxParcelSize)
	if err != nil {
		return nil, err
	}
	var m V11Msg
	if err := m.Unmarshal(b); err != nil {
		return nil, err
	}
	return received(ParcelType(m.Type), m.Payload)
}

// MakePeerShare returns a V11Share.
func (v11 *ProtocolV11) MakePeerShare(ps []Endpoint) ([]byte, error) {
	var m V11Share
	for _, ep := range ps {
		m.Share = append(m.Share, &V11Endpoint{Host: ep.IP, Port: ep.Port})
	}
	return m.Marshal()
}

// ParsePeerShare reads a V11Share of at most 65,536 endpoints. Whether they have
// a form tells [Endpoint.Valid].
func (v11 *ProtocolV11) ParsePeerShare(payload []byte) ([]Endpoint, error) {
	var m V11Share
	if err := m.Unmarshal(payload); err != nil {
		return nil, err
	}
	return endpointsOf(m.Share), few(len(m.Share))
}

func endpointsOf(all []*V11Endpoint) []Endpoint {
	eps := make([]Endpoint, len(all))
	for i, e := range all {
		eps[i] = Endpoint{IP: e.GetHost(), Port: e.GetPort()}
	}
	return eps
}

// Version returns 11.
func (v11 *ProtocolV11) Version() uint16 { return factom.V11 }

// String returns "11".
func (v11 *ProtocolV11) String() string { return strconv.Itoa(int(factom.V11)) }
