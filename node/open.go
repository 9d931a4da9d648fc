package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/internal/nowait"
	"parley/transport"
)

// linger is how long a closed half waits for the other end to close its own, so
// that what was written last is not lost to a reset.
const linger = time.Second

// Attach adopts a connection made elsewhere: it waits for the node to be ready
// and then until the link is open. If ctx is done before, the link ends. The
// connection is the node's from the call on, also if an error is returned.
func (n *Node) Attach(ctx context.Context, c net.Conn, dialing bool) (*Link, error) {
	select {
	case <-n.ready:
	case <-n.over:
	case <-ctx.Done():
	}
	var l *Link
	var refused error
	err := n.ask(func(now time.Time) {
		from := where(c.RemoteAddr())
		var id core.LinkID
		id, refused = n.core.Attached(now, from, dialing)
		n.trace(now, id, "attached", refused)
		if refused != nil {
			return
		}
		l = n.newLink(now, id, from, dialing)
		l.opened = make(chan error, 1)
		n.wg.Go(func() { l.run(c) })
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	select {
	case err = <-l.opened:
	case <-ctx.Done():
		l.end(fault.New(fault.Local, "attach", ctx.Err()))
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// dial is the life of a link that the node makes.
func (l *Link) dial() {
	ctx, cancel := context.WithTimeout(l.ctx, l.n.cfg.OpenTimeout)
	c, err := l.n.cfg.Transport.Dial(ctx, l.addr)
	cancel()
	if err != nil {
		l.because(outside("dial", err))
		l.bye()
		return
	}
	if d, ok := l.n.cfg.Transport.(transport.Direct); ok && l.addr.Host != "" && d.Direct() {
		at := where(c.RemoteAddr())
		l.n.ask(func(now time.Time) {
			l.n.core.Resolved(now, l.id, at, &l.n.eff)
			l.n.trace(now, l.id, "resolved", nil)
		})
	}
	l.run(c)
}

// run is the life of a link from its first byte: the opening exchange, and then
// the reader, on a goroutine of its own.
func (l *Link) run(c net.Conn) {
	w, raw := newWindow(), nowait.Raw(c)
	if raw != nil {
		w = borrowing(nowait.NewReader(raw, &l.n.buffers))
	}
	err := l.guard(func() error { return l.open(c, w) })
	if l.opened != nil {
		l.opened <- err
	}
	if err != nil {
		l.because(err)
		c.Close()
		l.bye()
		return
	}
	l.parts.Store(2)
	if it, pen := l.out.goLive(l, raw); pen {
		l.direct(&it)
	}
	l.n.wg.Go(func() { l.read(c, w, true) }) // this stack has grown for the opening; what comes first may need one too
}

// open runs the opening exchange and hands the result to the brain.
func (l *Link) open(c net.Conn, w *window) error {
	l.adopt(c)
	until := time.Now().Add(l.n.cfg.OpenTimeout)
	c.SetDeadline(until)
	if !l.alive(c) {
		return l.reason()
	}
	key, err := l.prove(c, until)
	if err != nil {
		return err
	}
	rw := &opening{l: l, c: c, w: w, left: l.n.cfg.OpenBytes}
	link, err := l.n.cfg.Dialect.Open(rw, &dialect.Opening{
		Dialing: l.dialed,
		Remote:  l.addr,
		Key:     key,
		Self:    *l.n.self.Load(),
		Now:     time.Now(),
		Rand:    rand.Reader,
		Admit:   l.admit,
	})
	if err != nil || rw.err != nil {
		return l.turnAway(c, rw, err)
	}
	now := l.n.stamp()
	l.link = link
	l.stats.InLast.Store(now)
	l.stats.OutLast.Store(now)
	c.SetDeadline(time.Time{})
	if !l.alive(c) {
		return l.reason()
	}
	err = l.n.ask(func(now time.Time) {
		l.n.core.Opened(now, l.id, link.Intro, &l.n.eff)
		l.n.trace(now, l.id, "opened", nil)
	})
	if err == nil && !l.wasUp { // the core had given it up
		return l.reason()
	}
	return err
}

// prove finishes what proves the peer's key, if the transport has such a thing.
func (l *Link) prove(c net.Conn, until time.Time) ([]byte, error) {
	p, ok := c.(transport.Proven)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithDeadline(l.ctx, until)
	defer cancel()
	if err := p.Prove(ctx); err != nil {
		return nil, outside("prove", err)
	}
	return p.RemoteKey(), nil
}

// admit asks the brain whether an introduced peer may stay.
func (l *Link) admit(in dialect.Intro) (verdict error) {
	err := l.n.ask(func(now time.Time) {
		verdict = l.n.core.Admit(now, l.id, in, &l.n.eff)
		l.n.trace(now, l.id, "admit", verdict)
	})
	if err != nil {
		return fault.New(fault.Local, "open", err)
	}
	return verdict
}

// turnAway ends a failed opening. What was written last, a refusal with other
// addresses perhaps, is given time to arrive: a connection closed while bytes
// wait unread is reset, and a reset may overtake what was written.
func (l *Link) turnAway(c net.Conn, rw *opening, err error) error {
	if rw.err != nil {
		return rw.fault(err)
	}
	err = classify(err)
	h, ok := c.(halfCloser)
	if !ok || !rw.wrote || h.CloseWrite() != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(linger))
	if l.alive(c) {
		io.Copy(io.Discard, io.LimitReader(c, int64(l.n.cfg.OpenBytes)))
	}
	return err
}

type halfCloser interface{ CloseWrite() error }

// opening is what a dialect reads and writes during the exchange: the
// connection behind the link's own read buffer, so that bytes that follow the
// exchange are where the reader looks for them.
type opening struct {
	l     *Link
	c     net.Conn
	w     *window
	left  int   // bytes the peer may still send
	err   error // why the connection failed
	wrote bool
}

var errChatty = errors.New("more bytes than an opening exchange may take")

// Read implements io.Reader.
func (o *opening) Read(p []byte) (int, error) {
	for o.err == nil && len(o.w.bytes()) == 0 {
		k, err := o.w.fill(o.c, 0)
		o.l.stats.InBytes.Add(uint64(k))
		if k == 0 {
			o.err = err
		}
	}
	if o.err == nil && o.left == 0 {
		o.err = fault.New(fault.Protocol, "open", fmt.Errorf("%w: limit %d", errChatty, o.l.n.cfg.OpenBytes))
	}
	if o.err != nil {
		return 0, o.err
	}
	n := copy(p[:min(len(p), o.left)], o.w.bytes())
	o.w.skip(n)
	o.left -= n
	return n, nil
}

// Write implements io.Writer.
func (o *opening) Write(p []byte) (int, error) {
	o.wrote = true
	n, err := o.c.Write(p)
	o.l.stats.OutBytes.Add(uint64(n))
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// fault says why the connection failed. What the dialect made of it stands,
// unless the peer was too slow or said too much: those end every exchange the
// same way.
func (o *opening) fault(err error) error {
	if fault.KindOf(o.err) == fault.Protocol || errors.Is(o.err, os.ErrDeadlineExceeded) || err == nil {
		return outside("open", o.err)
	}
	return classify(err)
}

// classify gives the error of an opening exchange its kind: a refusal is one, and
// what is no fault is taken for one of the connection.
func classify(err error) error {
	if _, ok := errors.AsType[*dialect.Refusal](err); ok {
		return fault.New(fault.Refused, "open", err)
	}
	if errors.Is(err, dialect.ErrSelf) {
		return fault.New(fault.Local, "open", err)
	}
	return outside("open", err)
}

// outside makes a fault of an error from the network. One that nobody
// classified is the network's, not ours.
func outside(op string, err error) error {
	k := fault.KindOf(err)
	if k == fault.Local {
		k = fault.IO
	}
	return fault.New(k, op, err)
}

// guard runs f and makes a fault of a panic in it, so that one peer's message
// cannot end the program.
func (l *Link) guard(f func() error) (err error) {
	if !l.n.catch {
		return f()
	}
	defer func() {
		if p := recover(); p != nil {
			l.n.cfg.Log.Error("panic", "link", l, "panic", p, "stack", string(debug.Stack()))
			err = fault.New(fault.Local, "panic", fmt.Errorf("%v", p))
		}
	}()
	return f()
}
