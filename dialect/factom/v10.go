package factom

import (
	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
)

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
	dst = gobwire.Go126.AppendShort(dst, uint16(m.Type), len(m.Body))
	return append(append(dst, m.Body...), 0), nil
}

// Frame implements [dialect.Framer]. The tail ends the struct.
func (encoder10) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if err := outbound(m); err != nil {
		return dst, 0, err
	}
	return append(gobwire.Go126.AppendShort(dst, uint16(m.Type), len(m.Body)), 0), 1, nil
}
