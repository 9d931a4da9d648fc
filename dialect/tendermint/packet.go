package tendermint

import (
	"encoding/binary"
	"fmt"
	"math"

	"parley/fault"
	"parley/wire"
)

// form is how packets are written. In all of them a message is the packets of
// one channel up to one that says that it is the last.
type form uint8

const (
	comet     form = iota // protobuf with a length in front, since 2020
	september             // of 2014, with Agents: fixed lengths, little endian
	december              // of 2014, with Reactors: varint lengths
)

// packet is one packet. Typ is a channel, TypePing or TypePong.
type packet struct {
	typ  uint32
	last bool // of its message
	data []byte
}

// The first byte of a packet in 2014.
const (
	oldPing = 0x00
	oldPong = 0x01
	oldMsg  = 0x10
)

// Field numbers of a Packet and of the PacketMsg in it.
const (
	fieldPing = 1
	fieldPong = 2
	fieldMsg  = 3

	fieldChannel = 1
	fieldEOF     = 2
	fieldData    = 3
)

// Tags of what is in nearly every packet.
const (
	tagMsg     = fieldMsg<<3 | 2
	tagChannel = fieldChannel << 3
	tagEOF     = fieldEOF << 3
	tagData    = fieldData<<3 | 2
)

// parse cuts a packet with at most limit bytes of data off the front of b. If
// b is too short, n > len(b) says how many bytes it needs, as far as is known.
// The data aliases b.
func (f form) parse(b []byte, limit int) (p packet, n int, err error) {
	if f != comet {
		return f.parseOld(b, limit)
	}
	size, k := uvarint(b)
	switch {
	case k == 0:
		return p, len(b) + 1, nil
	case k < 0 || size > uint64(limit) && size > uint64(bodyLimit(limit)):
		return p, 0, broken("packet: %d bytes, limit %d", size, bodyLimit(limit))
	}
	if n = k + int(size); n > len(b) {
		return p, n, nil
	}
	var ok bool
	if p, ok = quick(b[k:n]); !ok {
		p, err = slow(b[k:n])
	}
	if err == nil && len(p.data) > limit {
		err = broken("packet: %d bytes of data, limit %d", len(p.data), limit)
	}
	return p, n, err
}

// longHead is how many bytes a head takes at most that long parses.
const longHead = 12

// long parses a message packet of the form in which all real ones are, if both
// lengths in front of its data and that of the data take two bytes, as they do in the
// packets of long messages. Of the others it returns 0, or else how many bytes the
// packet takes, of which there may be less; b has longHead bytes at least.
func long(b []byte, limit int) (p packet, n int) {
	if b[2] != tagMsg || b[5] != tagChannel || b[6] >= 0x80 {
		return p, 0
	}
	at := 7
	if b[7] == tagEOF && b[8] == 1 {
		p.last, at = true, 9
	}
	n = 2 + twoBytes(b)
	size := twoBytes(b[at+1:])
	if b[at] != tagData || size < 0 || size > limit || n != 5+twoBytes(b[3:]) || n != at+3+size {
		return p, 0
	}
	if p.typ = uint32(b[6]); n <= len(b) {
		p.data = b[at+3 : n]
	}
	return p, n
}

// twoBytes returns the varint at the front of b if it takes two bytes, and else
// a number far below any length.
func twoBytes(b []byte) int {
	if b[0] < 0x80 || b[1] >= 0x80 {
		return math.MinInt32
	}
	return int(b[0]&0x7f) | int(b[1])<<7
}

// uvarint is binary.Uvarint, quicker for what takes one byte.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// bodyLimit is how many bytes a packet with so much data takes at most. The
// original allows one byte less, and so cuts off itself where a full last packet is
// on a channel from 0x80 on.
func bodyLimit(data int) int { return 1 + wire.UvarintLen(uint64(data)+20) + msgLen(0x80, true, data) }

// quick parses a message packet of the form in which all real ones are.
func quick(b []byte) (p packet, ok bool) {
	if len(b) < 2 || b[0] != tagMsg {
		return p, false
	}
	if b, ok = tail(b); !ok {
		return p, false
	}
	if len(b) >= 2 && b[0] == tagChannel && b[1] < 0x80 {
		p.typ = uint32(b[1])
		b = b[2:]
	}
	if len(b) >= 2 && b[0] == tagEOF && b[1] == 1 {
		p.last = true
		b = b[2:]
	}
	if len(b) == 0 {
		return p, true
	}
	if b[0] != tagData {
		return p, false
	}
	p.data, ok = tail(b)
	return p, ok
}

// tail returns the value of a field of bytes that is all of b, whose tag takes
// one byte.
func tail(b []byte) ([]byte, bool) {
	n, k := uvarint(b[1:])
	if k <= 0 || n != uint64(len(b)-1-k) {
		return nil, false
	}
	return b[1+k:], true
}

// slow parses any packet. Of several kinds in one the last counts.
func slow(b []byte) (p packet, err error) {
	known := false
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldPing, fieldPong:
			r.Want(f, wire.Bytes, "packet")
			p, known = packet{typ: TypePing + f.Num - fieldPing}, true
		case fieldMsg:
			r.Want(f, wire.Bytes, "packet")
			p, known = readMsg(&r, f.Data), true
		}
	}
	switch {
	case r.Err() != nil:
		return p, broken("packet: %w", r.Err())
	case !known:
		return p, broken("packet: neither ping nor pong nor message")
	}
	return p, nil
}

func readMsg(outer *wire.Reader, b []byte) (p packet) {
	r := wire.NewReader(b)
	for f, ok := r.Field(); ok; f, ok = r.Field() {
		switch f.Num {
		case fieldChannel:
			if r.Want(f, wire.Varint, "channel"); f.Int > 0xff {
				r.Fail(fmt.Errorf("channel: %#x, limit 0xff", f.Int))
			}
			p.typ = uint32(f.Int)
		case fieldEOF:
			r.Want(f, wire.Varint, "eof")
			p.last = f.Int != 0
		case fieldData:
			r.Want(f, wire.Bytes, "data")
			p.data = f.Data
		}
	}
	if r.Err() != nil {
		outer.Fail(r.Err())
	}
	return p
}

// parseOld is parse for the forms of 2014.
func (f form) parseOld(b []byte, limit int) (p packet, n int, err error) {
	if len(b) == 0 {
		return p, 1, nil
	}
	switch b[0] {
	case oldPing, oldPong:
		return packet{typ: TypePing + uint32(b[0]-oldPing)}, 1, nil
	case oldMsg:
	default:
		return p, 0, broken("packet: type %#02x is unknown", b[0])
	}
	const head = 3
	if len(b) <= head {
		return p, head + 1, nil
	}
	if b[2] > 1 {
		return p, 0, broken("packet: end of message: %d, want 0 or 1", b[2])
	}
	var size uint64
	k := 4
	if f == december {
		size, k = binary.Uvarint(b[head:])
	} else if len(b) < head+k {
		return p, head + k, nil
	} else {
		size = uint64(binary.LittleEndian.Uint32(b[head:]))
	}
	switch {
	case k == 0:
		return p, len(b) + 1, nil
	case k < 0 || size > uint64(limit):
		return p, 0, broken("packet: %d bytes of data, limit %d", size, limit)
	}
	if n = head + k + int(size); n > len(b) {
		return p, n, nil
	}
	return packet{typ: uint32(b[1]), last: b[2] == 1, data: b[head+k : n]}, n, nil
}

// appendHead appends all of a message packet but its n bytes of data, which
// follow it.
func (f form) appendHead(dst []byte, channel byte, last bool, n int) []byte {
	if f != comet {
		dst = append(dst, oldMsg, channel, 0)
		if last {
			dst[len(dst)-1] = 1
		}
		if f == december {
			return binary.AppendUvarint(dst, uint64(n))
		}
		return binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	size := msgLen(channel, last, n)
	dst = appendSize(dst, 1+sizeLen(size)+size)
	dst = appendSize(append(dst, tagMsg), size)
	if channel > 0 {
		dst = appendSize(append(dst, tagChannel), int(channel))
	}
	if last {
		dst = append(dst, tagEOF, 1)
	}
	if n > 0 {
		dst = appendSize(append(dst, tagData), n)
	}
	return dst
}

// mostHead is more bytes than a head takes.
const mostHead = 32

// appendSize appends n as a varint. Nearly all take one or two bytes.
func appendSize(dst []byte, n int) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, byte(n)|0x80, byte(n>>7))
	}
	return binary.AppendUvarint(dst, uint64(n))
}

// sizeLen returns how many bytes appendSize appends.
func sizeLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	}
	return wire.UvarintLen(uint64(n))
}

// msgLen returns how many bytes a PacketMsg takes.
func msgLen(channel byte, last bool, n int) (size int) {
	if channel > 0 {
		size = 1 + sizeLen(int(channel))
	}
	if last {
		size += 2
	}
	if n > 0 {
		size += 1 + sizeLen(n) + n
	}
	return size
}

// appendControl appends a ping or a pong.
func (f form) appendControl(dst []byte, typ uint32) []byte {
	if f != comet {
		return append(dst, byte(typ-TypePing)+oldPing)
	}
	return append(dst, 2, byte(fieldPing+typ-TypePing)<<3|2, 0)
}

// broken returns a fault that blames the peer for what it sent.
func broken(format string, args ...any) error {
	return fault.New(fault.Protocol, "decode", fmt.Errorf(format, args...))
}
