package book

import (
	"math/rand/v2"
	"time"

	"parley/addr"
)

// Hold keeps an address from being dialed and given up, because a link leads
// there that was not dialed from this book. It reports whether the address is
// in the book and was not held before.
func (b *Book) Hold(a addr.Addr) bool {
	e := b.entries[a]
	if e == nil || e.state == held {
		return false
	}
	b.leave(e)
	e.taken, e.soon = false, false
	b.enter(e, held)
	return true
}

// Release ends the use of a held address. It counts as failed that many times
// in a row, and is not dialed before until.
func (b *Book) Release(a addr.Addr, tries int, until time.Time) {
	e := b.entries[a]
	if e == nil || e.state != held {
		return
	}
	b.leave(e)
	e.taken, e.until, e.tries = false, until, tries
	b.setProven(e)
	b.worst.Put(e)
	b.enter(e, waiting)
	b.shrink(e)
}

// shrink gives up an address if there is one too many of the kind of e, which
// was in use when a limit was lowered.
func (b *Book) shrink(e *entry) {
	g, s := e.group, e.source
	switch {
	case !g.local && len(g.all) > b.lim.PerGroup:
		b.remove(worstOf(g.all))
	case s != nil && len(s.all) > b.lim.PerSource:
		b.remove(worstOf(s.all))
	case len(b.all) > b.lim.Size:
		w, _ := b.worst.First()
		b.remove(w)
	}
}

// Tries returns how often an address failed in a row.
func (b *Book) Tries(a addr.Addr) int {
	if e := b.entries[a]; e != nil {
		return e.tries
	}
	return 0
}

// Worked notes that a link to a held address has opened, or is still good.
func (b *Book) Worked(now time.Time, a addr.Addr) {
	e := b.entries[a]
	if e == nil || e.state != held {
		return
	}
	b.countFresh(e, -1)
	e.seen, e.tries = now, 0
	b.countFresh(e, 1)
	b.leaveSource(e)
	b.setProven(e)
}

// Leads notes whom an address led to. The caller bounds the length of
// identities.
func (b *Book) Leads(a addr.Addr, id string) {
	if e := b.entries[a]; e != nil {
		e.id = id
	}
}

// Identity returns whom an address led to when last dialed, or "".
func (b *Book) Identity(a addr.Addr) string {
	if e := b.entries[a]; e != nil {
		return e.id
	}
	return ""
}

// Anchor notes whether an address shall be dialed before others after a
// restart.
func (b *Book) Anchor(a addr.Addr, on bool) {
	e := b.entries[a]
	if e == nil {
		return
	}
	e.anchor = on
	if e.state != held {
		b.worst.Put(e)
	}
}

// Soon lets a ready address be tried before others. One that is waiting keeps
// waiting, so that peers cannot have it dialed at their pace.
func (b *Book) Soon(a addr.Addr) {
	e := b.entries[a]
	if e == nil || e.state != ready || e.soon {
		return
	}
	b.leave(e)
	e.soon = true
	b.enter(e, ready)
}

// Recent appends up to limit random addresses to which a link was up at or after
// since, which no link holds now, and which pass keep. It looks at four times
// limit at most.
func (b *Book) Recent(dst []addr.Addr, r *rand.Rand, limit int, since time.Time, keep func(addr.Addr) bool) []addr.Addr {
	n := len(b.proven)
	for i := range min(n, 4*limit) {
		if limit <= 0 {
			break
		}
		// A step of a shuffle: what was looked at moves to the front.
		j := i + r.IntN(n-i)
		e := b.proven[j]
		b.proven[i], b.proven[j] = e, b.proven[i]
		b.proven[i].provenPos, b.proven[j].provenPos = i+1, j+1
		if e.state != held && !e.seen.Before(since) && keep(e.addr) {
			dst = append(dst, e.addr)
			limit--
		}
	}
	return dst
}
