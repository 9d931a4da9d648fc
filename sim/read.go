package sim

import (
	"errors"
	"fmt"
	"io"

	"parley/dialect"
	"parley/fault"
)

// arrive delivers what came over a connection, unless something holds it up.
func (w *World) arrive(k kind, a, b uint32) {
	y := &w.conns.get(a >> 1).ends[a&1]
	if (w.trouble != 0 || y.held) && y.hold(k, b) {
		return
	}
	y.take(k, b)
}

// take reads what has arrived.
func (y *end) take(k kind, b uint32) {
	switch k {
	case evAccept:
		y.accept()
	case evFin:
		y.eof()
	case evReset:
		y.fail(fault.New(fault.IO, "read", errReset))
	case evDeliver:
		switch y.cond {
		case open, parting:
			y.receive(b)
		case opening:
			y.hear(b)
		default:
			y.n.w.parcels.drop(b)
			y.unknown()
		}
	}
}

// eof reads the end of the stream.
func (y *end) eof() {
	switch y.cond {
	case opening:
		y.ex.opening.end(io.EOF)
		y.opened()
	case open:
		n, why := y.n, fault.New(fault.IO, "read", io.EOF)
		n.Core.Ended(n.w.Now(), y.id, why, n.w.begin())
		n.finish(wEnded, y.id, why)
	case parting:
		if y.ex.heard = true; !y.ex.busy() {
			y.drained()
		}
	}
}

// reads reports whether what arrives is decoded.
func (y *end) reads() bool { return y.cond == open || y.cond == parting }

// unknown answers what arrives for a connection that the machine knows no more.
func (y *end) unknown() {
	if y.ex == nil || !y.ex.draining {
		y.tell(evReset)
	}
}

// receive takes a parcel on an open link.
func (y *end) receive(b uint32) {
	w := y.n.w
	p := w.parcels.get(b)
	y.inBytes += uint64(p.size)
	if p.value {
		m := p.msg
		w.hash = mix(w.hash, uint64(m.Type)<<32^uint64(len(m.Body)))
		y.inAt = w.now
		y.inMsgs++
		w.passing = b
		y.hand(m)
		w.passing = none
		w.parcels.drop(b)
		return
	}
	w.hash = mixBytes(w.hash, p.data)
	// Decoders see a copy that the next delivery overwrites: other receivers
	// share the parcel, and lent bodies must not seem to last.
	w.scratch = append(w.scratch[:0], p.data...)
	var lesson *parcel
	if p.learn {
		lesson = &parcel{sent: p.sent, codec: p.codec}
	}
	w.parcels.drop(b)
	y.decode(w.scratch, lesson)
}

// hand gives one message that passed as a value to whom it concerns.
func (y *end) hand(m dialect.Message) {
	n := y.n
	if m.For&dialect.ToApp != 0 {
		n.deliver(y, m)
		m.Body = nil
	}
	if m.For&dialect.ToSession != 0 && y.cond == open {
		n.w.session = append(n.w.session[:0], m)
		y.report()
	}
}

// deliver calls the application.
func (n *Node) deliver(y *end, m dialect.Message) {
	n.w.from = y
	if n.Receive != nil {
		n.Receive(y.id, m)
	} else if n.w.Receive != nil {
		n.w.Receive(n, y.id, m)
	}
}

var errStuck = errors.New("decoder took no bytes and asked for none")

// decode cuts messages from what has arrived and hands them over: those for
// the application one by one, then all those for the session. Lesson, if there
// is one, is the only message in data.
func (y *end) decode(data []byte, lesson *parcel) {
	w := y.n.w
	whole := y.ex == nil || len(y.ex.buf) == 0
	if !whole {
		y.ex.buf = append(y.ex.buf, data...)
		data = y.ex.buf
		if len(data) < y.ex.need {
			return
		}
	}
	w.session = w.session[:0]
	rest, msgs, err := y.cut(data)
	if msgs > 0 {
		y.inAt = w.now
		y.inMsgs += uint64(msgs)
	}
	if lesson != nil && whole && msgs == 1 && len(rest) == 0 {
		w.codecs.learn(lesson.codec, lesson.sent, w.last)
	}
	if y.reads() {
		y.keep(rest)
	}
	if y.cond == open && len(w.session) > 0 {
		y.report()
	}
	if err != nil && y.reads() {
		y.fail(err)
	}
}

// cut decodes until data runs out. It returns what is left.
func (y *end) cut(data []byte) (rest []byte, msgs int, err error) {
	w := y.n.w
	for len(data) > 0 && y.reads() {
		m, n, err := y.dec.Next(data)
		switch {
		case err != nil:
			return nil, msgs, fault.New(fault.Protocol, "decode", err)
		case n > maxMessage:
			return nil, msgs, fault.New(fault.Protocol, "decode", fmt.Errorf("message: %d bytes, limit %d", n, maxMessage))
		case n > len(data):
			y.more().need = n
			return data, msgs, nil
		case n <= 0:
			return nil, msgs, fault.New(fault.Local, "decode", errStuck)
		}
		data = data[n:]
		if m.For == 0 {
			continue
		}
		msgs++
		w.last = dialect.Message{Type: m.Type, For: m.For}
		if m.For&dialect.ToApp != 0 {
			m.Lent = true
			y.n.deliver(y, m)
			m.Body = nil
		}
		if m.For&dialect.ToSession != 0 {
			w.session = append(w.session, m.Clone())
		}
	}
	return nil, msgs, nil
}

// keep stores the front of a message whose rest is under way.
func (y *end) keep(rest []byte) {
	if len(rest) == 0 {
		if y.ex != nil {
			y.ex.buf, y.ex.need = nil, 0
			y.slim()
		}
		return
	}
	ex := y.more()
	ex.buf = append(ex.buf[:0], rest...)
}

// report tells the core what arrived for the session. The core may keep the
// bodies, but not the slice.
func (y *end) report() {
	n := y.n
	n.Core.Received(n.w.Now(), y.id, n.w.session, n.w.begin())
	n.finish(wReceived, y.id, nil)
}

// sent tells the core that a message marked for the session was written.
func (x *end) sent(mark uint8, typ uint32) {
	if x.cond != open {
		return
	}
	n := x.n
	n.w.session = append(n.w.session[:0], dialect.Message{Type: typ, For: dialect.For(mark)})
	n.Core.Sent(n.w.Now(), x.id, n.w.session, n.w.begin())
	n.finish(wSent, x.id, nil)
}
