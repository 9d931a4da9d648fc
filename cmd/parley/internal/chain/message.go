// Package chain is the application of `parley up`: blocks that a leader makes,
// and what a node says to its neighbors so that each ends with every block.
//
// New blocks are flooded. Besides, nodes tell their neighbors now and then how
// far they are, and one that is behind asks for what it lacks: so losses,
// restarts and splits heal. Chain is a state machine without clock, lock or
// I/O; its caller carries messages and keeps time.
package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A message starts with one of these.
const (
	kindBlock = 'B' // height, leader, time made, filler
	kindHave  = 'H' // height
	kindWant  = 'W' // first height, last height
)

// Sizes of messages in bytes.
const (
	HeaderSize = 1 + 8 + 4 + 8 // of a block, before its filler
	haveSize   = 1 + 8
	wantSize   = 1 + 8 + 8
)

// Header is what a block says about itself.
type Header struct {
	Height uint64 // from 1
	Leader uint32 // the node that made it
	Made   time.Time
}

// message is any of the three messages, read.
type message struct {
	kind     byte
	header   Header // of a block
	from, to uint64 // of a want; a have has its height in to
}

// AppendBlock appends a block as it goes over the wire.
func AppendBlock(dst []byte, h Header, filler []byte) []byte {
	dst = append(dst, kindBlock)
	dst = binary.BigEndian.AppendUint64(dst, h.Height)
	dst = binary.BigEndian.AppendUint32(dst, h.Leader)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.Made.UnixNano()))
	return append(dst, filler...)
}

func have(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindHave}, height)
}

func want(from, to uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{kindWant}, from)
	return binary.BigEndian.AppendUint64(b, to)
}

var errEmpty = errors.New("message: empty")

// parse reads a message. It looks at no more than the header of a block.
func parse(b []byte) (message, error) {
	if len(b) == 0 {
		return message{}, errEmpty
	}
	m := message{kind: b[0]}
	switch {
	case m.kind == kindBlock && len(b) >= HeaderSize:
		m.header.Height = binary.BigEndian.Uint64(b[1:])
		m.header.Leader = binary.BigEndian.Uint32(b[9:])
		m.header.Made = time.Unix(0, int64(binary.BigEndian.Uint64(b[13:])))
		if m.header.Height == 0 {
			return message{}, errors.New("block: height 0, the first is 1")
		}
	case m.kind == kindHave && len(b) == haveSize:
		m.to = binary.BigEndian.Uint64(b[1:])
	case m.kind == kindWant && len(b) == wantSize:
		m.from, m.to = binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
		if m.from == 0 || m.to < m.from {
			return message{}, fmt.Errorf("want: heights %d to %d", m.from, m.to)
		}
	default:
		return message{}, fmt.Errorf("message: kind %#02x with %d bytes", m.kind, len(b))
	}
	return m, nil
}

// IsBlock reports whether a message is a block.
func IsBlock(b []byte) bool { return len(b) > 0 && b[0] == kindBlock }
