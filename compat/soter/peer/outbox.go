package peer

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/fault"
)

const (
	noteCost = 64       // what counts for a message that somebody wants to hear about
	ownRoom  = 64 << 10 // bytes beyond the limit for what the rules say
	maxEarly = 1000     // messages that may wait for the handshake
)

// early is a message that waits for the handshake.
type early struct {
	msg  wire.Message
	enc  wire.MessageEncoding
	done chan<- struct{}
}

// outbox holds what is still to be written, encoded. Any goroutine may put; the
// writer takes all there is.
type outbox struct {
	// Immutable.
	limit  int
	wait   time.Duration
	net    wire.SoterNet
	form   wire.MessageEncoding // added to every encoding
	listen bool                 // somebody wants to hear about everything
	wake   chan struct{}        // capacity 1; only the writer receives
	start  func()               // starts the writer

	mu     sync.Mutex
	frames wire.Frames
	pver   uint32 // 0 before the handshake
	early  []early
	chunks []*chunk
	bytes  int           // in chunks, and with the writer
	idle   bool          // the writer waits, or will look again before it does
	absent bool          // there is no writer; one is started when it has to do something
	alarm  *time.Timer   // starts one when a duty is due; nil before the first has ended
	room   chan struct{} // closed when the remote took something; nil if nobody waits for that
	closed bool
}

var errClosed = fault.New(fault.Local, "write", fmt.Errorf("not connected"))

// put queues a message. While there is no room it waits. On an error, which is
// errClosed or says that the remote is too slow, the message will not be sent.
func (o *outbox) put(msg wire.Message, enc wire.MessageEncoding, done chan<- struct{}) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return errClosed
	case o.pver == 0:
		return o.putEarly(early{msg, enc, done})
	case o.bytes >= o.limit:
		if err := o.awaitRoom(); err != nil {
			return err
		}
	}
	o.encode(msg, enc, done)
	o.rouse()
	return nil
}

// putEarly keeps a message for after the handshake. Called with the lock.
func (o *outbox) putEarly(e early) error {
	if len(o.early) >= maxEarly {
		return fault.New(fault.Local, "write", fmt.Errorf("%d messages before the handshake is over, limit %d", len(o.early)+1, maxEarly))
	}
	o.early = append(o.early, e)
	return nil
}

// awaitRoom waits for room as long as the remote goes on taking something. Called with
// the lock, which it gives back meanwhile.
func (o *outbox) awaitRoom() error {
	slow := time.NewTimer(max(o.wait, 0))
	defer slow.Stop()
	for o.bytes >= o.limit {
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room, late := o.room, false
		o.mu.Unlock()
		select {
		case <-room:
			slow.Reset(max(o.wait, 0))
		case <-slow.C:
			late = true
		}
		o.mu.Lock()
		switch {
		case o.closed:
			return errClosed
		case late && o.bytes >= o.limit:
			return fault.New(fault.Timeout, "write", fmt.Errorf("send queue: %d bytes, limit %d", o.bytes, o.limit))
		}
	}
	return nil
}

// encode puts a message in the last chunk. Called with the lock.
func (o *outbox) encode(msg wire.Message, enc wire.MessageEncoding, done chan<- struct{}) {
	c := o.last()
	old := len(c.b)
	if old >= chunkStep && cap(c.b) < chunkSize {
		c.b = slices.Grow(c.b, chunkSize+chunkStep-old)
	}
	b, err := o.frames.Append(c.b, msg, o.pver, o.net, enc|o.form)
	c.b = b
	o.bytes += len(b) - old
	mark, ping := special(msg)
	if !o.listen && done == nil && mark == 0 && ping == 0 && err == nil {
		return
	}
	n := note{mark: mark, ping: ping, size: len(b) - old, after: len(b), done: done, err: err}
	if o.listen {
		n.msg = msg
	}
	c.notes = append(c.notes, n)
	o.bytes += noteCost
}

// say queues a message of the rules. They are given a little room beyond the
// limit; it is an error if that is used up too.
func (o *outbox) say(e dialect.Encoder, m dialect.Message, msg wire.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return errClosed
	case o.bytes >= o.limit+ownRoom:
		return fault.New(fault.Timeout, "write", fmt.Errorf("send queue: %d bytes, limit %d", o.bytes, o.limit))
	}
	c := o.last()
	old := len(c.b)
	b, err := e.Append(c.b, m)
	if err != nil {
		return err
	}
	c.b = b
	n := note{size: len(b) - old, after: len(b), msg: msg}
	if m.For&dialect.ToSession != 0 {
		n.mark = m.Type
	}
	if ping, ok := msg.(*wire.MsgPing); ok {
		n.ping = ping.Nonce
	}
	o.bytes += n.size
	if n.mark != 0 || msg != nil {
		c.notes = append(c.notes, n)
		o.bytes += noteCost
	}
	o.rouse()
	return nil
}

// last returns the chunk to append to.
func (o *outbox) last() *chunk {
	if n := len(o.chunks); n > 0 && len(o.chunks[n-1].b) < chunkSize {
		return o.chunks[n-1]
	}
	c := newChunk(len(o.chunks) > 0)
	o.chunks = append(o.chunks, c)
	return c
}

// open ends the handshake: what was queued meanwhile is encoded.
func (o *outbox) open(pver uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pver = max(pver, 1)
	for _, e := range o.early {
		o.encode(e.msg, e.enc, e.done)
	}
	o.early = nil
	o.rouse()
}

// rouse wakes the writer. Called with the lock.
func (o *outbox) rouse() {
	if o.idle {
		o.idle = false
		o.nudge()
	}
}

// poke makes the writer look at its duties.
func (o *outbox) poke() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.nudge()
}

// nudge is poke with the lock.
func (o *outbox) nudge() {
	if o.absent {
		if o.absent = o.closed; !o.closed {
			o.start()
		}
		return
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// retire reports whether the writer may end because there is nothing to do. Another
// will be started when there is, and at a time if that is not zero.
func (o *outbox) retire(due time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.absent = len(o.chunks) == 0 && len(o.wake) == 0 && !o.closed
	switch {
	case !o.absent || due.IsZero():
	case o.alarm == nil:
		o.alarm = time.AfterFunc(time.Until(due), o.poke)
	default:
		o.alarm.Reset(time.Until(due))
	}
	return o.absent
}

// release gives back the room of what was written.
func (o *outbox) release(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= n
	if o.room != nil && n > 0 {
		close(o.room)
		o.room = nil
	}
}

// take swaps what there is for spare, which is empty.
func (o *outbox) take(spare []*chunk) (cs []*chunk, open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.idle = len(o.chunks) == 0; o.idle {
		return spare, !o.closed
	}
	cs, o.chunks = o.chunks, spare
	return cs, !o.closed
}

// close takes nothing more. What is there will not be sent.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.alarm != nil {
		o.alarm.Stop()
	}
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	o.nudge()
}

// rest takes what was not sent, once the outbox is closed.
func (o *outbox) rest() (cs []*chunk, es []early) {
	o.mu.Lock()
	defer o.mu.Unlock()
	cs, es = o.chunks, o.early
	o.chunks, o.early, o.bytes = nil, nil, 0
	return cs, es
}
