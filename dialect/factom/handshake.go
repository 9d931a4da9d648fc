package factom

import (
	"encoding/binary"

	"parley/dialect/factom/gobwire"
	"parley/fault"
	"parley/wire"
)

// Handshake is the first parcel of either side. That of the other side is in
// [dialect.Intro].Info, as a *Handshake that nobody may change.
type Handshake struct {
	Network      uint32
	Version      uint16 // as claimed; a V11 handshake may claim any
	Type         uint32 // not checked by anybody but for TypeRejectAlternative in an answer
	NodeID       uint32
	ListenPort   string     // as written: "+08108" is allowed
	Nonce        uint64     // 0 if there was none
	Alternatives []Endpoint // only if Type is TypeRejectAlternative

	requested bool // ours was a peer request, as V9 handshakes are; it will be answered
}

// Field numbers of a V11 handshake and of an endpoint in it.
const (
	fieldNetwork      = 2
	fieldVersion      = 3
	fieldNodeID       = 4
	fieldListenPort   = 5
	fieldNonce        = 6
	fieldAlternatives = 7

	fieldHost = 1
	fieldPort = 2
)

const (
	signature = "pbuf" // begins every V11 stream
	maxHost   = 253    // characters of a host, factom-p2p 1.13 (Endpoint.Valid)
	maxPort   = 16     // characters of a port; five and any signs and zeros
)

// What V9 and V10 say in every header.
var (
	appHash = []byte("NetworkMessage")
	appType = []byte("Network")
)

// append11 appends h as V11 has it: signature, length, protobuf.
func (h *Handshake) append11(dst []byte) []byte {
	dst = append(dst, signature...)
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = wire.AppendVarintField(dst, fieldType, uint64(h.Type))
	dst = wire.AppendVarintField(dst, fieldNetwork, uint64(h.Network))
	dst = wire.AppendVarintField(dst, fieldVersion, uint64(h.Version))
	dst = wire.AppendVarintField(dst, fieldNodeID, uint64(h.NodeID))
	dst = wire.AppendStringField(dst, fieldListenPort, h.ListenPort)
	dst = wire.AppendVarintField(dst, fieldNonce, h.Nonce)
	dst = appendEndpoints(dst, fieldAlternatives, h.Alternatives)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// parse11 reads what append11 writes after the length.
func (h *Handshake) parse11(b []byte, limit int) error {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldType:
			r.Want(f, wire.Varint, "type")
			h.Type = uint32(uint16(f.Int))
		case fieldNetwork:
			r.Want(f, wire.Varint, "network")
			h.Network = uint32(f.Int)
		case fieldVersion:
			r.Want(f, wire.Varint, "version")
			h.Version = uint16(f.Int)
		case fieldNodeID:
			r.Want(f, wire.Varint, "node id")
			h.NodeID = uint32(f.Int)
		case fieldListenPort:
			r.Want(f, wire.Bytes, "listen port")
			h.ListenPort = text(f.Data, maxPort)
		case fieldNonce:
			r.Want(f, wire.Varint, "nonce")
			h.Nonce = f.Int
		case fieldAlternatives:
			r.Want(f, wire.Bytes, "alternatives")
			h.Alternatives = readEndpoint(&r, f.Data, h.Alternatives, limit)
		}
	}
	return fault.New(fault.Protocol, "open", r.Err())
}

// appendGob appends h as V9 and V10 have it. Alternatives and nonce share the
// payload; a reject without alternatives has eight zero bytes there.
func (h *Handshake) appendGob(dst []byte, ids gobwire.IDs) []byte {
	var payload []byte
	if len(h.Alternatives) > 0 {
		payload = appendShare10(nil, h.Alternatives)
	} else {
		payload = binary.LittleEndian.AppendUint64(nil, h.Nonce)
	}
	head := gobwire.Header{
		Network:  h.Network,
		Version:  h.Version,
		Type:     uint16(h.Type),
		Length:   uint32(len(payload)),
		Crc32:    wire.Koopman(payload),
		NodeID:   uint64(h.NodeID),
		PeerPort: []byte(h.ListenPort),
		AppHash:  appHash,
		AppType:  appType,
	}
	dst = ids.DefineLong(dst)
	dst = ids.AppendLong(dst, &head, len(payload))
	return append(append(dst, payload...), 0)
}

// fromGob takes the fields of a V9 or V10 handshake. Length and checksum are not
// looked at, as in the original; a payload that is not a nonce means none, which
// is how the nodes before factom-p2p are accepted.
func (h *Handshake) fromGob(p *gobwire.Long, limit int) error {
	*h = Handshake{
		Network:    p.Header.Network,
		Version:    p.Header.Version,
		Type:       uint32(p.Header.Type),
		NodeID:     uint32(p.Header.NodeID),
		ListenPort: text(p.Header.PeerPort, maxPort),
	}
	if len(p.Payload) == 8 {
		h.Nonce = binary.LittleEndian.Uint64(p.Payload)
	}
	if h.Type != TypeRejectAlternative || len(p.Payload) == 8 {
		return nil
	}
	alternatives, err := parseShare10(p.Payload, limit)
	if err != nil {
		return fault.New(fault.Protocol, "open", err)
	}
	h.Alternatives = alternatives
	return nil
}

// appendEndpoints appends a repeated protobuf field of endpoints.
func appendEndpoints(dst []byte, num uint32, es []Endpoint) []byte {
	for _, e := range es {
		n := fieldLen(len(e.Host)) + fieldLen(len(e.Port))
		dst = wire.AppendBytesHead(dst, num, n)
		dst = wire.AppendStringField(dst, fieldHost, e.Host)
		dst = wire.AppendStringField(dst, fieldPort, e.Port)
	}
	return dst
}

func fieldLen(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + wire.UvarintLen(uint64(n)) + n
}

// readEndpoint reads one endpoint and appends it to es, of which there may be
// limit.
func readEndpoint(r *wire.Reader, b []byte, es []Endpoint, limit int) []Endpoint {
	if err := wire.CheckLen("addresses", uint64(len(es)+1), limit); err != nil {
		r.Fail(err)
		return es
	}
	var e Endpoint
	in := wire.NewReader(b)
	for f, ok := in.Field(); ok; f, ok = in.Field() {
		switch f.Num {
		case fieldHost:
			in.Want(f, wire.Bytes, "host")
			e.Host = text(f.Data, maxHost)
		case fieldPort:
			in.Want(f, wire.Bytes, "port")
			e.Port = text(f.Data, maxPort)
		}
	}
	if err := in.Err(); err != nil {
		r.Fail(err)
		return es
	}
	return append(es, e)
}

// text copies b, but no more than shows that it is too long to be right.
func text(b []byte, max int) string { return string(b[:min(len(b), max+1)]) }
