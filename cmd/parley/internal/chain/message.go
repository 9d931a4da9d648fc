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

// Kind says what a message is. It is also the first byte of one.
type Kind byte

// The kinds of messages.
const (
	Block Kind = 'B' // height, leader, time made, filler
	Have  Kind = 'H' // height
	Want  Kind = 'W' // first height, last height
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

// Message is what a node says to another: a block, how far it is, or what it
// lacks. Languages that have words of their own for that need not carry the
// body of the last two.
type Message struct {
	Kind     Kind
	Header   Header // of a block
	From, To uint64 // of what is wanted; how far a node is is in To
	Body     []byte // as Parse reads it; a block is its body
}

// AppendBlock appends a block as it goes over the wire.
func AppendBlock(dst []byte, h Header, filler []byte) []byte {
	dst = append(dst, byte(Block))
	dst = binary.BigEndian.AppendUint64(dst, h.Height)
	dst = binary.BigEndian.AppendUint32(dst, h.Leader)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.Made.UnixNano()))
	return append(dst, filler...)
}

// NewHave returns the message of a node that has every block up to a height.
func NewHave(height uint64) Message {
	return Message{Kind: Have, To: height, Body: binary.BigEndian.AppendUint64([]byte{byte(Have)}, height)}
}

// newWant returns a request for some blocks.
func newWant(from, to uint64) Message {
	b := binary.BigEndian.AppendUint64([]byte{byte(Want)}, from)
	return Message{Kind: Want, From: from, To: to, Body: binary.BigEndian.AppendUint64(b, to)}
}

var errEmpty = errors.New("message: empty")

// Parse reads a message, which aliases b. It looks at no more than the header
// of a block.
func Parse(b []byte) (Message, error) {
	if len(b) == 0 {
		return Message{}, errEmpty
	}
	m := Message{Kind: Kind(b[0]), Body: b}
	switch {
	case m.Kind == Block && len(b) >= HeaderSize:
		m.Header.Height = binary.BigEndian.Uint64(b[1:])
		m.Header.Leader = binary.BigEndian.Uint32(b[9:])
		m.Header.Made = time.Unix(0, int64(binary.BigEndian.Uint64(b[13:])))
		if m.Header.Height == 0 {
			return Message{}, errors.New("block: height 0, the first is 1")
		}
	case m.Kind == Have && len(b) == haveSize:
		m.To = binary.BigEndian.Uint64(b[1:])
	case m.Kind == Want && len(b) == wantSize:
		m.From, m.To = binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
		if m.From == 0 || m.To < m.From {
			return Message{}, fmt.Errorf("want: heights %d to %d", m.From, m.To)
		}
	default:
		return Message{}, fmt.Errorf("message: kind %#02x with %d bytes", byte(m.Kind), len(b))
	}
	return m, nil
}
