package node

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/internal/nowait"
)

// loneGap is how long a link must have written nothing for a message to count
// as a lone one, which is written by the goroutine that queues it. It then leaves
// without a switch of goroutines. Those that come closer together go to the
// writer, and so in batches.
const loneGap = 2 * time.Microsecond

// pen is what whoever writes on a link owns.
type pen struct {
	raw     syscall.RawConn // nil where lone messages are left to the writer
	prelude []byte          // to be written before the first message
	rest    []byte          // of a lone message that the kernel did not take; for the writer
	began   item            // that message
}

// line is what writing one lone message needs.
type line struct {
	buf []byte
	try *nowait.Writer
}

// goLive lets the outbox be written. Called once. If a lone message waits, such
// as a first ping, the caller is to write it, with the pen: no writer is started
// on a link that may be quiet from then on.
func (o *outbox) goLive(l *Link, raw syscall.RawConn) (it item, pen bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pen.raw, o.pen.prelude = raw, l.link.Prelude
	o.link, o.idle, o.absent = l, true, true
	switch {
	case len(o.queue) == 1 && o.queue[0].alone && raw != nil && !o.closed:
		it, o.queue, o.idle = o.queue[0], nil, false
		return it, true
	case len(o.queue) > 0 || o.closed:
		o.rouse()
	}
	return item{}, false
}

// canBeAlone reports whether it is small, and nobody is to be told about it:
// telling may wait, which the goroutine that queues must not. The brain may queue
// what its session is told of, since that is told by the brain itself.
func canBeAlone(it *item, brain bool) bool {
	return it.done == nil && (brain || it.msg.For&dialect.ToSession == 0) && len(it.msg.Body) < copyBelow
}

// lone reports whether what is queued now is a lone message. Called with the
// lock, while nobody has the pen.
func (o *outbox) lone() bool {
	l := o.link
	return o.pen.raw != nil && len(o.queue) == 0 && l.n.stamp()-l.stats.OutLast.Load() >= int64(loneGap)
}

// direct writes a lone message. The caller has the pen, and with it all that is
// the writer's. Nothing here waits: what the kernel does not take is left to the
// writer, and so are errors of the connection, which it will meet again.
func (l *Link) direct(it *item) {
	b := l.n.lines.Get().(*line)
	defer l.n.lines.Put(b)
	b.buf = b.buf[:0]
	var bad error
	if err := l.guard(func() error { bad = l.encodeLone(b, it.msg); return nil }); err != nil {
		l.end(outside("write", err))
		b.buf = b.buf[:0]
	}
	if bad != nil {
		l.refuse(it, bad)
	}
	n := l.attempt(b)
	if len(b.buf) > 0 {
		l.stats.OutBytes.Add(uint64(n))
		l.stats.OutMsgs.Add(1)
		l.stats.OutLast.Store(l.n.stamp())
	}
	whole := bad == nil && n > 0 && n == len(b.buf)
	l.out.handBack(b.buf[n:], it)
	if whole && it.msg.For&dialect.ToSession != 0 {
		told := it.receipt()
		l.n.inbox.put(func(now time.Time) { l.n.sent(now, l, told) })
	}
	if cap(b.buf) > 2*copyBelow {
		b.buf = nil
	}
}

// encodeLone makes the wire form of a message, or returns why there is none.
func (l *Link) encodeLone(b *line, m dialect.Message) (err error) {
	o := &l.out.pen
	b.buf = append(b.buf, o.prelude...)
	old := b.buf
	p, ok := l.link.Encoder.(dialect.Packer)
	if !ok {
		if b.buf, err = l.link.Encoder.Append(b.buf, m); err != nil {
			b.buf = old[:0]
			return err
		}
		o.prelude = nil
		return nil
	}
	if err = p.Put(m); err != nil {
		b.buf = old[:0]
		return err
	}
	o.prelude = nil
	for more := true; more; {
		if b.buf, more, err = p.Pack(b.buf, batchCopy); err != nil {
			l.end(fault.New(fault.Local, "encode", err))
			b.buf = b.buf[:0]
			return err
		}
	}
	return nil
}

// attempt writes what goes at once and returns how many bytes did. The deadline
// may be that of an earlier batch: it is for the writer to wait with one.
func (l *Link) attempt(b *line) int {
	if len(b.buf) == 0 {
		return 0
	}
	raw := l.out.pen.raw
	n, err := b.try.Write(raw, b.buf)
	if errors.Is(err, os.ErrDeadlineExceeded) && l.ctx.Err() == nil {
		c := l.conn
		c.SetWriteDeadline(time.Time{})
		if l.alive(c) {
			n, _ = b.try.Write(raw, b.buf)
		}
	}
	return n
}

// handBack gives the pen back after a lone message: to the writer if there is
// something to do for it.
func (o *outbox) handBack(rest []byte, it *item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(rest) > 0 {
		o.pen.rest, o.pen.began = bytes.Clone(rest), *it
	} else {
		o.bytes -= it.cost()
		o.grant()
	}
	o.idle = true
	if len(rest) > 0 || len(o.queue) > 0 || o.closed {
		o.rouse()
	}
}

// retire reports whether the writer may end because there is nothing to do, and
// gives back the queue's memory.
func (o *outbox) retire() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.idle || len(o.queue) > 0 {
		return false
	}
	o.absent, o.queue = true, nil
	return true
}
