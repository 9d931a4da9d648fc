package suite

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/interop/cometbft/real"
)

// sizes are those at which something changes, and a long one.
var sizes = []int{1, 2, 1022, 1023, 1024, 1025, 2048, 2049, 70_000, 1 << 20}

// content returns the i-th message of a channel: bytes that are neither equal nor
// those of another one.
func content(channel byte, i int) []byte {
	b := make([]byte, sizes[i%len(sizes)])
	r := rand.NewChaCha8([32]byte{channel, byte(i)})
	r.Read(b)
	b[0] = byte(i) &^ 0x80 // which no reactor stops a peer for
	return b
}

// messages has both sides send messages of all sizes on all channels at once, and
// checks what arrives.
func messages(t *testing.T) {
	eachRole(t, func(t *testing.T, weDial bool) {
		p := link(t, weDial, nil, nil)
		p.nothing(t)
		var wg sync.WaitGroup
		defer wg.Wait()
		for _, ch := range channels {
			wg.Go(func() { p.weSend(t, ch) })
			wg.Go(func() { p.theySend(t, ch) })
		}
		next := map[byte]int{}
		for range len(channels) * len(sizes) {
			m := await(t, p.ours.received, "a message comes to us")
			check(t, next, "we", m.from == p.theirs.ID(), m.channel, m.body)
		}
		clear(next)
		for range len(channels) * len(sizes) {
			m := await(t, p.theirs.Received, "a message comes to them")
			check(t, next, "they", m.Peer == p.ours.dialect.ID(), m.Channel, m.Body)
		}
	})
}

// nothing sends a message without any bytes on each channel, one after the other.
// Theirs loses one if it has something to send on another channel as well: its
// scheduler takes a message of length zero for one that is already gone.
func (p *pair) nothing(t *testing.T) {
	t.Helper()
	for _, ch := range channels {
		if err := p.link.Send(t.Context(), dialect.Message{Type: uint32(ch)}); err != nil {
			t.Fatal(err)
		}
		if m := await(t, p.theirs.Received, "a message without bytes comes to them"); m.Channel != ch || len(m.Body) > 0 {
			t.Errorf("channel %#x: they got %d bytes on %#x, want none", ch, len(m.Body), m.Channel)
		}
		if !p.theirs.Send(p.ours.dialect.ID(), ch, nil) {
			t.Fatal("they do not send")
		}
		if m := await(t, p.ours.received, "a message without bytes comes to us"); m.channel != ch || len(m.body) > 0 {
			t.Errorf("channel %#x: we got %d bytes on %#x, want none", ch, len(m.body), m.channel)
		}
	}
}

func (p *pair) weSend(t *testing.T, ch byte) {
	for i := range sizes {
		if err := p.link.Send(t.Context(), dialect.Message{Type: uint32(ch), Body: content(ch, i)}); err != nil {
			t.Errorf("channel %#x: message %d: %v", ch, i, err)
		}
	}
}

func (p *pair) theySend(t *testing.T, ch byte) {
	for i := range sizes {
		if !p.theirs.Send(p.ours.dialect.ID(), ch, content(ch, i)) {
			t.Errorf("channel %#x: they do not send message %d", ch, i)
		}
	}
}

// check compares a message with the next one of its channel.
func check(t *testing.T, next map[byte]int, who string, from bool, channel byte, body []byte) {
	t.Helper()
	i := next[channel]
	next[channel]++
	if want := content(channel, i); !from || !bytes.Equal(body, want) {
		t.Errorf("channel %#x: of message %d %s got %d bytes, want the %d of the peer", channel, i, who, len(body), len(want))
	}
}

// pings leaves links alone for several intervals of pings. Each side in turn is
// the one that asks, and would hang up if it were not answered.
func pings(t *testing.T) {
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		eachRole(t, func(t *testing.T, weDial bool) {
			p := link(t, weDial, nil, func(c *real.Config) { c.Ping, c.Pong = 2*time.Second, 1990*time.Millisecond })
			p.idle(t, 6)
		})
	})
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		eachRole(t, func(t *testing.T, weDial bool) {
			p := link(t, weDial, func(c *tendermint.Config) { c.Ping, c.Pong = time.Second, time.Second }, nil)
			p.idle(t, 6)
		})
	})
}

// idle waits until so many messages for the session have come, which are all pings
// of theirs or all pongs, and then uses the link.
func (p *pair) idle(t *testing.T, n int) {
	t.Helper()
	for range n {
		find(t, p.ours.traced, "a ping or its answer", isReceived)
	}
	p.use(t)
}

// use sends a message each way.
func (p *pair) use(t *testing.T) {
	t.Helper()
	body := binary.BigEndian.AppendUint64(nil, 1<<40)
	if err := p.link.Send(t.Context(), dialect.Message{Type: 0x30, Body: body}); err != nil {
		t.Fatal(err)
	}
	if m := await(t, p.theirs.Received, "a message comes to them"); !bytes.Equal(m.Body, body) {
		t.Errorf("they got %x", m.Body)
	}
	if !p.theirs.Send(p.ours.dialect.ID(), 0x21, body) {
		t.Fatal("they do not send")
	}
	if m := await(t, p.ours.received, "a message comes to us"); !bytes.Equal(m.body, body) {
		t.Errorf("we got %x", m.body)
	}
}
