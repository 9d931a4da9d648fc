package tendermint

import (
	"slices"

	"parley/dialect"
)

const (
	firstPart = 2 << 10 // room for a message when its first packet comes
	maxSpare  = 1 << 20 // the largest body whose memory is used again
	mostSpare = 2 << 20 // bytes of memory that is kept to be used again
	quietFor  = 16      // messages of one packet after which that memory is given up
)

// mux puts messages together out of packets. It belongs to a link's reader.
type mux struct {
	form   form
	table  *table
	packet int // most bytes of data in one packet
	limit  int // most bytes in unfinished messages, on all channels together

	alias bool // the body that was returned last is part of what was parsed

	parts []partial // of each channel in the table
	held  int       // bytes in them

	spare [][]byte // memory for the next messages of several packets, the largest last
	lent  [][]byte // the same, but bodies are still in it
	kept  int      // bytes in both
	free  bool     // no longer: more bytes were asked for since
	quiet int      // messages of one packet in a row
}

// partial is a message whose last packet has not come.
type partial struct {
	buf  []byte
	open bool // some packet has come
	hint int  // how long the last one on this channel was
}

func newMux(f form, t *table, packet, limit int) *mux {
	return &mux{form: f, table: t, packet: packet, limit: limit, parts: make([]partial, len(t.list))}
}

// next takes one packet off the front of b, with the meaning of
// [dialect.Decoder]: if it completes no message, m.For is zero.
func (x *mux) next(b []byte) (m dialect.Message, n int, err error) {
	var p packet
	if x.form == comet && len(b) >= longHead && b[0] >= 0x80 {
		p, n = long(b, x.packet)
	}
	if n == 0 {
		p, n, err = x.form.parse(b, x.packet)
	}
	if err != nil || n > len(b) {
		return m, n, err
	}
	if p.typ > 0xff {
		x.settle()
		return dialect.Message{Type: p.typ, For: dialect.ToSession}, n, nil
	}
	i := x.table.index[p.typ]
	if i < 0 {
		return m, 0, broken("channel %#02x is unknown", p.typ)
	}
	part := &x.parts[i]
	if total, limit := len(part.buf)+len(p.data), x.table.list[i].MaxMessage; total > limit {
		return m, 0, broken("channel %#02x: message: %d bytes, limit %d", p.typ, total, limit)
	}
	body := p.data
	if part.open || !p.last {
		if err := x.add(part, p); err != nil {
			return m, 0, err
		}
		if !p.last {
			return m, n, nil
		}
		body = x.finish(part)
		x.alias = false
	} else {
		x.settle()
		x.alias = true
	}
	m = dialect.Message{Type: p.typ, For: dialect.ToApp, Body: body[:len(body):len(body)]}
	if x.table.pex && p.typ == TypePEX {
		m.For = dialect.ToSession
	}
	return m, n, nil
}

// add appends a packet to an unfinished message. Memory grows with what has
// come: as much again at most, or as much as the last message took.
func (x *mux) add(part *partial, p packet) error {
	if x.held+len(p.data) > x.limit {
		return broken("unfinished messages: %d bytes, limit %d", x.held+len(p.data), x.limit)
	}
	if !part.open {
		part.open = true
		part.buf = x.memory(max(len(p.data), min(part.hint, maxSpare), firstPart))
	}
	x.held += len(p.data)
	part.buf = append(part.buf, p.data...)
	return nil
}

// memory returns room for n bytes: the least that was used before and is large
// enough, or else new.
func (x *mux) memory(n int) []byte {
	if x.free {
		x.reclaim()
	}
	x.quiet = 0
	for i, b := range x.spare {
		if cap(b) >= n {
			x.spare = slices.Delete(x.spare, i, i+1)
			x.kept -= cap(b)
			return b[:0]
		}
	}
	return make([]byte, 0, n)
}

// reclaim takes back memory in which there are no bodies any more.
func (x *mux) reclaim() {
	x.free = false
	for _, b := range x.lent {
		i, _ := slices.BinarySearchFunc(x.spare, cap(b), func(s []byte, n int) int { return cap(s) - n })
		x.spare = slices.Insert(x.spare, i, b)
	}
	clear(x.lent)
	x.lent = x.lent[:0]
}

// finish returns a message and forgets it, but not its memory. If that is more than
// is to be kept, what is spare has turned out to be too small.
func (x *mux) finish(part *partial) []byte {
	if x.free {
		x.reclaim() // before b is lent too
	}
	b := part.buf
	x.held -= len(b)
	*part = partial{hint: len(b)}
	if cap(b) > maxSpare {
		return b
	}
	for x.kept+cap(b) > mostSpare && len(x.spare) > 0 {
		x.kept -= cap(x.spare[0])
		x.spare = slices.Delete(x.spare, 0, 1)
	}
	if x.kept+cap(b) <= mostSpare {
		x.kept += cap(b)
		x.lent = append(x.lent, b)
	}
	return b
}

// asked says that more bytes were asked for: when the next come, nobody holds
// on to the bodies that were returned before.
func (x *mux) asked() { x.free = x.free || len(x.lent) > 0 }

// settle gives up memory that was not needed for some time.
func (x *mux) settle() {
	if x.quiet++; x.quiet >= quietFor {
		x.spare, x.lent, x.kept, x.free, x.quiet = nil, nil, 0, false, 0
	}
}
