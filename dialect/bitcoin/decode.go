package bitcoin

import (
	"fmt"

	"parley/dialect"
	"parley/dialect/bitcoin/internal/sum"
	"parley/wire"
)

// decoder cuts messages from the stream of one link.
//
// What is malformed does not make it fail: the session must have the chance to
// say so to the peer before the link ends. It gets a message of TypeMalformed,
// and everything that follows is thrown away.
type decoder struct {
	p       *Params
	net     uint32
	lenient bool // pass over what is malformed
	both    bool // what is for the session is for the application too
	watch   bool // the session is told of what may answer a request

	head   header
	sum    uint32 // of the payload that head is about
	next   header // of the message after it, if that was summed too
	nextOf uint32 // the sum
	ahead  bool   // the next call finds the message that next is about

	skip   int  // bytes of a malformed message still to be passed over
	failed bool // nothing more is decoded

	// second is the message whose header has been taken together with the
	// session's copy; its payload is still to be given to the application.
	second dialect.Message
	rest   int

	told uint32 // which answers this batch of bytes has told the session of
	left int    // bytes that the last call left
}

// Next implements [dialect.Decoder].
func (d *decoder) Next(buf []byte) (m dialect.Message, n int, err error) {
	switch {
	case d.failed:
		return m, max(1, len(buf)), nil
	case d.skip > 0:
		n = max(1, min(d.skip, len(buf)))
		d.skip -= min(n, len(buf))
		return m, n, nil
	case d.second.For != 0:
		return d.again(buf)
	case len(buf) < headerSize:
		d.fresh(-1)
		return m, headerSize, nil
	}
	if len(buf) != d.left {
		d.told = 0 // bytes came in since the last call
	}
	if err := d.look(buf); err != nil {
		return d.refuse(err, len(buf))
	}
	h := &d.head
	n = headerSize + h.size
	if len(buf) < n {
		d.fresh(-1)
		return m, n, nil
	}
	payload := buf[headerSize:n:n]
	if err := d.check(payload); err != nil {
		return d.refuse(err, len(buf))
	}
	m = dialect.Message{Type: h.typ, For: app, Body: payload}
	if h.typ == TypeOther {
		m.Body = buf[4:n:n]
	} else {
		m.For = d.audience(h.typ)
	}
	n = d.split(&m, n)
	d.left = len(buf) - n
	return m, n, nil
}

// fresh notes that the next call will see bytes that this one did not.
func (d *decoder) fresh(left int) { d.told, d.left = 0, left }

// look reads the header at the front of buf, and if the payload is there too takes
// its sum: together with that of the message behind it if that has arrived as well,
// since two sums at once hardly take longer than one.
func (d *decoder) look(buf []byte) error {
	if d.ahead {
		d.head, d.sum, d.ahead = d.next, d.nextOf, false
		return nil
	}
	if err := d.head.parse(buf, d.p, d.net); err != nil {
		return err
	}
	n := headerSize + d.head.size
	if len(buf) < n {
		return nil
	}
	payload, behind := buf[headerSize:n], buf[n:]
	if len(behind) < headerSize || d.next.parse(behind, d.p, d.net) != nil || len(behind) < headerSize+d.next.size {
		d.sum = Checksum(payload)
		return nil
	}
	d.ahead = true
	d.sum, d.nextOf = sum.OfTwo(payload, behind[headerSize:headerSize+d.next.size])
	return nil
}

// check looks at what the header could not say.
func (d *decoder) check(payload []byte) error {
	if err := d.head.check(d.sum); err != nil {
		return err
	}
	switch d.head.typ {
	case TypeInv, TypeGetData, TypeNotFound:
		r := wire.NewReader(payload)
		r.CompactCount(commands[d.head.typ].name, d.p.invSize(), MaxInv)
		return r.Err()
	}
	return nil
}

// audience says whom a message concerns. The session needs to know that an answer
// of some kind came, not how many: it is told of the first in each batch of bytes,
// so a stream of transactions does not visit the brain.
func (d *decoder) audience(typ uint32) dialect.For {
	c := &commands[typ]
	if !c.answer || !d.watch || d.told&(1<<typ) != 0 {
		return c.to
	}
	d.told |= 1 << typ
	return c.to | session
}

// split makes a message for the session one for the application too, if that is
// wanted. A session gets no body of a message that is also for the application,
// so one with a body is handed out twice: with its header, and with its payload.
func (d *decoder) split(m *dialect.Message, n int) int {
	if !d.both || m.For != session {
		return n
	}
	if len(m.Body) == 0 {
		m.For = app | session
		return n
	}
	d.second = dialect.Message{Type: m.Type, For: app}
	d.rest = len(m.Body)
	return headerSize
}

// again hands out a message a second time.
func (d *decoder) again(buf []byte) (m dialect.Message, n int, err error) {
	if len(buf) < d.rest {
		return m, d.rest, nil
	}
	m, n = d.second, d.rest
	m.Body = buf[:n:n]
	d.second, d.rest, d.left = dialect.Message{}, 0, len(buf)-n
	return m, n, nil
}

// refuse deals with a malformed message at the front of a buffer of have bytes.
func (d *decoder) refuse(err error, have int) (m dialect.Message, n int, _ error) {
	if d.lenient && d.head.size <= maxPayload {
		d.skip = headerSize + d.head.size
		n = min(d.skip, have)
		d.skip -= n
		return m, n, nil
	}
	d.failed = true
	return dialect.Message{Type: TypeMalformed, For: session, Body: fmt.Append(nil, err)}, have, nil
}
