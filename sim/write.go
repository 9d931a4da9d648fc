package sim

import (
	"bytes"
	"errors"

	"parley/dialect"
	"parley/fault"
)

// queued is a message in an outbox.
type queued struct {
	m     dialect.Message
	rules bool // the dialect's rules sent it
}

func (q *queued) cost() int { return len(q.m.Body) + perMessage }

var errFull = errors.New("outbox is full")

// queue writes m now if the path is free, or puts it into the outbox. It
// reports whether m was taken. The links of one broadcast share s.
func (x *end) queue(m dialect.Message, rules bool, s *sharing) bool {
	w := x.n.w
	if x.cond != open {
		return false
	}
	if x.ex == nil && x.free <= w.now && (w.trouble == 0 || !x.blocked()) {
		x.transmit(m, rules, s)
		return true
	}
	return x.enqueue(queued{m, rules})
}

// enqueue puts q into the outbox, as the node's policy has it.
func (x *end) enqueue(q queued) bool {
	n, ex := x.n, x.more()
	if ex.doomed != nil {
		return false
	}
	if n.spec.Full == DropOldest {
		for len(ex.out) > 0 && !x.fits(q.cost()) {
			ex.waiting -= ex.out[0].cost()
			ex.out[0] = queued{}
			ex.out = ex.out[1:]
			n.refused(1)
		}
	}
	if !x.fits(q.cost()) {
		n.refused(1)
		if n.spec.Full == Disconnect {
			x.doom(fault.New(fault.Timeout, "write", errFull))
		}
		return false
	}
	if q.m.Lent {
		q.m = q.m.Clone()
	}
	ex.out = append(ex.out, q)
	ex.waiting += q.cost()
	x.pump()
	return true
}

// fits reports whether the outbox has room for n bytes: it takes up to its
// limit, or one message if that is larger.
func (x *end) fits(n int) bool {
	return x.ex.waiting+n <= x.n.spec.Outbox || x.ex.waiting == 0
}

func (n *Node) refused(k int) {
	n.count.Refused += uint64(k)
	n.w.count.Refused += uint64(k)
}

// discard forgets what is in an outbox.
func (n *Node) discard(ex *extra) {
	n.refused(len(ex.out))
	ex.out, ex.waiting, ex.draining = nil, 0, false
}

// pump is the writer: it writes until the outbox is empty, the path is busy,
// or the other side has to read first.
func (x *end) pump() {
	w, ex := x.n.w, x.ex
	if ex == nil || ex.pumping || x.cond != open && !ex.draining {
		return
	}
	if ex.draining && (x.n.state != up || x.n.run != x.run) {
		x.giveUp() // the program that was to drain it is gone
		return
	}
	for ex.busy() {
		if x.free > w.now {
			ex.pumping = true
			x.later(x.free, evPump, 0, 0)
			return
		}
		if w.trouble != 0 && x.blocked() {
			ex.stuck = true
			return
		}
		if ex.pack != nil {
			x.pack()
		} else {
			q := x.shift()
			x.transmit(q.m, q.rules, nil)
		}
		if ex.doomed != nil {
			return
		}
	}
	if ex.draining {
		x.drained()
		return
	}
	x.slim()
}

// busy reports whether something waits to be written.
func (ex *extra) busy() bool {
	return len(ex.out) > 0 || ex.pack != nil && ex.pack.more
}

// shift takes the first message out of the outbox.
func (x *end) shift() queued {
	ex := x.ex
	q := ex.out[0]
	ex.waiting -= q.cost()
	ex.out[0] = queued{}
	if ex.out = ex.out[1:]; len(ex.out) == 0 {
		ex.out = nil
	}
	return q
}

// slim gives back what an idle link does not need.
func (x *end) slim() {
	ex := x.ex
	if ex != nil && ex.opening == nil && len(ex.buf) == 0 && !x.held && len(ex.out) == 0 &&
		!ex.pumping && !ex.draining && ex.doomed == nil && ex.pack == nil {
		x.ex = nil
		x.out().fast = x.cond == open && x.plain
	}
}

// blocked reports whether the writer has to wait for the other side to read.
func (x *end) blocked() bool {
	y := x.peer()
	return x.out().bytes-y.inBytes >= Window &&
		(y.held || y.n.stall != 0 || y.n.state == vanished || x.n.w.parted(x.n, y.n))
}

// transmit puts one message on the path.
func (x *end) transmit(m dialect.Message, rules bool, s *sharing) {
	i, size, err := x.load(m, rules, s)
	if err != nil {
		x.doom(fault.New(fault.Local, "encode", err))
		return
	}
	x.out().msgs++
	x.n.sent(1, 0)
	done := x.post(i, size)
	if m.For&dialect.ToSession != 0 {
		x.later(done, evSent, uint8(m.For), m.Type)
	}
}

// load makes a parcel of a message, or uses that of another link.
func (x *end) load(m dialect.Message, rules bool, s *sharing) (uint32, int, error) {
	ps := &x.n.w.parcels
	if s != nil && s.ok && s.codec == x.codec {
		ps.get(s.parcel).refs++
		return s.parcel, s.size, nil
	}
	i, share := none, true
	if !rules {
		i = x.n.w.value(x.codec, &m)
	}
	if i == none {
		var err error
		if i, err = x.encode(m, rules); err != nil {
			return 0, 0, err
		}
		share = x.n.w.codecs.all[x.codec].shared
	}
	if share && s != nil {
		s.share(x.codec, i)
	}
	return i, ps.get(i).size, nil
}

// encode makes a parcel of a message's bytes.
func (x *end) encode(m dialect.Message, rules bool) (uint32, error) {
	w := x.n.w
	p, i := w.parcels.add()
	var err error
	if p.data, err = x.enc.Append(p.data, m); err != nil {
		w.parcels.drop(i)
		return none, err
	}
	p.size, p.sent, p.codec = len(p.data), m.Type, x.codec
	p.learn = w.Mode == Messages && !rules
	return i, nil
}

// value makes a parcel of a message that passes as a value, or takes that under
// delivery if the message is passed on as it is. It returns none if the message
// has to go through the codec.
func (w *World) value(codec uint16, m *dialect.Message) uint32 {
	if w.Mode != Messages {
		return none
	}
	if w.passing != none && len(m.Body) > 0 {
		p := w.parcels.get(w.passing)
		if p.codec == codec && p.sent == m.Type && len(p.msg.Body) == len(m.Body) && &p.msg.Body[0] == &m.Body[0] {
			p.refs++
			return w.passing
		}
	}
	k, ok := w.codecs.lookup(codec, m.Type)
	if !ok {
		return none
	}
	p, i := w.parcels.add()
	p.msg = dialect.Message{Type: k.got, For: k.to, Body: m.Body}
	if m.Lent {
		p.msg.Body = bytes.Clone(m.Body)
	}
	p.value, p.size = true, len(m.Body)+valueFrame
	p.codec, p.sent = codec, m.Type
	return i
}

// write puts bytes that are no message on the path: the opening exchange, and
// what a stateful encoding needs said at its start.
func (x *end) write(b []byte) {
	p, i := x.n.w.parcels.add()
	p.data = append(p.data, b...)
	p.size = len(b)
	x.post(i, p.size)
}

// post sends a parcel on its way. It returns when the last byte is written.
func (x *end) post(i uint32, size int) (done int64) {
	w, out := x.n.w, x.out()
	out.bytes += uint64(size)
	out.at = w.now
	x.n.sent(0, size)
	done, at := x.schedule(size)
	if p := &x.conn.path; p.Drop > 0 && w.parcels.get(i).value && w.rand.Float64() < p.Drop {
		x.n.count.Dropped++
		w.count.Dropped++
		x.peer().inBytes += uint64(size) // nobody waits for them
		w.parcels.drop(i)
		return done
	}
	w.queue.Push(at, evDeliver, 0, x.num^1, i)
	return done
}

// schedule says when size bytes are written if they are next, and when they
// arrive.
func (x *end) schedule(size int) (done, at int64) {
	w := x.n.w
	p, out := &x.conn.path, x.out()
	done = max(w.now, x.free) + p.writing(size)
	x.free = done
	out.last = max(out.last, done+p.travel(w.rand, size))
	return done, out.last
}

// packing is the state of a writer whose encoder chooses what goes out next.
type packing struct {
	inside int               // bytes put and not yet packed, as far as is known
	more   bool              // the packer has something to write
	marked []dialect.Message // put, marked for the session, and not known to be written
}

var errIdle = errors.New("packer packed nothing and has more")

const (
	packSize = 16 << 10 // bytes to ask a packer for at once
	packMost = 64 << 10 // bytes a packer may hold before the outbox waits
)

// pack hands the outbox to the packer and writes what that chooses to.
func (x *end) pack() {
	w, ex := x.n.w, x.ex
	p, packer := ex.pack, x.enc.(dialect.Packer)
	for len(ex.out) > 0 && (p.inside < packMost || !p.more) {
		m := x.shift().m
		if err := packer.Put(m); err != nil {
			x.doom(fault.New(fault.Local, "encode", err))
			return
		}
		p.inside += len(m.Body)
		p.more = true
		x.out().msgs++
		x.n.sent(1, 0)
		if m.For&dialect.ToSession != 0 {
			p.marked = append(p.marked, dialect.Message{Type: m.Type, For: m.For})
		}
	}
	c, i := w.parcels.add()
	var err error
	if c.data, p.more, err = packer.Pack(c.data, packSize); err != nil {
		w.parcels.drop(i)
		x.doom(fault.New(fault.Local, "encode", err))
		return
	}
	c.size = len(c.data)
	p.inside = max(p.inside-c.size, 0)
	done := w.now
	if c.size > 0 {
		done = x.post(i, c.size)
	} else {
		w.parcels.drop(i)
		if p.more {
			x.doom(fault.New(fault.Local, "encode", errIdle))
			return
		}
	}
	if !p.more {
		p.inside = 0
		for _, m := range p.marked {
			x.later(done, evSent, uint8(m.For), m.Type)
		}
		p.marked = p.marked[:0]
	}
}
