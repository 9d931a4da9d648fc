package factom

import (
	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
	"parley/wire"
)

// gobMessage cuts a gob message off the front of buf. If buf is too short, msg is
// nil and n says how many bytes are needed.
func gobMessage(buf []byte, limit int) (msg []byte, n int, err error) {
	head, size, err := gobwire.Size(buf)
	if err != nil {
		return nil, 0, fault.New(fault.Protocol, "decode", err)
	}
	if head <= len(buf) && size > uint64(limit) {
		return nil, 0, overLimit(size, limit)
	}
	n = head + int(size)
	if len(buf) < n {
		return nil, n, nil
	}
	return buf[head:n:n], n, nil
}

// decoder9 reads V9: gob values with a header and a checksum, between which type
// definitions may stand.
type decoder9 struct {
	types *gobwire.Types
	limit int
	parts parts
}

// Next implements [dialect.Decoder].
func (d *decoder9) Next(buf []byte) (m dialect.Message, n int, err error) {
	msg, n, err := gobMessage(buf, d.limit)
	if msg == nil || err != nil {
		return m, n, err
	}
	var p gobwire.Long
	ok, err := d.types.Long(msg, &p)
	if err != nil {
		return m, 0, fault.New(fault.Protocol, "decode", err)
	}
	if ok {
		m, err = d.parcel(&p)
	}
	if err != nil {
		return dialect.Message{}, 0, err
	}
	return m, n, nil
}

// parcel checks what the original checks and nothing else: the network, say, was
// settled by the handshake.
func (d *decoder9) parcel(p *gobwire.Long) (m dialect.Message, err error) {
	h := &p.Header
	if h.Version != V9 {
		return m, protocol("header version %d, want %d", h.Version, V9)
	}
	if uint64(h.Length) != uint64(len(p.Payload)) {
		return m, protocol("header length %d, payload of %d bytes", h.Length, len(p.Payload))
	}
	if sum := wire.Koopman(p.Payload); h.Crc32 != sum {
		return m, protocol("header checksum %08x, payload has %08x", h.Crc32, sum)
	}
	body := p.Payload
	if uint32(h.Type) == TypeMessagePart && h.PartsTotal > 1 {
		if body, err = d.parts.add(h, body); body == nil || err != nil {
			return m, err
		}
	}
	return inbound(uint32(h.Type), body)
}

// encoder9 writes V9. Its definitions went out with the handshake.
type encoder9 struct {
	head  gobwire.Header
	usual gobwire.Front // of messages of the type in head
}

func newEncoder9(own *Handshake) *encoder9 {
	e := &encoder9{head: gobwire.Header{
		Network:  own.Network,
		Version:  V9,
		NodeID:   uint64(own.NodeID),
		PeerPort: []byte(own.ListenPort),
		AppHash:  appHash,
		AppType:  appType,
		Type:     uint16(TypeMessage),
	}}
	e.usual = gobwire.Go126.NewFront(&e.head)
	return e
}

// Append implements [dialect.Encoder].
func (e *encoder9) Append(dst []byte, m dialect.Message) ([]byte, error) {
	if err := outbound(m); err != nil {
		return dst, err
	}
	return append(append(e.front(dst, m), m.Body...), 0), nil
}

// Frame implements [dialect.Framer]. The tail ends the struct.
func (e *encoder9) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if err := outbound(m); err != nil {
		return dst, 0, err
	}
	return append(e.front(dst, m), 0), 1, nil
}

// front appends what comes before the body. The header names no target, although
// the original's does: nobody reads it, and without it the bytes are the same for
// every peer.
func (e *encoder9) front(dst []byte, m dialect.Message) []byte {
	n, sum := uint32(len(m.Body)), wire.Koopman(m.Body)
	if m.Type == uint32(e.head.Type) && n > 0 && sum > 0 {
		return e.usual.Append(dst, n, sum, len(m.Body))
	}
	h := e.head
	h.Type, h.Length, h.Crc32 = uint16(m.Type), n, sum
	return gobwire.Go126.AppendLong(dst, &h, len(m.Body))
}

// decoder10 reads V10: gob values of type and payload.
type decoder10 struct {
	types *gobwire.Types
	limit int
}

// Next implements [dialect.Decoder].
func (d *decoder10) Next(buf []byte) (m dialect.Message, n int, err error) {
	msg, n, err := gobMessage(buf, d.limit)
	if msg == nil || err != nil {
		return m, n, err
	}
	var p gobwire.Short
	ok, err := d.types.Short(msg, &p)
	if err != nil {
		return m, 0, fault.New(fault.Protocol, "decode", err)
	}
	if ok {
		m, err = inbound(uint32(p.Type), p.Payload)
	}
	if err != nil {
		return dialect.Message{}, 0, err
	}
	return m, n, nil
}

// encoder10 writes V10. Its definition is the link's prelude.
type encoder10 struct{}

// Append implements [dialect.Encoder].
func (encoder10) Append(dst []byte, m dialect.Message) ([]byte, error) {
	if err := outbound(m); err != nil {
		return dst, err
	}
	return append(append(front10(dst, m), m.Body...), 0), nil
}

// Frame implements [dialect.Framer]. The tail ends the struct.
func (encoder10) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if err := outbound(m); err != nil {
		return dst, 0, err
	}
	return append(front10(dst, m), 0), 1, nil
}

// usual10 is the front of V10's messages of the application. It never changes.
var usual10 = gobwire.Go126.NewShortFront(uint16(TypeMessage))

// front10 appends what comes before the body.
func front10(dst []byte, m dialect.Message) []byte {
	if m.Type == TypeMessage && len(m.Body) > 0 {
		return usual10.Append(dst, len(m.Body))
	}
	return gobwire.Go126.AppendShort(dst, uint16(m.Type), len(m.Body))
}
