package chain

import (
	"bytes"
	"time"

	"parley/dialect"
)

// Config sets the pace and the limits of a [Chain]. All fields are required.
type Config struct {
	Interval time.Duration // between two announcements of our height
	Retry    time.Duration // how long a neighbor may take to answer before another is asked
	Keep     int           // blocks kept for neighbors that lack them; also how far ahead of a gap blocks are kept
	Batch    int           // blocks to ask for at once, and to answer at most
}

// Chain is what one node knows of the blocks. It holds every block up to
// Height, of which it still keeps the last, and perhaps some beyond a gap.
// A restarted node goes on with the chain it had, as if read from disk.
//
// A Chain is not safe for concurrent use.
type Chain struct {
	cfg    Config
	height uint64            // every block up to here was had
	blocks map[uint64][]byte // recent ones, and those beyond a gap
	peers  map[dialect.LinkID]*peer
	ask    *ask

	told     time.Time // when everybody was told our height last
	announce time.Time // when to do so next; zero without neighbors
}

// Send asks for a message to be sent. Its body does not change any more.
type Send struct {
	To      dialect.LinkID // 0 for every neighbor but Not
	Not     dialect.LinkID
	Message Message
}

// Arrival is what came of a message.
type Arrival struct {
	Block  bool   // it was a block
	Height uint64 // its height
	New    bool   // it was not held before, and is now
	Held   bool   // it was held before
}

// New returns a chain without blocks.
func New(cfg Config) *Chain {
	return &Chain{cfg: cfg, blocks: make(map[uint64][]byte), peers: make(map[dialect.LinkID]*peer)}
}

// Height returns the height up to which no block is missing.
func (c *Chain) Height() uint64 { return c.height }

// Block returns the block at a height, or nil if it is not kept. Nobody may change
// it.
func (c *Chain) Block(height uint64) []byte { return c.blocks[height] }

// Make adds a block of our own and appends to out what is to be sent. The
// block must not change afterwards.
func (c *Chain) Make(now time.Time, block []byte, h Header, out []Send) []Send {
	if c.holds(h.Height) {
		return out
	}
	if h.Height <= c.limit() {
		c.store(now, h.Height, block)
	}
	return append(out, Send{Message: Message{Kind: Block, Header: h, Body: block}})
}

// Handle reacts to a message of a neighbor and appends to out what is to be
// sent. The body is lent: a new block is copied. fresh says whether the message
// was not seen before; only those are passed on.
func (c *Chain) Handle(now time.Time, from dialect.LinkID, m Message, fresh bool, out []Send) (Arrival, []Send) {
	switch m.Kind {
	case Have:
		if p := c.peers[from]; p != nil {
			p.height = max(p.height, m.To)
		}
		return Arrival{}, c.askNext(now, out)
	case Want:
		return Arrival{}, c.answer(from, m, out)
	}
	a := Arrival{Block: true, Height: m.Header.Height, Held: c.holds(m.Header.Height)}
	a.New = !a.Held && a.Height <= c.limit()
	return a, c.arrived(now, from, a, m, fresh, out)
}

// arrived takes a block. One that was asked for is not passed on: neighbors
// are told the height once the gap is closed, and ask for what they lack.
func (c *Chain) arrived(now time.Time, from dialect.LinkID, a Arrival, m Message, fresh bool, out []Send) []Send {
	asked := c.ask.covers(from, a.Height)
	if asked {
		c.ask.until = now.Add(c.cfg.Retry)
	}
	if !a.New {
		return out
	}
	m.Body = bytes.Clone(m.Body)
	c.store(now, a.Height, m.Body)
	if fresh && !asked {
		out = append(out, Send{Not: from, Message: m})
	}
	return c.askDone(now, out)
}

// limit returns how far ahead of a gap blocks are kept.
func (c *Chain) limit() uint64 { return c.height + uint64(c.cfg.Keep) }

func (c *Chain) holds(height uint64) bool {
	return height <= c.height || c.blocks[height] != nil
}

func (c *Chain) store(now time.Time, height uint64, block []byte) {
	c.blocks[height] = block
	for c.blocks[c.height+1] != nil {
		c.height++
		if c.height > uint64(c.cfg.Keep) {
			delete(c.blocks, c.height-uint64(c.cfg.Keep))
		}
	}
	c.calm(now)
}

// answer sends the blocks wanted, as far as they are kept.
func (c *Chain) answer(to dialect.LinkID, m Message, out []Send) []Send {
	for n := range uint64(c.cfg.Batch) {
		b := c.blocks[m.From+n]
		if b == nil || m.From+n > m.To {
			break
		}
		out = append(out, Send{To: to, Message: blockMessage(b)})
	}
	return out
}

// blockMessage returns a block that is kept as a message.
func blockMessage(b []byte) Message {
	m, _ := Parse(b) // it was read once, or we made it
	return m
}
