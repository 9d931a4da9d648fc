package toy

import (
	"encoding/binary"
	"errors"
	"fmt"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

const headSize = 5

var _ dialect.Framer = codec{}

// codec is both halves: messages do not depend on each other, so it needs no
// state.
type codec struct{ max int }

// Next implements dialect.Decoder. The body aliases buf.
func (c codec) Next(buf []byte) (m dialect.Message, n int, err error) {
	if len(buf) < headSize {
		return m, headSize, nil
	}
	size := binary.LittleEndian.Uint32(buf)
	if uint64(size) > uint64(c.max) {
		return m, 0, broken("decode", "message: %d bytes, limit %d", size, c.max)
	}
	n = headSize + int(size)
	if len(buf) < n {
		return m, n, nil
	}
	m.Type = uint32(buf[4])
	m.For = dialect.ToSession
	if m.Type == App {
		m.For = dialect.ToApp
	}
	m.Body = buf[headSize:n:n]
	return m, n, nil
}

// Append implements dialect.Encoder.
func (c codec) Append(dst []byte, m dialect.Message) ([]byte, error) {
	dst, _, err := c.Frame(dst, m)
	if err != nil {
		return dst, err
	}
	return append(dst, m.Body...), nil
}

// Frame implements dialect.Framer. Nothing follows the body.
func (c codec) Frame(dst []byte, m dialect.Message) (out []byte, tail int, err error) {
	if m.Type > App {
		return dst, 0, fault.New(fault.Local, "encode", fmt.Errorf("type: %d, limit %d", m.Type, App))
	}
	if len(m.Body) > c.max {
		return dst, 0, fault.New(fault.Local, "encode", fmt.Errorf("message: %d bytes, limit %d", len(m.Body), c.max))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.Body)))
	return append(dst, byte(m.Type)), 0, nil
}

// maxAddr is the most bytes one address takes as text: a name of 253
// characters, a colon and a port.
const maxAddr = 253 + 1 + 5

// appendAddrs appends addresses, leaving out those that mean nothing to others:
// no port, or a zone, which names an interface of this machine.
func appendAddrs(dst []byte, as []addr.Addr) []byte {
	for _, a := range as {
		if !a.Dialable() || a.IP.Zone() != "" {
			continue
		}
		text := a.String()
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
		dst = append(dst, text...)
	}
	return dst
}

var (
	errCut  = errors.New("addresses: cut off")
	errMany = errors.New("addresses: too many")
	errLong = errors.New("addresses: text too long")
)

// parseAddrs appends to dst at most limit addresses. Those that nobody could
// dial are an error too: an honest peer leaves them out.
func parseAddrs(dst []addr.Addr, b []byte, limit int) ([]addr.Addr, error) {
	for ; len(b) > 0; limit-- {
		if limit == 0 {
			return dst, errMany
		}
		if len(b) < 2 {
			return dst, errCut
		}
		n := int(binary.LittleEndian.Uint16(b))
		if n > maxAddr {
			return dst, errLong
		}
		if b = b[2:]; len(b) < n {
			return dst, errCut
		}
		a, err := addr.Parse(string(b[:n]))
		if err != nil {
			return dst, err
		}
		if !a.Dialable() || a.IP.Zone() != "" {
			return dst, fmt.Errorf("addresses: %s cannot be dialed", a)
		}
		dst, b = append(dst, a), b[n:]
	}
	return dst, nil
}
