package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/internal/nowait"
)

const (
	// quiet is how long nothing must come in, or go out, before a link gives
	// back the memory it grew to: within twice that it does.
	quiet = 10 * time.Second

	// Most messages in one call of Handler.Receive.
	batchMsgs = 4096

	// Most session messages, and bytes of them before the last, in one report
	// to the brain, so that it never works for long on one link.
	reportMsgs  = 64
	reportBytes = 64 << 10
)

// reader is what a link's reader owns.
type reader struct {
	l    *Link
	c    net.Conn
	w    *window
	dec  dialect.Decoder
	need int // bytes that the message at the front of w takes, as far as is known
	app  []dialect.Message
	ses  []dialect.Message

	sesBytes int    // in the bodies of ses
	msgs     uint64 // messages that are not counted yet

	alarmed bool // a read deadline is set to look at quiet links
	moved   bool // more than a ping arrived since it was set
	grown   bool // the stack may have: it is new, or has been in the handler
}

// errGrown ends a reader whose stack another one is to do without.
var errGrown = errors.New("the stack may have grown")

// read is the link's reader: a goroutine, and when the link goes quiet after it
// was busy, another one. A stack that has grown stays so while it waits here.
func (l *Link) read(c net.Conn, w *window, grown bool) {
	r := &reader{l: l, c: c, w: w, dec: l.link.Decoder, grown: grown}
	err := l.guard(r.run)
	if err == errGrown {
		l.n.wg.Go(func() { l.read(c, w, false) })
		return
	}
	defer l.leave(c)
	if !l.ends(err) {
		l.end(outside("read", err))
	}
}

// run decodes until the connection fails or the peer breaks a rule.
func (r *reader) run() error {
	err := r.decode() // what came with the opening exchange
	for err == nil {
		if err = r.alarm(); err != nil {
			return err
		}
		var k int
		k, err = r.w.fill(r.c, r.need)
		if k > 0 {
			r.moved = r.moved || k > idleBuffer
			r.l.stats.InBytes.Add(uint64(k))
			if derr := r.decode(); derr != nil {
				return derr
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = r.overdue(err)
		}
	}
	return err
}

// decode cuts all complete messages from the buffer and hands them over. Even
// before an error it hands over those that came whole.
func (r *reader) decode() error {
	err := r.cut()
	r.handOver()
	r.w.rest()
	return err
}

func (r *reader) cut() error {
	limit := r.l.n.cfg.ReadBuffer
	for buf := r.w.bytes(); len(buf) > 0 && len(buf) >= r.need; buf = r.w.bytes() {
		m, n, err := r.dec.Next(buf)
		switch {
		case err != nil:
			return fault.New(fault.Protocol, "decode", err)
		case n > limit:
			return fault.New(fault.Protocol, "decode", fmt.Errorf("message: %d bytes, limit %d", n, limit))
		case n > len(buf):
			r.need = n
			return nil
		case n <= 0:
			return fault.New(fault.Local, "decode", errStuck)
		}
		r.need = 0
		r.w.skip(n)
		if m.For != 0 {
			r.sort(m)
		}
	}
	if r.w.r == r.w.w {
		r.dec.Next(nil) // asks for more: what it returned before will be used up then
	}
	return nil
}

var errStuck = errors.New("decoder took no bytes and asked for none")

// sort puts a message where it is to go.
func (r *reader) sort(m dialect.Message) {
	r.msgs++
	if m.For&dialect.ToApp != 0 {
		m.Lent = true
		r.app = append(r.app, m)
		m.Body = nil
	}
	if m.For&dialect.ToSession != 0 {
		r.ses = append(r.ses, m.Clone())
		r.sesBytes += len(m.Body)
	}
	if len(r.app) >= batchMsgs || len(r.ses) >= reportMsgs || r.sesBytes >= reportBytes {
		r.handOver()
	}
}

// handOver gives the application's messages to the handler, here and now, and
// the session's to the brain.
func (r *reader) handOver() {
	if r.msgs == 0 {
		return
	}
	r.l.stats.InMsgs.Add(r.msgs)
	r.l.stats.InLast.Store(r.l.n.stamp())
	r.msgs = 0
	if r.l.closing.Load() {
		r.app, r.ses, r.sesBytes = r.app[:0], nil, 0
		return
	}
	if len(r.app) > 0 {
		r.deliver()
	}
	if batch := r.ses; len(batch) > 0 {
		r.ses, r.sesBytes = nil, 0
		r.l.report(func(now time.Time) { r.l.n.received(now, r.l, batch) })
	}
}

// deliver calls the handler. When it returns the bodies are the reader's again.
// However long it takes, the peer is not to be taken for silent.
func (r *reader) deliver() {
	r.grown, r.moved = true, true
	r.l.serving.Store(true)
	r.l.n.cfg.Handler.Receive(r.l, r.app)
	r.l.stats.InLast.Store(r.l.n.stamp())
	r.l.serving.Store(false)
	if r.l.n.poison {
		for _, m := range r.app {
			clear(m.Body)
		}
	}
	clear(r.app)
	r.app = r.app[:0]
}

// alarm sees to it that a link with a big buffer, or stack, wakes up when nothing
// comes. Pings alone do not make it so: they would set an alarm each.
func (r *reader) alarm() error {
	if r.alarmed || !r.grown && !r.w.big() {
		return nil
	}
	r.alarmed, r.moved = true, false
	return r.setAlarm(time.Now().Add(r.l.n.quiet))
}

func (r *reader) setAlarm(t time.Time) error {
	r.c.SetReadDeadline(t)
	if !r.l.alive(r.c) {
		return net.ErrClosed
	}
	return nil
}

// overdue looks at why a read deadline passed: it ends the link, or nothing
// came for a while.
func (r *reader) overdue(err error) error {
	if r.l.ctx.Err() != nil {
		return err
	}
	if r.moved {
		r.moved = false
		return r.setAlarm(time.Now().Add(r.l.n.quiet))
	}
	r.w.shrink()
	r.app, r.alarmed = nil, r.w.big()
	if r.alarmed {
		return r.setAlarm(time.Now().Add(r.l.n.quiet))
	}
	if err := r.setAlarm(time.Time{}); err != nil || !r.grown {
		return err
	}
	return errGrown
}

// The sizes of a read buffer.
const (
	idleBuffer  = 512               // what it is while nothing comes: enough for a ping
	smallBuffer = nowait.BufferSize // where it begins
	busyBuffer  = 256 << 10         // what it grows to because a lot arrives at once
	trusted     = 64 << 10          // what it grows to because a peer announced that much
	decayEvery  = 32                // reads between looks at whether it is too big
)

// window is a link's read buffer, owned by its reader. It grows while reads
// fill it, and for one message as large as it needs, though never to more than
// twice what has arrived: what a peer announces costs nothing until it comes.
// It shrinks when it turns out to be too big. Where it can, it begins with
// borrowed buffers, and then has none while nothing is there.
type window struct {
	in    *nowait.Reader // nil if there is nothing to borrow
	lent  bool           // buf is borrowed
	buf   []byte
	r, w  int  // buf[r:w] has arrived and is not used up
	full  bool // the last read filled what was free
	high  int  // most bytes that were needed at once since the last look
	reads int  // since the last look
}

func newWindow() *window { return &window{buf: make([]byte, smallBuffer)} }

// borrowing returns a window that borrows from in.
func borrowing(in *nowait.Reader) *window { return &window{in: in} }

// bytes returns what has arrived and is not used up.
func (b *window) bytes() []byte { return b.buf[b.r:b.w] }

// skip uses up n bytes.
func (b *window) skip(n int) { b.r += n }

// big reports whether the buffer has more memory than it keeps when idle.
func (b *window) big() bool { return len(b.buf) > idleBuffer }

// rest gives back a borrowed buffer with nothing in it.
func (b *window) rest() {
	if b.lent && b.r == b.w && !b.full {
		b.release()
	}
}

// release parts with the buffer.
func (b *window) release() {
	if b.lent {
		b.in.Free(b.buf)
	}
	b.lent, b.buf, b.r, b.w = false, nil, 0, 0
}

// borrow reads once, and has no buffer before there is something to read.
func (b *window) borrow() (int, error) {
	buf, k, err := b.in.Read()
	if buf != nil {
		b.buf, b.w, b.lent = buf, k, true
		b.full = k == len(buf)
		b.high = max(b.high, k)
		b.reads++
	}
	return k, err
}

// fill reads once. need is how many bytes the message at the front takes, as
// far as is known: more than there are, or 0 if there are none.
func (b *window) fill(c io.Reader, need int) (int, error) {
	if b.rest(); b.buf == nil {
		return b.borrow()
	}
	b.high = max(b.high, b.w-b.r, need)
	if size := b.size(need); size != len(b.buf) {
		b.resize(size)
	} else if b.r > 0 {
		b.w = copy(b.buf, b.bytes())
		b.r = 0
	}
	// Room that one large message needed is not for thousands of small ones.
	end := min(len(b.buf), max(need, busyBuffer))
	k, err := c.Read(b.buf[b.w:end])
	b.w += k
	b.full = b.w == end
	b.high = max(b.high, b.w)
	b.reads++
	return k, err
}

// size decides how large the buffer should be for the next read.
func (b *window) size(need int) int {
	have, size := b.w-b.r, len(b.buf)
	if b.full && size < busyBuffer {
		size = max(2*size, smallBuffer)
	}
	if b.reads >= decayEvery {
		if size >= 4*b.high {
			size = min(size, max(smallBuffer, ceil2(2*b.high)))
		}
		b.reads, b.high = 0, 0
	}
	if need <= size {
		return size
	}
	if need <= trusted {
		return ceil2(need)
	}
	if have < size && size >= trusted {
		return size // let it fill first
	}
	return min(need, max(trusted, 2*size))
}

// shrink returns to the smallest buffer that holds what is there.
func (b *window) shrink() {
	have := b.w - b.r
	switch {
	case b.in != nil && have == 0:
		b.release()
	case have < idleBuffer && b.big():
		b.resize(idleBuffer)
	}
	b.reads, b.high, b.full = 0, 0, false
}

func (b *window) resize(size int) {
	buf := make([]byte, size)
	k := copy(buf, b.bytes())
	b.release()
	b.w, b.buf = k, buf
}

// ceil2 returns the smallest power of two that is not below n, for n > 0.
func ceil2(n int) int {
	size := smallBuffer
	for size < n {
		size *= 2
	}
	return size
}
