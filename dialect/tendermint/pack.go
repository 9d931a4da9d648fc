package tendermint

import (
	"errors"
	"fmt"
	"slices"

	"parley/dialect"
	"parley/dialect/tendermint/internal/lane"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

const (
	idleQueue = 16      // places that a queue keeps when the link is quiet
	busyQueue = 1 << 17 // and until the next ping when it has just run empty: what an outbox of 8 MiB holds
)

var _ dialect.Tracker = (*packer)(nil)

// untagged is the tag of what was put without one.
const untagged = -1

// packer writes packets: of one message after the other with Append, or of all
// channels in turn with Put and Pack, but not of one channel with both at once. It
// belongs to a link's writer.
type packer struct {
	form   form
	table  *table
	packet int            // most bytes of data in one packet
	remote *[256]bool     // the channels that the peer has, or nil for all
	sealer *secret.Sealer // nil if nothing is sealed

	order  *lane.Schedule
	queues []queue // of each channel in the table
	pings  []int   // the tags of pings, to be packed before everything else, like pongs
	pongs  []int
	done   []int // tags of what was packed since Done was called

	dst  []byte // what is appended to, if nothing is sealed
	head []byte // of a packet
}

// queue holds the bodies that wait on one channel.
type queue struct {
	bodies []waiting
	next   int // bodies[:next] are gone
	sent   int // bytes of the next body that are gone
}

// waiting is a body that waits.
type waiting struct {
	body []byte
	tag  int
}

func newPacker(f form, t *table, packet int, remote *[256]bool, s *secret.Sealer) *packer {
	priorities := make([]int, len(t.list))
	for i, c := range t.list {
		priorities[i] = c.Priority
	}
	return &packer{
		form: f, table: t, packet: packet, remote: remote, sealer: s,
		order: lane.New(priorities), queues: make([]queue, len(t.list)),
	}
}

// Append implements [dialect.Encoder].
func (p *packer) Append(dst []byte, m dialect.Message) ([]byte, error) {
	if err := p.check(m); err != nil {
		return dst, err
	}
	p.start(dst)
	if m.Type > 0xff {
		p.head = p.form.appendControl(p.head[:0], m.Type)
		p.write(p.head)
		return p.finish()
	}
	for sent, last := 0, false; !last; {
		var n int
		n, last = p.cut(byte(m.Type), len(m.Body)-sent)
		p.message(byte(m.Type), last, m.Body[sent:sent+n])
		sent += n
	}
	return p.finish()
}

// Put implements [dialect.Packer]. It is an error if the channel is not one of
// ours and of the peer's, or if the message is longer than the channel allows.
func (p *packer) Put(m dialect.Message) error { return p.PutAs(m, untagged) }

// PutAs implements [dialect.Tracker].
func (p *packer) PutAs(m dialect.Message, tag int) error {
	if err := p.check(m); err != nil {
		return err
	}
	switch m.Type {
	case TypePing:
		p.pings = append(p.pings, tag)
		return nil
	case TypePong:
		p.pongs = append(p.pongs, tag)
		return nil
	}
	i := int(p.table.index[m.Type])
	p.queues[i].add(waiting{m.Body, tag})
	p.order.Ready(i)
	return nil
}

// Pack implements [dialect.Packer].
func (p *packer) Pack(dst []byte, max int) (out []byte, more bool, err error) {
	p.start(dst)
	for end := len(dst) + max; p.size() < end; {
		switch {
		case len(p.pongs) > 0:
			p.pongs = p.first(p.pongs)
			p.head = p.form.appendControl(p.head[:0], TypePong)
			p.write(p.head)
		case len(p.pings) > 0:
			p.pings = p.first(p.pings)
			p.trim()
			p.head = p.form.appendControl(p.head[:0], TypePing)
			p.write(p.head)
		case p.order.Any():
			p.packNext()
		default:
			out, err = p.finish()
			return out, false, err
		}
	}
	out, err = p.finish()
	return out, len(p.pings)+len(p.pongs) > 0 || p.order.Any(), err
}

// Done implements [dialect.Tracker].
func (p *packer) Done(tags []int) []int {
	tags = append(tags, p.done...)
	p.done = p.done[:0]
	return tags
}

func (p *packer) finished(tag int) {
	if tag != untagged {
		p.done = append(p.done, tag)
	}
}

// first finishes the first of the tags and returns the others.
func (p *packer) first(tags []int) []int {
	p.finished(tags[0])
	return slices.Delete(tags, 0, 1)
}

// packNext writes the packet whose turn it is.
func (p *packer) packNext() {
	i := p.order.Next()
	q, id := &p.queues[i], p.table.list[i].ID
	rest := q.bodies[q.next].body[q.sent:]
	n, last := p.cut(id, len(rest))
	size := p.message(id, last, rest[:n])
	q.sent += n
	if last {
		p.finished(q.bodies[q.next].tag)
		q.bodies[q.next], q.sent = waiting{}, 0
		q.next++
	}
	more := q.next < len(q.bodies)
	if !more {
		q.reset()
	}
	p.order.Sent(i, size, more)
}

// add appends a body. Before the queue grows it uses the places of those that
// are gone, if they are many.
func (q *queue) add(w waiting) {
	if len(q.bodies) == cap(q.bodies) && q.next > len(q.bodies)/4 {
		n := copy(q.bodies, q.bodies[q.next:])
		clear(q.bodies[n:])
		q.bodies, q.next = q.bodies[:n], 0
	}
	q.bodies = append(q.bodies, w)
}

// reset empties a queue.
func (q *queue) reset() {
	q.next = 0
	if q.bodies = q.bodies[:0]; cap(q.bodies) > busyQueue {
		q.bodies = nil
	}
}

// trim gives back what long queues took, once there are none. It is done with
// every ping, because those come however quiet a link is.
func (p *packer) trim() {
	if p.order.Any() {
		return
	}
	for i := range p.queues {
		if q := &p.queues[i]; cap(q.bodies) > idleQueue {
			q.bodies = nil
		}
	}
}

// cut says how many of n bytes the next packet takes, and whether it is the last.
// The original refuses a full last packet on a channel from 0x80 on, because of
// the byte that the channel takes more; so it gets two.
func (p *packer) cut(id byte, n int) (size int, last bool) {
	if n > p.packet {
		return p.packet, false
	}
	if n == p.packet && id >= 0x80 && p.form == comet {
		return n - 1, false
	}
	return n, true
}

// message writes one packet and returns its size.
func (p *packer) message(id byte, last bool, data []byte) int {
	if p.sealer != nil {
		if b := p.sealer.Room(mostHead + len(data)); b != nil {
			old := len(b)
			b = append(p.form.appendHead(b, id, last, len(data)), data...)
			p.sealer.Took(b)
			return len(b) - old
		}
	}
	p.head = p.form.appendHead(p.head[:0], id, last, len(data))
	p.write(p.head)
	p.write(data)
	return len(p.head) + len(data)
}

// check returns why a message can not be sent.
func (p *packer) check(m dialect.Message) error {
	if m.Type == TypePing || m.Type == TypePong {
		if len(m.Body) > 0 {
			return unsendable("type %#x: %d bytes, want none", m.Type, len(m.Body))
		}
		return nil
	}
	if m.Type > 0xff || p.table.index[m.Type] < 0 {
		return unsendable("channel %#02x is not one of ours", m.Type)
	}
	if p.remote != nil && !p.remote[m.Type] {
		return unsendable("channel %#02x is not one of the peer's", m.Type)
	}
	if limit := p.table.list[p.table.index[m.Type]].MaxMessage; len(m.Body) > limit {
		return unsendable("channel %#02x: message: %d bytes, limit %d", m.Type, len(m.Body), limit)
	}
	return nil
}

func (p *packer) start(dst []byte) {
	if p.sealer != nil {
		p.sealer.Start(dst)
		return
	}
	p.dst = dst
}

func (p *packer) write(b []byte) {
	if p.sealer != nil {
		p.sealer.Write(b)
		return
	}
	p.dst = append(p.dst, b...)
}

// size returns how long what start was given has become.
func (p *packer) size() int {
	if p.sealer != nil {
		return p.sealer.Len()
	}
	return len(p.dst)
}

func (p *packer) finish() (out []byte, err error) {
	if p.sealer != nil {
		return p.sealer.Finish()
	}
	out, p.dst = p.dst, nil
	return out, nil
}

// errUnsendable is in the tree of every error about a message of ours.
var errUnsendable = errors.New("cannot be sent")

func unsendable(format string, args ...any) error {
	return fault.New(fault.Local, "encode", fmt.Errorf("%w: %w", errUnsendable, fmt.Errorf(format, args...)))
}
