package sim

import (
	"parley/addr"
	"parley/core"
	"parley/fault"
)

const (
	dialRefused uint32 = iota
	dialTimeout
)

// The first and the number of the ports that connections are made from, as
// RFC 6335 section 6 leaves them to hosts.
const (
	firstPort = 49152
	ports     = 1 << 14
)

// outside returns the address that others see the node's next connection come
// from.
func (n *Node) outside() addr.Addr {
	p := firstPort + n.made%ports
	n.made++
	return n.Addr().WithPort(p)
}

// dial asks for a connection.
func (n *Node) dial(d core.Dial) {
	w := n.w
	c := w.connect(n, d.Addr)
	x := &c.ends[0]
	x.id, x.cond, x.addr = d.Link, dialing, d.Addr
	n.enter(x)
	n.count.Dials++
	w.count.Dials++
	at := w.now + c.path.travel(w.rand, 0)
	if c.path.Loss > 0 {
		at += c.path.resend(w.rand, 0, synResend)
	}
	c.latest = at
	w.queue.Push(at, evSyn, 0, x.num^1, 0)
}

// syn is the request's arrival where the address leads to.
func (y *end) syn() {
	x := y.peer()
	if x.cond != dialing {
		return
	}
	w := x.n.w
	back := w.now + y.conn.path.travel(w.rand, 0)
	switch t := w.at[x.addr]; {
	case t != nil && (t.state == vanished || w.parted(x.n, t)):
		x.noAnswer()
	case t == nil || t.state == crashed:
		x.later(back, evNoDial, 0, dialRefused)
	default:
		y.join(t)
		x.later(back, evDialed, 0, 0)
	}
}

// noAnswer ends the attempt when the dialer has waited long enough.
func (x *end) noAnswer() {
	limit := x.n.w.DialTimeout
	if limit <= 0 {
		limit = DefaultDialTimeout
	}
	x.later(max(x.conn.born+int64(limit), x.n.w.now), evNoDial, 0, dialTimeout)
}

func (x *end) noDial(why uint32) {
	switch {
	case x.cond != dialing:
	case why == dialTimeout:
		x.fail(fault.New(fault.Timeout, "dial", errNoAnswer))
	default:
		x.fail(fault.New(fault.IO, "dial", errRefused))
	}
}

// stands is the answer's arrival: for the dialer the connection stands, and
// its first word tells the acceptor so.
func (x *end) stands() {
	y := x.peer()
	if x.cond != dialing {
		return
	}
	if x.n.w.parted(x.n, y.n) {
		x.noAnswer()
		return
	}
	y.cond, y.addr = accepting, x.n.outside()
	_, at := x.schedule(0)
	x.n.w.queue.Push(at, evAccept, 0, x.num^1, 0)
	x.begin()
}

// accept is when the connection stands for the acceptor too.
func (y *end) accept() {
	if y.cond != accepting {
		return
	}
	n := y.n
	if n.state != up || n.run != y.run {
		y.cond = over
		y.unknown()
		y.settle()
		return
	}
	id, err := n.Core.Accepted(n.w.Now(), y.addr)
	n.note(wAccepted, id, err)
	n.arm()
	if err != nil {
		y.cond = over
		y.tell(evFin)
		y.settle()
		return
	}
	y.id = id
	n.enter(y)
	y.begin()
}

// Connect makes a connection between two nodes outside all limits but bans,
// through [core.Node.Attached], as if a had dialed b and both had heard of it
// now. It returns the number of the link at a, or why a core would not have
// it. Both nodes must be up.
func (w *World) Connect(a, b *Node) (core.LinkID, error) {
	c := w.connect(a, b.Addr())
	x, y := &c.ends[0], &c.ends[1]
	y.join(b)
	if err := x.attach(b.Addr(), true); err != nil {
		x.cond = over
		x.settle()
		return 0, err
	}
	if err := y.attach(a.outside(), false); err != nil {
		x.doom(fault.New(fault.Refused, "attach", err))
		return 0, err
	}
	y.later(w.now, evOpen, 0, 0)
	x.later(w.now, evOpen, 0, 0)
	return x.id, nil
}

func (x *end) attach(remote addr.Addr, dialing bool) error {
	n := x.n
	id, err := n.Core.Attached(n.w.Now(), remote, dialing)
	n.note(wAttached, id, err)
	n.arm()
	if err == nil {
		x.id, x.addr, x.cond = id, remote, opening
		n.enter(x)
	}
	return err
}
