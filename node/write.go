package node

import (
	"net"
	"time"

	"parley/dialect"
	"parley/fault"
)

// writer is what a link's writer owns.
type writer struct {
	batch
	l      *Link
	c      net.Conn
	packer dialect.Packer // the encoder, if it is one
	track  tracked        // if it says what it is done with

	q    []item // taken from the outbox
	next int    // q[:next] is in a batch or past one
	held []item // with the packer

	timer   *time.Timer // to look whether anything moves
	moved   bool        // something was written since the timer was set
	retired bool        // another writer will be started when there is work
}

// startWriter starts the link's writer, which ends when the link does, or when
// it has had nothing to do for a while.
func (l *Link) startWriter() {
	if l.out.wake == nil {
		l.out.wake = make(chan struct{}, 1)
	}
	l.n.wg.Go(l.write)
}

// write is the link's writer.
func (l *Link) write() {
	c := l.conn
	w := &writer{l: l, c: c}
	w.enc, w.press = l.link.Encoder, l.n.press(l.link.Shared)
	w.framer, _ = w.enc.(dialect.Framer)
	w.pairer, _ = w.enc.(dialect.Pairer)
	w.packer, _ = w.enc.(dialect.Packer)
	w.track.packer, _ = w.enc.(dialect.Tracker)
	w.large = copyBelow
	if !vectored(c) {
		w.large = copyStream
	}
	defer func() {
		if !w.retired {
			l.leave(c)
		}
	}()
	if err := l.guard(w.run); !w.retired {
		l.end(outside("write", err))
		w.giveUp()
	}
}

// run writes what is queued until the outbox is closed and drained, and then
// ends the link in good order. It returns why the link ends, unless the writer
// retires before that.
func (w *writer) run() error {
	for w.take() {
		err := w.finish()
		if err != nil {
			return err
		}
		if w.packer != nil {
			err = w.pack()
		} else {
			err = w.send()
		}
		if err != nil {
			return err
		}
	}
	if !w.retired && w.l.ctx.Err() == nil {
		w.hangUp()
	}
	return w.l.reason()
}

// finish writes what is left of a message that somebody else began.
func (w *writer) finish() error {
	p := &w.l.out.pen
	if p.rest == nil {
		return nil
	}
	if err := w.push(p.rest); err != nil {
		return err
	}
	w.l.stats.OutBytes.Add(uint64(len(p.rest)))
	w.l.stats.OutLast.Store(w.l.n.stamp())
	began := [1]item{p.began}
	p.rest, p.began = nil, item{}
	w.settle(began[:])
	return nil
}

// hangUp closes our half of the connection and gives the other end a moment to
// close its own; the reader notices when it does. A link that gave way to
// another waits for longer, and if the peer is to be first it closes nothing
// before; see part.
func (w *writer) hangUp() {
	l := w.l
	l.drained.Store(true)
	parting := l.parting.Load() && !l.closing.Load()
	if h, ok := w.c.(halfCloser); !ok || !(parting && l.last.Load()) && h.CloseWrite() != nil || l.parts.Load() == 1 {
		return
	}
	wait := linger
	if parting {
		wait = partTime // the brain ends it before
	}
	select {
	case <-l.ctx.Done():
	case <-time.After(wait):
	}
}

// take waits for messages. It reports false if there will be none, or if the
// writer retires.
func (w *writer) take() bool {
	for {
		q, ok, over := w.l.out.take(w.q)
		if ok || over {
			w.q, w.next = q, 0
			return ok
		}
		if w.retired = !w.wait(); w.retired {
			return false
		}
	}
}

// wait waits until the outbox has something. It reports false if that takes
// long: then the writer is to end, with all its memory, and another will be
// started when it is needed.
func (w *writer) wait() bool {
	if w.timer == nil {
		w.timer, w.moved = time.NewTimer(w.l.n.quiet), false
	}
	for {
		select {
		case <-w.l.out.wake:
			return true
		case <-w.timer.C:
		}
		if !w.moved && w.l.out.retire() {
			return false
		}
		w.moved = false
		w.timer.Reset(w.l.n.quiet)
	}
}

// send writes what was taken, one system call a batch.
func (w *writer) send() error {
	for w.next < len(w.q) {
		w.reset()
		w.preface()
		first, msgs := w.next, 0
		for ; w.next < len(w.q) && !w.closed(); w.next++ {
			it := &w.q[w.next]
			if (w.next-first)%2 == 0 {
				w.pair(w.q[w.next:])
			}
			if err := w.add(it); err != nil {
				w.l.refuse(it, err)
				continue
			}
			msgs++
		}
		w.seal()
		if err := w.flush(msgs); err != nil {
			return err
		}
		w.settle(w.q[first:w.next])
	}
	return nil
}

// preface begins the first batch with the link's prelude.
func (w *writer) preface() {
	p := &w.l.out.pen
	w.buf = append(w.buf, p.prelude...)
	w.size += len(p.prelude)
	p.prelude = nil
}

// refuse drops a message that has no wire form.
func (l *Link) refuse(it *item, err error) {
	l.stats.Unsendable.Add(1)
	l.stats.Dropped.Add(1)
	l.stats.DroppedBytes.Add(uint64(len(it.msg.Body)))
	l.n.cfg.Log.Warn("message not sent", "link", l, "type", it.msg.Type, "size", len(it.msg.Body), "err", err)
	it.msg.For = 0
	tell(it, fault.New(fault.Local, "encode", err))
}

// flush writes the batch.
func (w *writer) flush(msgs int) error {
	if w.size == 0 {
		return nil
	}
	var err error
	switch {
	case len(w.vec) == 0:
		err = w.push(w.buf)
	case len(w.vec) == 1:
		err = w.push(w.vec[0])
	case w.size < 2*batchBytes:
		if err := w.arm(); err != nil {
			return err
		}
		w.spent = w.vec // WriteTo consumes it
		_, err = w.spent.WriteTo(w.c)
	default:
		for i := 0; i < len(w.vec) && err == nil; i++ {
			err = w.push(w.vec[i])
		}
	}
	if err != nil {
		return err
	}
	w.moved = true
	s := &w.l.stats
	s.OutBytes.Add(uint64(w.size))
	s.OutMsgs.Add(uint64(msgs))
	s.OutLast.Store(w.l.n.stamp())
	return nil
}

// push writes p in pieces that each have their own deadline, so that a slow
// link that makes progress is not cut off by a long message.
func (w *writer) push(p []byte) error {
	for len(p) > 0 {
		if err := w.arm(); err != nil {
			return err
		}
		n, err := w.c.Write(p[:min(len(p), batchBytes)])
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// arm sets the deadline of what is written next.
func (w *writer) arm() error {
	w.c.SetWriteDeadline(time.Now().Add(w.l.n.cfg.WriteTimeout))
	if !w.l.alive(w.c) {
		return w.l.reason()
	}
	return nil
}

// settle gives back the room of items that were written, and tells those who
// asked.
func (w *writer) settle(items []item) {
	cost := 0
	var told []dialect.Message
	for i := range items {
		it := &items[i]
		cost += it.cost()
		if it.msg.For&dialect.ToSession != 0 {
			told = append(told, dialect.Message{Type: it.msg.Type, For: it.msg.For})
		}
		tell(it, nil)
		*it = item{}
	}
	w.reset() // bodies that went out from where they lie are not held on to
	w.l.out.release(cost)
	if told != nil {
		w.l.report(func(now time.Time) { w.l.n.sent(now, w.l, told) })
	}
}

// tell calls an item's done, once.
func tell(it *item, err error) {
	if done := it.done; done != nil {
		it.done = nil
		done(err)
	}
}

// giveUp tells those who asked and were not told yet that their messages are
// lost.
func (w *writer) giveUp() {
	l := w.l
	why := l.reason()
	lost := [][]item{w.held, w.track.held, w.q, l.out.rest()}
	for _, q := range lost {
		for i := range q {
			l.guard(func() error { tell(&q[i], why); return nil })
		}
	}
	if w.timer != nil {
		w.timer.Stop()
	}
}

// pack gives what was taken to the packer and writes what it chooses, taking
// what arrives meanwhile. Which messages a piece completes only the packer
// knows: unless it says so, their room is given back when it holds none.
func (w *writer) pack() error {
	for more := true; more; {
		w.hand()
		w.reset()
		w.preface()
		old := len(w.buf)
		var err error
		if w.buf, more, err = w.packer.Pack(w.buf, batchCopy); err != nil {
			return fault.New(fault.Local, "encode", err)
		}
		w.size += len(w.buf) - old
		if err := w.flush(0); err != nil {
			return err
		}
		w.settleTracked()
		if !more {
			w.settleHeld()
		}
		if q, ok := w.l.out.takeMore(w.q); ok {
			w.q, w.next, more = q, 0, true
		}
	}
	return nil
}

// settleHeld settles all that the packer was given, when it holds none of it
// any more.
func (w *writer) settleHeld() {
	w.l.stats.OutMsgs.Add(uint64(len(w.held)))
	w.settle(w.held)
	w.held = w.held[:0]
}

// hand gives what was taken to the packer.
func (w *writer) hand() {
	for ; w.next < len(w.q); w.next++ {
		it := &w.q[w.next]
		if w.track.packer != nil {
			w.handTracked(it)
			continue
		}
		if err := w.packer.Put(it.msg); err != nil {
			w.l.refuse(it, err)
			w.settle(w.q[w.next : w.next+1])
			continue
		}
		w.held = append(w.held, *it)
		*it = item{}
	}
}
