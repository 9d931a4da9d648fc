package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"

	"parley/dialect"
	"parley/fault"
)

// begin starts the opening exchange.
func (x *end) begin() {
	if x.cond == over {
		return
	}
	n, w := x.n, x.n.w
	x.cond, x.run = opening, n.run
	limit := w.OpenTimeout
	if limit <= 0 {
		limit = DefaultOpenTimeout
	}
	x.later(w.now+int64(limit), evLate, 0, 0)
	c := &coro{x: x, left: openBytes, dice: dice{n: n}}
	c.o = dialect.Opening{
		Dialing: x.dialer(),
		Remote:  x.addr,
		Self:    n.spec.Self,
		Now:     w.Now(),
		Rand:    &c.dice,
		Admit:   c.admit,
	}
	c.o.Self.Nonce = n.nonce
	x.more().opening = c
	c.next, c.stop = iter.Pull(c.run)
	c.resume()
	x.opened()
}

// admit asks the core whether an introduced peer may stay.
func (c *coro) admit(in dialect.Intro) error {
	if c.dead {
		return fault.New(fault.Local, "open", errKilled)
	}
	n, id := c.x.n, c.x.id
	err := n.Core.Admit(n.w.Now(), id, in, n.w.begin())
	n.finish(wAdmit, id, err)
	return err
}

// hear gives the opening exchange what has arrived.
func (y *end) hear(b uint32) {
	w := y.n.w
	p := w.parcels.get(b)
	y.inBytes += uint64(p.size)
	if p.value {
		w.parcels.drop(b)
		y.fail(fault.New(fault.Protocol, "open", errEarly))
		return
	}
	w.hash = mixBytes(w.hash, p.data)
	w.scratch = append(w.scratch[:0], p.data...)
	w.parcels.drop(b)
	y.ex.opening.deliver(w.scratch)
	y.opened()
}

// opened looks whether the opening exchange is over, and acts on its result.
func (x *end) opened() {
	if x.cond != opening || !x.ex.opening.ended {
		return
	}
	c := x.ex.opening
	x.ex.opening = nil
	if c.fault != nil || c.chatty() {
		x.fail(c.blame())
		return
	}
	n, w, l := x.n, x.n.w, c.link
	x.dec, x.enc = l.Decoder, l.Encoder
	x.codec = w.codecs.intern(n.spec.Dialect.Name(), l)
	out := x.out()
	x.inAt, out.at = w.now, w.now
	out.id, out.codec = x.id, x.codec
	_, packs := l.Encoder.(dialect.Packer)
	if packs {
		x.ex.pack = new(packing)
	}
	x.plain = x.conn.path.plain() && !packs
	x.cond = open
	x.slim()
	if len(l.Prelude) > 0 {
		x.write(l.Prelude)
	}
	n.count.Opened++
	w.count.Opened++
	n.Core.Opened(w.Now(), x.id, l.Intro, w.begin())
	n.finish(wOpened, x.id, nil)
	if x.cond == open && len(c.in) > 0 {
		x.decode(c.in, nil)
	}
	if x.cond == open && c.err == io.EOF {
		x.fail(fault.New(fault.IO, "read", io.EOF))
	}
}

// chatty reports whether the peer said more than it may, whatever the dialect
// made of that.
func (c *coro) chatty() bool { return c.left <= 0 && c.err != nil && c.err != io.EOF }

// blame gives the error of an opening exchange its kind, as package node does.
func (c *coro) blame() error {
	err := c.fault
	switch {
	case c.chatty():
		return c.err
	case errors.Is(err, dialect.ErrSelf):
		return fault.New(fault.Local, "open", err)
	}
	if _, ok := errors.AsType[*dialect.Refusal](err); ok {
		return fault.New(fault.Refused, "open", err)
	}
	k := fault.KindOf(err)
	if k == fault.Local {
		k = fault.IO
	}
	return fault.New(k, "open", err)
}

// dice is the randomness of opening exchanges: a stream of bytes, made when
// the first is asked for.
type dice struct {
	n *Node
	c *rand.ChaCha8
}

// Read implements io.Reader.
func (d *dice) Read(p []byte) (int, error) {
	if d.c == nil {
		var seed [32]byte
		for i := 0; i < len(seed); i += 8 {
			binary.LittleEndian.PutUint64(seed[i:], d.n.rand.Uint64())
		}
		d.c = rand.NewChaCha8(seed)
	}
	return d.c.Read(p)
}

// coro runs blocking stream code as a coroutine: a Read without data suspends
// it until something arrives. No second goroutine runs beside the world's, so
// the order of everything stays fixed.
type coro struct {
	x    *end
	in   []byte
	left int   // bytes the peer may still send
	err  error // what Read returns once in is empty

	// What the code is given, and what it returned.
	o     dialect.Opening
	dice  dice
	link  *dialect.Link
	fault error

	yield   func(struct{}) bool
	next    func() (struct{}, bool)
	stop    func()
	running bool
	ended   bool // the code has returned
	dead    bool // nobody wants to know any more
}

var (
	errKilled = errors.New("link is gone")
	errSlow   = errors.New("opening exchange took too long")
	errChatty = errors.New("more bytes than an opening exchange may take")
)

// run is the code.
func (c *coro) run(yield func(struct{}) bool) {
	c.yield = yield
	c.link, c.fault = c.x.n.spec.Dialect.Open(c, &c.o)
}

// resume lets the code go on until it waits for bytes or returns.
func (c *coro) resume() {
	c.running = true
	_, more := c.next()
	c.running = false
	c.ended = !more
}

// deliver hands over bytes that arrived.
func (c *coro) deliver(p []byte) {
	c.in = append(c.in, p...)
	c.resume()
}

// end lets Read fail once everything that arrived is read.
func (c *coro) end(err error) {
	c.err = err
	c.resume()
}

// kill makes the code return soon. It may be called while the code runs.
func (c *coro) kill() {
	c.dead = true
	if !c.running && !c.ended {
		c.ended = true
		c.stop()
	}
}

// Read implements io.Reader for the opening exchange.
func (c *coro) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.err, c.in = fault.New(fault.Protocol, "open", fmt.Errorf("%w: limit %d", errChatty, openBytes)), nil
	}
	for len(c.in) == 0 {
		if c.dead {
			return 0, errKilled
		}
		if c.err != nil {
			return 0, c.err
		}
		if !c.yield(struct{}{}) {
			c.dead = true
		}
	}
	n := copy(p[:min(len(p), c.left)], c.in)
	c.in = c.in[n:]
	c.left -= n
	return n, nil
}

// Write implements io.Writer for the opening exchange. What it is given is
// under way at once: exchanges are too short to fill an outbox.
func (c *coro) Write(p []byte) (int, error) {
	if c.dead {
		return 0, errKilled
	}
	if len(p) > 0 {
		c.x.write(p)
	}
	return len(p), nil
}
