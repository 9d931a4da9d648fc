package factom

import (
	"encoding/binary"

	"parley/dialect"
	"parley/fault"
	"parley/wire"
)

// Field numbers of a V11 message.
const (
	fieldType    = 1
	fieldPayload = 2
)

// codec11 is both halves of V11: a length of four bytes, most significant first,
// and a protobuf message of type and payload. It has no state.
type codec11 struct{ limit int }

// Next implements [dialect.Decoder].
func (c codec11) Next(buf []byte) (m dialect.Message, n int, err error) {
	if len(buf) < 4 {
		return m, 4, nil
	}
	size := binary.BigEndian.Uint32(buf)
	if uint64(size) > uint64(c.limit) {
		return m, 0, overLimit(uint64(size), c.limit)
	}
	n = 4 + int(size)
	if len(buf) < n {
		return m, n, nil
	}
	m, err = parse11(buf[4:n:n])
	if err != nil {
		return dialect.Message{}, 0, err
	}
	return m, n, nil
}

// parse11 reads a parcel. One that is written as all known encoders do, with a
// small type and then the payload, needs no walk over its fields.
func parse11(b []byte) (dialect.Message, error) {
	if len(b) > 4 && b[0] == fieldType<<3 && b[1] < 0x80 && b[2] == fieldPayload<<3|byte(wire.Bytes) {
		if n, k := binary.Uvarint(b[3:]); k > 0 && n == uint64(len(b)-3-k) {
			return inbound(uint32(b[1]), b[3+k:])
		}
	}
	return walk11(b)
}

func walk11(b []byte) (dialect.Message, error) {
	var typ uint16
	var body []byte
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldType:
			r.Want(f, wire.Varint, "type")
			typ = uint16(f.Int) // cut, as the original does
		case fieldPayload:
			r.Want(f, wire.Bytes, "payload")
			body = f.Data
		}
	}
	if err := r.Err(); err != nil {
		return dialect.Message{}, fault.New(fault.Protocol, "decode", err)
	}
	return inbound(uint32(typ), body)
}

// Append implements [dialect.Encoder].
func (c codec11) Append(dst []byte, m dialect.Message) ([]byte, error) {
	out, _, err := c.Frame(dst, m)
	if err != nil {
		return dst, err
	}
	return append(out, m.Body...), nil
}

// Frame implements [dialect.Framer]; V11 has no tail.
func (codec11) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if err := outbound(m); err != nil {
		return dst, 0, err
	}
	at := len(dst)
	out = append(dst, 0, 0, 0, 0)
	out = wire.AppendVarintField(out, fieldType, uint64(m.Type))
	out = wire.AppendBytesHead(out, fieldPayload, len(m.Body))
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4+len(m.Body)))
	return out, 0, nil
}
