package node

import (
	"net"

	"parley/dialect"
	"parley/node/internal/press"
)

const (
	copyBelow  = 4 << 10            // bodies up to here are copied together, larger ones go out from where they lie
	copyStream = 64 << 10           // the same where a write of several slices is several writes
	runBelow   = press.PageSize / 4 // runs up to here are copied too: one that goes out from where it lies holds its page
	batchCopy  = 59 << 10           // copied bytes after which a batch is closed, see below
	batchRuns  = 256 << 10          // bytes in runs after which a batch is closed: they are in the caches of several links
	batchBytes = 1 << 20            // bytes after which a batch is closed
	batchVec   = 128                // slices after which a batch is closed
)

// A batch goes past batchCopy by one copied message or one packet, and then still
// goes through the kernel in one piece: that is 64 KiB with the heads of IP and TCP.
// The few bytes that are too many for it would cost as much as a piece of their own.
const _ = uint(64<<10 - 128 - copyBelow - batchCopy)

// batch is what one system call writes, owned by a link's writer. Small frames
// are copied together into buf; vec holds the pieces of buf and the large
// bodies between them, in order.
type batch struct {
	enc    dialect.Encoder
	framer dialect.Framer // enc, if it is one
	pairer dialect.Pairer // enc, if it is one
	press  *press.Press   // makes what several links send, or nil if that cannot be shared
	large  int            // bodies of at least so many bytes are not copied

	buf   []byte
	cut   int // buf[:cut] is in vec
	vec   [][]byte
	run   press.Run // what several links send, yet to be put behind buf
	laid  int       // bytes of runs in vec
	size  int       // bytes in the batch
	spent net.Buffers
}

// vectored reports whether writing several slices to c is one system call.
func vectored(c net.Conn) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// reset empties the batch. It keeps its memory, unless one large message took
// far more than others do.
func (b *batch) reset() {
	if cap(b.buf) > batchBytes {
		b.buf = nil
	}
	clear(b.vec)
	b.run.Reset()
	b.buf, b.cut, b.vec, b.laid, b.size = b.buf[:0], 0, b.vec[:0], 0, 0
}

// closed reports whether the batch is large enough.
func (b *batch) closed() bool {
	return len(b.buf) >= batchCopy || b.laid+len(b.run.Bytes()) >= batchRuns || b.size >= batchBytes || len(b.vec) >= batchVec
}

// pair tells the encoder of the first two of the messages that are to be added next,
// unless it may not be asked for them because other links send them too.
func (b *batch) pair(next []item) {
	if b.pairer != nil && len(next) > 1 && next[0].shared == nil && next[1].shared == nil {
		b.pairer.Pair(next[0].msg, next[1].msg)
	}
}

// add appends a message. On an error the batch is as it was.
func (b *batch) add(it *item) error {
	large := len(it.msg.Body) >= b.large
	if it.shared != nil && b.press != nil {
		if f, ok := it.shared.Form(b.press, b.enc, it.msg, large); ok {
			return b.addShared(it, f, large)
		}
	}
	b.settleRun()
	old := len(b.buf)
	if b.framer != nil && large {
		out, tail, err := b.framer.Frame(b.buf, it.msg)
		if err != nil {
			return err
		}
		b.buf = out
		b.size += len(out) - old + len(it.msg.Body)
		b.place(len(out)-tail, it.msg.Body)
		return nil
	}
	out, err := b.enc.Append(b.buf, it.msg)
	if err != nil {
		return err
	}
	b.buf = out
	b.size += len(out) - old
	return nil
}

// addShared appends a wire form that other links use too.
func (b *batch) addShared(it *item, f press.Form, large bool) error {
	if f.Err != nil {
		return f.Err
	}
	b.size += len(f.Wire)
	if !b.run.Add(f) {
		b.settleRun()
		if !b.run.Add(f) {
			b.putShared(it, f, large)
		}
	}
	return nil
}

// putShared appends what does not lie on a page.
func (b *batch) putShared(it *item, f press.Form, large bool) {
	old := len(b.buf)
	switch {
	case f.Hole:
		b.buf = append(b.buf, f.Wire...)
		b.size += len(it.msg.Body)
		b.place(len(b.buf)-f.Tail, it.msg.Body)
	case large:
		b.place(old, f.Wire)
	default:
		b.buf = append(b.buf, f.Wire...)
	}
}

// settleRun puts the run behind buf: where it lies if it is large.
func (b *batch) settleRun() {
	run := b.run.Bytes()
	switch {
	case len(run) == 0:
		return
	case len(run) >= max(b.large, runBelow):
		b.place(len(b.buf), run)
		b.laid += len(run)
	default:
		b.buf = append(b.buf, run...)
	}
	b.run.Reset()
}

// place puts body where it lies after the first n bytes of buf.
func (b *batch) place(n int, body []byte) {
	if n > b.cut {
		b.vec = append(b.vec, b.buf[b.cut:n:n])
	}
	b.vec = append(b.vec, body)
	b.cut = n
}

// seal completes vec, or leaves it empty if all is in buf.
func (b *batch) seal() {
	b.settleRun()
	if len(b.vec) > 0 && b.cut < len(b.buf) {
		b.vec = append(b.vec, b.buf[b.cut:])
	}
}
