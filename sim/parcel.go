package sim

import "parley/dialect"

// parcel is what is under way on one or more connections: bytes, or a message
// that passes as a value.
type parcel struct {
	msg   dialect.Message // the value
	data  []byte          // if it is none
	size  int
	refs  int32
	sent  uint32 // the type it was sent with, if value or learn
	codec uint16 // and how
	value bool
	learn bool // what the decoder makes of that type is not known yet
}

// parcels holds parcels by number, so that events need no pointer.
type parcels struct {
	all  []parcel
	free []uint32
}

const keepParcel = 4 << 10 // bytes of memory that a free parcel may keep

// add returns an empty parcel with its number and one reference.
func (ps *parcels) add() (*parcel, uint32) {
	if n := len(ps.free); n > 0 {
		i := ps.free[n-1]
		ps.free = ps.free[:n-1]
		p := &ps.all[i]
		p.refs = 1
		return p, i
	}
	ps.all = append(ps.all, parcel{refs: 1})
	return &ps.all[len(ps.all)-1], uint32(len(ps.all) - 1)
}

// get returns a parcel, for use before the next add.
func (ps *parcels) get(i uint32) *parcel { return &ps.all[i] }

// drop gives back a reference.
func (ps *parcels) drop(i uint32) {
	p := &ps.all[i]
	if p.refs--; p.refs > 0 {
		return
	}
	data := p.data[:0]
	if cap(data) > keepParcel {
		data = nil
	}
	*p = parcel{data: data}
	ps.free = append(ps.free, i)
}

// none is the number of no parcel.
const none = ^uint32(0)

// sharing lets the links of one broadcast share a parcel, and counts what went
// the fast way.
type sharing struct {
	n      *Node
	ok     bool // there is a parcel to share
	codec  uint16
	parcel uint32
	size   int
	refs   int // that the parcel gets when done
}

// queue does what the queue of an end does, in less time where that is easy:
// nothing is in the way, and another link has made the parcel.
func (s *sharing) queue(p *port, m *dialect.Message) bool {
	w := s.n.w
	if !p.fast || w.trouble != 0 || m.For&dialect.ToSession != 0 {
		return p.x.queue(*m, false, s)
	}
	if !s.ok || s.codec != p.codec {
		i := w.value(p.codec, m)
		if i == none {
			return p.x.queue(*m, false, s)
		}
		s.share(p.codec, i)
		w.parcels.drop(i) // leaves the reference that sharing holds
	}
	p.msgs++
	p.bytes += uint64(s.size)
	p.at = w.now
	p.last = max(p.last, w.now+p.delay)
	w.queue.Push(p.last, evDeliver, 0, p.to, s.parcel)
	s.refs++
	return true
}

// share makes a parcel the one to share.
func (s *sharing) share(codec uint16, i uint32) {
	s.done()
	p := s.n.w.parcels.get(i)
	p.refs++
	s.ok, s.codec, s.parcel, s.size = true, codec, i, p.size
}

// done settles the references to the parcel, and the counters.
func (s *sharing) done() {
	if !s.ok {
		return
	}
	ps := &s.n.w.parcels
	ps.get(s.parcel).refs += int32(s.refs)
	ps.drop(s.parcel)
	s.n.sent(s.refs, s.refs*s.size)
	s.ok, s.refs = false, 0
}

// sent counts messages and bytes that were written.
func (n *Node) sent(msgs, size int) {
	n.count.Messages += uint64(msgs)
	n.count.Bytes += uint64(size)
	n.w.count.Messages += uint64(msgs)
	n.w.count.Bytes += uint64(size)
}

// codecs names encodings by small numbers, and remembers what decoders make of
// the types of messages.
type codecs struct {
	byKey map[codecKey]uint16
	all   []codec
}

type codecKey struct {
	dialect string
	version uint32
	shared  string
}

type codec struct {
	shared bool // links of one node produce the same bytes
	known  []meaning
}

// meaning is what a decoder makes of a type of message.
type meaning struct {
	sent, got uint32
	to        dialect.For
}

func (cs *codecs) intern(name string, l *dialect.Link) uint16 {
	k := codecKey{name, l.Intro.Version, l.Shared}
	i, ok := cs.byKey[k]
	if !ok {
		if cs.byKey == nil {
			cs.byKey = map[codecKey]uint16{}
		}
		i = uint16(len(cs.all))
		cs.byKey[k] = i
		cs.all = append(cs.all, codec{shared: l.Shared != ""})
	}
	return i
}

// lookup returns what a type of message means, if that is known.
func (cs *codecs) lookup(c uint16, t uint32) (meaning, bool) {
	for _, m := range cs.all[c].known {
		if m.sent == t {
			return m, true
		}
	}
	return meaning{}, false
}

const maxKnown = 256 // types of messages remembered for an encoding

// learn remembers that the message sent of type t was decoded as m.
func (cs *codecs) learn(c uint16, t uint32, m dialect.Message) {
	if _, ok := cs.lookup(c, t); !ok && len(cs.all[c].known) < maxKnown {
		cs.all[c].known = append(cs.all[c].known, meaning{t, m.Type, m.For})
	}
}
