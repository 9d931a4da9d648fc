package factom

import (
	"cmp"
	"slices"

	"parley/dialect/factom/gobwire"
)

// Limits on messages that are being put together on one link. The nodes of
// factomd 6.6 cut messages at a gigabyte, so none is cut in practice; what came
// before them cut at a thousand bytes.
const (
	maxWholes = 16      // messages at once
	maxParts  = 4096    // parts of a message
	maxHash   = 128     // bytes of a message's hash; 64 in practice
	partCost  = 64      // bytes of memory a part takes beside its body
	maxKept   = 2 << 20 // bytes of a message in parts, and of all that wait on one link
)

// parts puts messages together that an old node cut, one table a link. A part
// is known by its message's hash and its number. When there is no room for a new
// part, the message that waited longest for one is forgotten: there is no clock
// to tell how long it did.
type parts struct {
	limit  int      // bytes of one message
	bytes  int      // kept in all, with their cost
	wholes []*whole // in the order of their last parts
}

// whole is a message of which some parts are missing.
type whole struct {
	hash  string
	total uint16
	size  int
	parts []part // by number
}

type part struct {
	no   uint16
	body []byte
}

func newParts(limit int) parts { return parts{limit: limit} }

// add keeps a copy of a part and returns the message if that was the last one
// missing. Parts that contradict the first one seen of their message are ignored,
// and of two with one number the later is kept, as in factomd 6.6.
func (p *parts) add(h *gobwire.Header, body []byte) ([]byte, error) {
	if h.PartsTotal > maxParts {
		return nil, protocol("message of %d parts, limit %d", h.PartsTotal, maxParts)
	}
	if len(h.AppHash) > maxHash {
		return nil, protocol("message hash of %d bytes, limit %d", len(h.AppHash), maxHash)
	}
	if h.PartNo >= h.PartsTotal {
		return nil, nil
	}
	w := p.touch(h)
	if w.total != h.PartsTotal {
		return nil, nil
	}
	at, found := slices.BinarySearchFunc(w.parts, h.PartNo, func(q part, no uint16) int { return cmp.Compare(q.no, no) })
	if found {
		p.bytes -= len(w.parts[at].body)
		w.size -= len(w.parts[at].body)
		w.parts[at].body = slices.Clone(body)
	} else {
		p.bytes += partCost
		w.parts = slices.Insert(w.parts, at, part{h.PartNo, slices.Clone(body)})
	}
	p.bytes += len(body)
	w.size += len(body)
	if w.size > p.limit {
		return nil, overLimit(uint64(w.size), p.limit)
	}
	if len(w.parts) == int(w.total) {
		return p.join(w)
	}
	for len(p.wholes) > maxWholes || p.bytes > p.limit+maxParts*partCost {
		p.forget(p.wholes[0])
	}
	return nil, nil
}

// touch returns the message a part belongs to and makes it the last in order.
func (p *parts) touch(h *gobwire.Header) *whole {
	i := slices.IndexFunc(p.wholes, func(w *whole) bool { return w.hash == string(h.AppHash) })
	if i < 0 {
		p.wholes = append(p.wholes, &whole{hash: string(h.AppHash), total: h.PartsTotal})
		return p.wholes[len(p.wholes)-1]
	}
	w := p.wholes[i]
	p.wholes = append(slices.Delete(p.wholes, i, i+1), w)
	return w
}

func (p *parts) forget(w *whole) {
	p.bytes -= w.size + len(w.parts)*partCost
	p.wholes = slices.DeleteFunc(p.wholes, func(v *whole) bool { return v == w })
}

func (p *parts) join(w *whole) ([]byte, error) {
	p.forget(w)
	if w.size == 0 {
		return nil, protocol("message in parts without payload")
	}
	body := make([]byte, 0, w.size)
	for _, q := range w.parts {
		body = append(body, q.body...)
	}
	return body, nil
}
