package tendermint

import (
	"errors"
	"fmt"

	"parley/dialect/tendermint/internal/lane"
)

// The types of messages. Those up to 0xff are the channels of the application;
// its bodies are bytes that only it understands.
const (
	TypePEX  uint32 = 0x00  // peer exchange, unless the configuration says NoPEX
	TypePing uint32 = 0x100 // a packet of its own; has no body
	TypePong uint32 = 0x101 // its answer
)

const (
	maxMessage = 22_020_096 // bytes of a message, CometBFT's default (RecvMessageCapacity)
	maxPEX     = 64_000     // bytes of a message on the channel of peer exchange
)

// Channel describes one of the streams that share a link. Zero fields mean the
// default given with each.
type Channel struct {
	ID         byte
	Priority   int // share of a link's bandwidth under load, 1 to 65535: 1
	MaxMessage int // most bytes of one message in either direction: 22,020,096
}

// NodeChannels are the channels of a CometBFT node other than peer exchange,
// with its priorities and limits: consensus, mempool, evidence, block sync, state
// sync. Messages have no common form.
func NodeChannels() []Channel {
	return []Channel{
		{ID: 0x20, Priority: 6, MaxMessage: 1 << 20},   // consensus state
		{ID: 0x21, Priority: 10, MaxMessage: 1 << 20},  // proposals and block parts
		{ID: 0x22, Priority: 7, MaxMessage: 1 << 20},   // votes
		{ID: 0x23, Priority: 1, MaxMessage: 1 << 20},   // what votes somebody has
		{ID: 0x30, Priority: 5, MaxMessage: 2 << 20},   // transactions
		{ID: 0x38, Priority: 6, MaxMessage: 1 << 20},   // evidence
		{ID: 0x40, Priority: 5, MaxMessage: 100 << 20}, // blocks
		{ID: 0x60, Priority: 5, MaxMessage: 4 << 20},   // snapshots
		{ID: 0x61, Priority: 3, MaxMessage: 16 << 20},  // and their parts
	}
}

// table is a set of channels, immutable once it is made.
type table struct {
	list  []Channel
	index [256]int16 // place in list, or -1
	pex   bool       // channel 0 is ours, not the application's
}

// newTable fills in defaults and adds the channel of peer exchange if it is
// wanted and missing.
func newTable(channels []Channel, pex bool, most int) (*table, error) {
	t := &table{pex: pex}
	for i := range t.index {
		t.index[i] = -1
	}
	if pex {
		t.add(Channel{ID: byte(TypePEX), Priority: 1, MaxMessage: maxPEX})
	}
	for _, c := range channels {
		switch {
		case pex && c.ID == byte(TypePEX):
			return nil, errors.New("channel 0x00 is for peer exchange unless there is none")
		case t.index[c.ID] >= 0:
			return nil, fmt.Errorf("channel %#02x is there twice", c.ID)
		case c.Priority < 0 || c.Priority > lane.MaxPriority:
			return nil, fmt.Errorf("channel %#02x: Priority %d is not from 1 to %d", c.ID, c.Priority, lane.MaxPriority)
		case c.MaxMessage < 0 || c.MaxMessage > 1<<30:
			return nil, fmt.Errorf("channel %#02x: MaxMessage %d is not from 1 to %d", c.ID, c.MaxMessage, 1<<30)
		}
		t.add(c)
	}
	if len(t.list) > most {
		return nil, fmt.Errorf("%d channels, limit %d", len(t.list), most)
	}
	return t, nil
}

func (t *table) add(c Channel) {
	c.Priority = max(c.Priority, 1)
	setDefault(&c.MaxMessage, maxMessage)
	t.index[c.ID] = int16(len(t.list))
	t.list = append(t.list, c)
}

// ids returns the identifiers in the order of their declaration.
func (t *table) ids() []byte {
	ids := make([]byte, len(t.list))
	for i, c := range t.list {
		ids[i] = c.ID
	}
	return ids
}

// largest returns the most bytes that a message on any channel may have.
func (t *table) largest() (n int) {
	for _, c := range t.list {
		n = max(n, c.MaxMessage)
	}
	return n
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
