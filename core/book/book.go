// Package book remembers where peers can be dialed. It is bounded in every
// direction: in all, per network neighborhood, and per teller, so that nobody
// can fill it with inventions; and it knows at any time, without searching,
// which address to try next and which one to give up for a better one.
//
// A [Book] is not safe for concurrent use; it belongs to the brain of a node.
package book

import (
	"time"

	"parley/addr"
	"parley/internal/heapq"
)

// Limits bounds a book. Every field must be positive.
type Limits struct {
	Size      int // addresses in all
	PerGroup  int // addresses of one group; unlimited for those that are not routable
	PerSource int // unproven addresses told by one source
	Spread    int // addresses of one group that may be dialed at once; unlimited for those that are not routable
}

// Record is one address as it is saved.
type Record struct {
	Addr   addr.Addr
	Seen   time.Time // when a link to it last worked, or the zero time
	Tries  int       // failed attempts since
	Anchor bool      // to be dialed before others
}

// Book is a bounded set of addresses. Each is ready to be dialed, waiting for
// its time, or held: dialed, or otherwise in use.
type Book struct {
	lim     Limits
	entries map[addr.Addr]*entry
	all     []*entry // in no particular, but reproducible order
	groups  map[groupKey]*group
	used    map[groupKey]int // links dialed into a group
	sources map[addr.Addr]*source
	tiers   [tiers]tier
	waiting heapq.Queue[*entry] // by the end of the wait
	worst   heapq.Queue[*entry] // what is not held, by what to give up first
	proven  []*entry            // those that worked when last tried
	seq     uint64
	fresh   int // untried addresses in groups that may be dialed, or being tried
	more    bool
	untrim  int // entries before this place may be over a lowered limit
}

// New returns an empty book.
func New(lim Limits) *Book {
	return &Book{
		lim:     lim,
		entries: map[addr.Addr]*entry{},
		groups:  map[groupKey]*group{},
		used:    map[groupKey]int{},
		sources: map[addr.Addr]*source{},
		waiting: heapq.New(soonest, func(e *entry) *int { return &e.waitPos }),
		worst:   heapq.New(worse, func(e *entry) *int { return &e.worstPos }),
	}
}

// Len returns how many addresses the book holds.
func (b *Book) Len() int { return len(b.all) }

// Fresh returns how many addresses that never worked nor failed could be
// dialed now or later, as far as their group allows, or are being tried.
func (b *Book) Fresh() int { return b.fresh }

// Add adds an address told by a source, which is the zero address for the
// operator. It reports whether the book changed. When a limit is hit, the
// worst address gives way: that with the most failed attempts, then the one
// known the longest. What the operator told outlasts what peers told, and what
// worked outlasts both; an address that could only displace a better kind is
// not added.
func (b *Book) Add(a, from addr.Addr) bool {
	return b.add(Record{Addr: a}, from, from.IsZero())
}

// Restore adds what an earlier run saved about an address, unless something
// is known about it already. It reports whether the book changed.
func (b *Book) Restore(r Record) bool {
	e := b.entries[r.Addr]
	switch {
	case e == nil:
		if !b.add(r, addr.Addr{}, false) {
			return false
		}
	case e.state == held || !e.untried():
		return false
	default:
		b.leave(e)
		e.seen, e.tries, e.anchor = r.Seen, r.Tries, r.Anchor
		b.setProven(e)
		b.worst.Put(e)
		b.enter(e, e.state)
	}
	if r.Anchor {
		b.Soon(r.Addr)
	}
	return true
}

func (b *Book) add(r Record, from addr.Addr, operator bool) bool {
	if e := b.entries[r.Addr]; e != nil {
		if operator && !e.operator {
			b.adopt(e)
			return true
		}
		return false
	}
	b.seq++
	e := &entry{addr: r.Addr, seen: r.Seen, tries: r.Tries, anchor: r.Anchor, operator: operator, seq: b.seq}
	if !b.makeRoom(e, from) {
		return false
	}
	b.insert(e, from)
	return true
}

// adopt makes an address that peers told one that the operator told.
func (b *Book) adopt(e *entry) {
	b.leaveSource(e)
	e.operator = true
	if e.state != held {
		b.worst.Put(e)
	}
}

// makeRoom gives up the addresses that e displaces, or reports that e may
// displace none.
func (b *Book) makeRoom(e *entry, from addr.Addr) bool {
	var out [3]*entry
	if s := b.sources[from]; s != nil && len(s.all) >= b.lim.PerSource {
		if out[0] = worstOf(s.all); out[0] == nil {
			return false
		}
	}
	k := keyOf(e.addr)
	if g := b.groups[k]; g != nil && !k.local && len(g.all) >= b.lim.PerGroup && (out[0] == nil || out[0].group != g) {
		if out[1] = worstOf(g.all); out[1] == nil || worse(e, out[1]) {
			return false
		}
	}
	if len(b.all) >= b.lim.Size && out[0] == nil && out[1] == nil {
		w, ok := b.worst.First()
		if !ok || worse(e, w) {
			return false
		}
		out[2] = w
	}
	for _, x := range out {
		if x != nil {
			b.remove(x)
		}
	}
	return true
}

// Remove forgets an address, unless it is held.
func (b *Book) Remove(a addr.Addr) bool {
	e := b.entries[a]
	if e == nil || e.state == held {
		return false
	}
	b.remove(e)
	return true
}

// Page appends up to limit addresses as they should be saved: those before a
// place, which is Len for the first page. It returns the place for the next one,
// zero after the last. The order is reproducible, and otherwise without meaning.
// When the book changes between pages, an address may be in two of them, but
// none that stays is missing: an entry only ever moves to a lower place.
func (b *Book) Page(dst []Record, before, limit int) ([]Record, int) {
	before = min(before, len(b.all))
	from := max(before-limit, 0)
	for _, e := range b.all[from:before] {
		dst = append(dst, Record{Addr: e.addr, Seen: e.seen, Tries: e.tries, Anchor: e.anchor})
	}
	return dst, from
}
