package p2p

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"parley/compat/tendermint/binary"
	"parley/dialect/tendermint"
)

// Binary is a message: it writes itself.
type Binary = binary.Binary

// Raw is a message of bytes that are encoded already.
type Raw []byte

// WriteTo implements [Binary].
func (r Raw) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(r)
	return int64(n), err
}

// TypedMessage is a message behind a byte that says which.
type TypedMessage struct {
	Type byte
	Msg  Binary
}

// WriteTo implements [Binary].
func (tm TypedMessage) WriteTo(w io.Writer) (n int64, err error) {
	binary.WriteByte(w, tm.Type, &n, &err)
	binary.WriteBinary(w, tm.Msg, &n, &err)
	return n, err
}

// String returns the type and the message.
func (tm TypedMessage) String() string { return fmt.Sprintf("0x%X⋺%v", tm.Type, tm.Msg) }

// encode returns the bytes of a message, or false if it cannot write itself. Those
// of Raw are not copied.
func encode(msg Binary) ([]byte, bool) {
	if raw, ok := msg.(Raw); ok {
		return raw, true
	}
	var b bytes.Buffer
	if msg == nil {
		return nil, false
	}
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, false
	}
	return b.Bytes(), true
}

// Overflow says what happens to a message that comes for a channel on which as
// much of its peer waits as may.
type Overflow uint8

// The ways to deal with it.
const (
	// Drop forgets the message and counts it. The other channels of the peer,
	// and its pings, never wait.
	Drop Overflow = iota
	// Wait stops reading from that peer until there is room: nothing is lost,
	// and all its channels and pings wait. Other peers do not.
	Wait
	// Hangup ends the connection to that peer.
	Hangup
)

// ChannelDescriptor describes a channel. Zero fields mean the default given with
// each. NewSwitch fills it in, in place, as it used to.
type ChannelDescriptor struct {
	Id byte
	// SendQueueCapacity is how many messages may wait to be sent to one peer: 100.
	SendQueueCapacity int
	// RecvQueueCapacity is how many messages of one peer may wait to be received:
	// 1,024, and no less. In 2014 it was for all peers, and the connections of all
	// waited when it was reached.
	RecvQueueCapacity int
	// RecvBufferSize is ignored: memory is taken when messages come.
	RecvBufferSize int
	// DefaultPriority is the channel's share of a connection under load, 1 to
	// 65,535: 1.
	DefaultPriority int

	// MaxMessage is the most bytes of one message: 22,020,096. A longer one ends
	// the connection.
	MaxMessage int
	// SendQueueBytes and RecvQueueBytes are how many bytes may wait for, and of,
	// one peer, or one message if that is larger: 4 MiB. Messages count 64 bytes
	// more than they have.
	SendQueueBytes int
	RecvQueueBytes int
	// Overflow says what happens beyond RecvQueueCapacity and RecvQueueBytes.
	Overflow Overflow
	// Workers is how many messages of the channel a Reactor is given at a time,
	// never two of one peer: 1, at most 256.
	Workers int
}

const (
	defaultSendQueue  = 100
	leastRecvQueue    = 1024
	defaultQueueBytes = 4 << 20
	defaultMaxMessage = 22_020_096
	maxWorkers        = 256
	messageCost       = 64 // what a message counts besides its bytes

	// sendTimeout is how long Send waits for room, as in CometBFT. In 2014 it
	// waited for ever.
	sendTimeout = 10 * time.Second
)

func (c *ChannelDescriptor) fillDefaults() {
	fill := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&c.SendQueueCapacity, defaultSendQueue)
	fill(&c.DefaultPriority, 1)
	fill(&c.MaxMessage, defaultMaxMessage)
	fill(&c.SendQueueBytes, defaultQueueBytes)
	fill(&c.RecvQueueBytes, defaultQueueBytes)
	fill(&c.Workers, 1)
	c.Workers = min(c.Workers, maxWorkers)
	c.RecvQueueCapacity = max(c.RecvQueueCapacity, leastRecvQueue)
}

// engine describes the channel for the dialect.
func (c *ChannelDescriptor) engine() tendermint.Channel {
	return tendermint.Channel{ID: c.Id, Priority: c.DefaultPriority, MaxMessage: c.MaxMessage}
}

// outbox is how many bytes the channel may have in a peer's outbox.
func (c *ChannelDescriptor) outbox() int {
	return max(c.SendQueueBytes, c.MaxMessage+messageCost) + messageCost
}
