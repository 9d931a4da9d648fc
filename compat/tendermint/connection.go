package p2p

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/node"
)

// MConnection is the connection to a peer: many channels on one stream. Those of a
// Switch belong to their peers; NewMConnection makes one that stands alone. Its
// methods may be called from any goroutine.
type MConnection struct {
	// Peer is who is at the other end; nil before Start of one that stands
	// alone.
	Peer          *Peer
	LocalAddress  *NetAddress
	RemoteAddress *NetAddress

	link     *node.Link // nil before Start of one that stands alone
	ctx      context.Context
	channels map[byte]*Channel // immutable

	conn    net.Conn // of one that stands alone, until Start
	alone   *Switch
	onError func(interface{})
	started atomic.Bool
	stopped atomic.Bool
}

// Channel is one channel of one connection.
type Channel struct {
	desc *ChannelDescriptor
	in   *inbox
	q    *queue
	out  lane
	lost atomic.Uint64 // messages that Send and TrySend gave up
	miss atomic.Uint64 // messages that came and were dropped
}

// lane counts what waits to be sent on a channel, so that a channel full of
// blocks leaves room for votes.
type lane struct {
	done func(error) // gives back the room of the message that was queued first

	mu    sync.Mutex
	sizes []int // of the messages that wait, in their order
	next  int   // sizes[:next] are gone
	bytes int
	room  chan struct{} // closed when there may be room; nil if nobody waits for that
}

func newChannel(q *queue, m *MConnection, held bool) *Channel {
	c := &Channel{desc: q.desc, q: q, in: &inbox{mconn: m, held: held}}
	c.out.done = func(error) { c.out.give() }
	return c
}

// take takes room for a message, or returns a channel that is closed when there
// may be some.
func (l *lane) take(d *ChannelDescriptor, size int) (room <-chan struct{}) {
	cost := size + messageCost
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.sizes) - l.next; n >= d.SendQueueCapacity || n > 0 && l.bytes+cost > d.SendQueueBytes {
		if l.room == nil {
			l.room = make(chan struct{})
		}
		return l.room
	}
	l.sizes = append(l.sizes, cost)
	l.bytes += cost
	return nil
}

// give gives back the room of the first message: those of one channel are written
// in their order.
func (l *lane) give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= l.sizes[l.next]
	if l.next++; l.next == len(l.sizes) {
		l.sizes, l.next = l.sizes[:0], 0
	} else if l.next > len(l.sizes)/2 {
		l.sizes, l.next = l.sizes[:copy(l.sizes, l.sizes[l.next:])], 0
	}
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

// waiting returns how many messages wait, and their bytes.
func (l *lane) waiting() (msgs, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sizes) - l.next, l.bytes
}

// channel returns a channel that both ends have, or nil.
func (m *MConnection) channel(id byte) *Channel {
	c := m.channels[id]
	if c == nil || m.Peer == nil || !m.Peer.HasChannel(id) {
		return nil
	}
	return c
}

// Send queues a message. If the channel's queue is full it waits for up to ten
// seconds. It reports whether the message was queued: not if there is no such
// channel at both ends, if the message is too long, or if the connection ends.
// Channels do not wait for each other.
func (m *MConnection) Send(chId byte, msg Binary) bool {
	b, ok := encode(msg)
	return ok && m.send(chId, b, sendTimeout)
}

// TrySend queues a message if there is room on the channel, and reports whether it
// did. It never waits.
func (m *MConnection) TrySend(chId byte, msg Binary) bool {
	b, ok := encode(msg)
	return ok && m.send(chId, b, 0)
}

// CanSend reports whether there is room for a message on the channel.
func (m *MConnection) CanSend(chId byte) bool {
	c := m.channel(chId)
	if c == nil || m.stopped.Load() {
		return false
	}
	n, size := c.out.waiting()
	return n < c.desc.SendQueueCapacity && size < c.desc.SendQueueBytes
}

// send queues b, waiting for room for so long.
func (m *MConnection) send(id byte, b []byte, patience time.Duration) bool {
	c := m.channel(id)
	if c == nil || m.stopped.Load() || len(b) > c.desc.MaxMessage {
		return false
	}
	message := dialect.Message{Type: uint32(id), Body: b}
	if m.link.Queued() == 0 && m.link.Queue(message, nil) {
		return true // it goes out at once, so there is nothing to count
	}
	var late <-chan time.Time
	for room := c.out.take(c.desc, len(b)); room != nil; room = c.out.take(c.desc, len(b)) {
		if patience == 0 {
			c.lost.Add(1)
			return false
		}
		if late == nil {
			t := time.NewTimer(patience)
			defer t.Stop()
			late = t.C
		}
		select {
		case <-room:
		case <-late:
			c.lost.Add(1)
			return false
		case <-m.link.Done():
			return false
		}
	}
	if m.link.Queue(message, c.out.done) {
		return true
	}
	c.out.give() // the link has ended, so that it matters no more whose room it is
	return false
}

// receive gives what came to the queues of the channels. It waits only where the
// channel wants that.
func (m *MConnection) receive(ms []dialect.Message) {
	var s slab
	for _, x := range ms {
		if len(x.Body) <= slabbed {
			s.left += len(x.Body)
		}
	}
	for _, x := range ms {
		if c := m.channels[byte(x.Type)]; c != nil && x.Type <= 0xff {
			m.deliver(c, s.clone(x.Body))
		}
	}
}

func (m *MConnection) deliver(c *Channel, b []byte) {
	for {
		ok, room := c.q.put(c.in, b)
		if ok {
			return
		}
		if c.desc.Overflow != Wait {
			c.miss.Add(1)
			c.q.drop()
			if c.desc.Overflow == Hangup {
				m.link.Close(fault.New(fault.Timeout, "receive", errUnread))
			}
			return
		}
		select {
		case <-room:
		case <-m.link.Done():
			return
		case <-m.ctx.Done():
			return
		}
	}
}

var errUnread = errors.New("more messages on a channel than may wait to be received")

// stop ends the connection.
func (m *MConnection) stop(why error) {
	if !m.stopped.Swap(true) && m.link != nil {
		m.link.Close(why)
	}
}

// NewMConnection returns a connection that stands alone, in the protocol of
// September 2014. Nothing happens before Start. When it ends through no doing of
// Stop, onError is told why, if it is not nil.
func NewMConnection(conn net.Conn, chDescs []*ChannelDescriptor, onError func(interface{})) *MConnection {
	m := &MConnection{conn: conn, alone: NewSwitch(chDescs), onError: onError}
	m.LocalAddress, m.RemoteAddress = addressOf(conn.LocalAddr()), addressOf(conn.RemoteAddr())
	return m
}

// Start begins to send and receive. It must return before another method is
// called. On a connection of a Switch it does nothing.
func (m *MConnection) Start() {
	if m.alone == nil || m.started.Swap(true) {
		return
	}
	m.alone.gone = func(_ *Peer, why error) {
		if m.onError != nil && !m.stopped.Load() {
			m.onError(why)
		}
	}
	err := m.alone.Start()
	if err == nil {
		m.Peer, err = m.alone.AddPeerWithConnection(m.conn, true)
	}
	if err != nil {
		m.stopped.Store(true)
		m.conn.Close()
		if m.onError != nil {
			m.onError(err)
		}
		return
	}
	m.link, m.channels = m.Peer.mconn.link, m.Peer.mconn.channels
}

// Receive waits for a message on a channel of a connection that stands alone, like
// Switch.Receive.
func (m *MConnection) Receive(chId byte) (InboundBytes, bool) { return m.alone.Receive(chId) }

// Stop ends the connection after what is queued has been written, and one that
// stands alone with all that belongs to it. It must not be called from onError.
func (m *MConnection) Stop() {
	m.stop(errStopped)
	if m.alone != nil {
		m.stopped.Store(true)
		m.alone.Stop()
	}
}

// String names both ends.
func (m *MConnection) String() string {
	return "MConn{" + m.LocalAddress.String() + "→" + m.RemoteAddress.String() + "}"
}
