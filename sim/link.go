package sim

import (
	"errors"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/sim/internal/agenda"
)

// conn is one connection: the dialer's end and the acceptor's. Its place is used
// again once it is over and no event is about it any more.
type conn struct {
	ends    [2]end
	path    Path
	born    int64
	latest  int64 // when the last event about it happens, arrivals aside
	settled bool
	_       [7]byte
}

// condition is where an end is in its life.
type condition uint8

const (
	unborn    condition = iota // the acceptor's, before it hears of the dialer
	dialing                    // the dialer's, until the connection stands
	accepting                  // the acceptor's, from then on
	opening                    // the opening exchange is under way
	open                       // messages pass
	parting                    // the core has forgotten it, but what comes is delivered
	over                       // the node has forgotten it
)

// end is one end of a connection. What a delivery touches comes first and
// fills a line of the processor's cache.
type end struct {
	n       *Node
	id      core.LinkID
	ex      *extra // what only some ends have at some times
	inAt    int64  // last whole message
	inBytes uint64
	inMsgs  uint64
	num     uint32 // names it in events; the other end's differs in the last bit
	other   uint32 // index of the other end's node, once there is one
	codec   uint16 // in World.codecs
	cond    condition
	held    bool // arrivals wait: see extra.wait
	mending bool // and will go on when evDrain happens, not before
	told    bool // the other end knows, or will, that this one is over
	lost    bool // something arrived while the machine was gone
	plain   bool // nothing about path or codec makes a write anything but a delay

	conn   *conn
	dec    dialect.Decoder
	enc    dialect.Encoder
	addr   addr.Addr // the other end, as dialed or as accepted
	free   int64     // when the path is free again
	port   uint32    // in Node.ports
	run    uint32    // of the node that the end belongs to
	always bool
	dialed bool
	_      [22]byte
}

// port is the outbound half of an end. A node has its ports side by side, so
// that a broadcast touches little memory.
type port struct {
	x     *end
	id    core.LinkID
	delay int64
	last  int64 // when what was written last arrives: later writes do not overtake it
	at    int64 // last write
	bytes uint64
	msgs  uint64
	to    uint32 // names the other end in events
	codec uint16
	live  bool // in Node.live
	fast  bool // open, plain, and nothing in the way but what World.trouble tells of
}

// extra is what an end needs while it is not simply open and idle.
type extra struct {
	opening  *coro
	buf      []byte // received, not yet decoded
	need     int    // bytes that the message at the front of buf takes, as far as is known
	wait     []late // arrived, but not yet read
	out      []queued
	waiting  int  // bytes in out, and what each message costs besides
	pumping  bool // an evPump is due
	stuck    bool // the other side must read before more is written
	draining bool // over, but for what is in out
	last     bool // while parting: the other end ends its half first
	heard    bool // while parting: the other end has ended its half
	doomed   error
	pack     *packing
}

// late is an arrival that waits.
type late struct {
	k kind
	b uint32
}

var (
	errReset    = errors.New("connection reset by peer")
	errRefused  = errors.New("connection refused")
	errNoAnswer = errors.New("no answer to the connection request")
	errEarly    = errors.New("message before the opening exchange is over")
)

// conns holds connections by number, in pieces that do not move.
type conns struct {
	pieces []*[pieceConns]conn
	made   uint32
	spare  []uint32
}

const pieceConns = 128

func (cs *conns) get(i uint32) *conn { return &cs.pieces[i/pieceConns][i%pieceConns] }

// add returns the number of an unused connection.
func (cs *conns) add() uint32 {
	if k := len(cs.spare); k > 0 {
		i := cs.spare[k-1]
		cs.spare = cs.spare[:k-1]
		return i
	}
	if cs.made >= maxConns {
		panic("sim: too many connections for one world")
	}
	if cs.made%pieceConns == 0 {
		cs.pieces = append(cs.pieces, new([pieceConns]conn))
	}
	cs.made++
	return cs.made - 1
}

// connect makes a connection without life from a node.
func (w *World) connect(n *Node, to addr.Addr) *conn {
	path := w.Path
	if path == nil {
		path = wide
	}
	i := w.conns.add()
	c := w.conns.get(i)
	c.born, c.path = w.now, path(w.rand, n.Addr(), to)
	c.path.Delay = max(c.path.Delay, 0)
	for k := range c.ends {
		c.ends[k].conn, c.ends[k].num = c, i<<1|uint32(k)
	}
	c.ends[0].join(n)
	return c
}

// join makes an end a node's.
func (x *end) join(n *Node) {
	x.n, x.run, x.peer().other = n, n.run, n.index
	if k := len(n.idle); k > 0 {
		x.port, n.idle = n.idle[k-1], n.idle[:k-1]
	} else {
		x.port = uint32(len(n.ports))
		n.ports = append(n.ports, port{})
	}
	*x.out() = port{x: x, delay: int64(x.conn.path.Delay), to: x.num ^ 1}
}

// dialer reports whether the connection was made from this end.
func (x *end) dialer() bool { return x.num&1 == 0 }

func (x *end) peer() *end { return &x.conn.ends[x.num&1^1] }

// out returns the outbound half, for use before the node's next connection.
func (x *end) out() *port { return &x.n.ports[x.port] }

// later makes an event about x.
func (x *end) later(at int64, k kind, arg uint8, b uint32) {
	x.conn.latest = max(x.conn.latest, at)
	x.n.w.queue.Push(at, k, arg, x.num, b)
}

// more returns the extra fields, which it makes if there are none.
func (x *end) more() *extra {
	if x.ex == nil {
		x.ex = new(extra)
		x.out().fast = false
	}
	return x.ex
}

// happen carries out an event that concerns one end and is no arrival.
func (x *end) happen(e *agenda.Event) {
	switch e.Kind() {
	case evSyn:
		x.syn()
	case evDialed:
		x.stands()
	case evNoDial:
		x.noDial(e.B)
	case evOpen:
		x.begin()
	case evLate:
		if x.cond == opening {
			x.fail(fault.New(fault.Timeout, "open", errSlow))
		}
	case evFail:
		if x.cond != over {
			x.fail(x.ex.doomed)
		}
	case evPump:
		if x.ex != nil {
			x.ex.pumping = false
			x.pump()
		}
	case evFlush:
		x.giveUp()
	case evSent:
		x.sent(e.Arg(), e.B)
	case evDrain:
		x.mending = false
		x.drain()
	case evFree:
		x.conn.release()
	}
}

// fail ends the link for a reason that did not come from the core, and tells
// the core.
func (x *end) fail(why error) {
	switch x.cond {
	case over:
		return
	case parting:
		x.giveUp()
		return
	}
	x.bury()
	x.tell(evFin)
	x.settle()
	n := x.n
	n.Core.Closed(n.w.Now(), x.id, why, n.w.begin())
	n.finish(wClosed, x.id, why)
}

// doom has fail happen as a step of its own, because effects are being carried
// out or a list of links is being walked.
func (x *end) doom(why error) {
	ex := x.more()
	if ex.doomed == nil && x.cond != over {
		ex.doomed = why
		x.later(x.n.w.now, evFail, 0, 0)
	}
}

// shut ends a link that the core has forgotten, after what is queued has gone
// out if flush is set.
func (x *end) shut(c core.Close) {
	if x.cond == open && c.Hear {
		x.part(c.Last)
		return
	}
	if x.cond == open && c.Flush && x.ex != nil && x.ex.busy() {
		x.n.leave(x)
		x.n.ended()
		x.unwait()
		x.cond, x.ex.draining = over, true
		x.later(x.n.w.now+int64(flushTimeout), evFlush, 0, 0)
		return
	}
	x.bury()
	x.tell(evFin)
	x.settle()
}

// giveUp ends a link whose outbox has not drained in time, or whose peer has
// not ended its half.
func (x *end) giveUp() {
	x.parted()
	if x.ex != nil && x.ex.draining {
		x.n.discard(x.ex)
		x.drained()
	}
}

// drained tells the other end of a link that is over that nothing more comes.
func (x *end) drained() {
	if x.cond == parting {
		if !x.ex.last || x.ex.heard {
			x.tell(evFin)
		}
		if !x.ex.heard {
			return
		}
		x.parted()
	}
	x.unwait()
	x.ex = nil
	x.tell(evFin)
	x.settle()
}

// bury makes an end be over, for itself and for its node's tables.
func (x *end) bury() {
	x.n.leave(x)
	x.n.ended()
	x.cond = over
	x.out().fast = false
	x.hush()
	if x.ex != nil {
		x.n.discard(x.ex)
	}
	x.unwait()
	x.ex = nil
}

func (n *Node) ended() {
	n.count.Ended++
	n.w.count.Ended++
}

// hush stops the opening exchange, if one is under way.
func (x *end) hush() {
	if x.ex != nil && x.ex.opening != nil {
		x.ex.opening.kill()
	}
}

// tell lets the other end know that this one is over, unless the machine is
// gone with it.
func (x *end) tell(k kind) {
	if p := x.peer(); !x.told && p.cond != over && p.cond != unborn && x.n.state != vanished {
		x.told = true
		_, at := x.schedule(0)
		x.n.w.queue.Push(at, k, 0, x.num^1, 0)
	}
}

// settle ends the connection once neither end needs it: its place is free when
// the last event about it has happened.
func (x *end) settle() {
	c := x.conn
	if c.settled {
		return
	}
	t := max(c.latest, x.n.w.now)
	for i := range c.ends {
		e := &c.ends[i]
		if e.cond == unborn {
			continue
		}
		if e.cond != over || e.ex != nil && e.ex.draining {
			return
		}
		t = max(t, e.out().last)
	}
	c.settled = true
	for i := range c.ends {
		c.ends[i].unwait()
	}
	x.later(t, evFree, 0, 0)
}

// release makes room for another connection.
func (c *conn) release() {
	num := c.ends[0].num >> 1
	w := c.ends[0].n.w
	for i := range c.ends {
		if x := &c.ends[i]; x.n != nil {
			*x.out() = port{}
			x.n.idle = append(x.n.idle, x.port)
		}
	}
	*c = conn{}
	w.conns.spare = append(w.conns.spare, num)
}

// unwait forgets what has arrived and was not read.
func (x *end) unwait() {
	if !x.held {
		return
	}
	for _, l := range x.ex.wait {
		if l.k == evDeliver {
			x.n.w.parcels.drop(l.b)
		}
	}
	x.ex.wait, x.held = nil, false
}
