package book

import (
	"math/rand/v2"
	"time"

	"parley/addr"
)

// The tiers of ready entries.
const (
	tierSoon   = iota // anchors, and alternatives offered by a full peer
	tierProven        // worked when last tried
	tierFresh         // never tried
	tierFailed        // failed when last tried
	tiers
)

// weights says how often each tier is chosen while others could be: all of
// them sometimes, so that nobody can keep the good ones from being tried by
// telling enough others. Soon comes before any.
var weights = [tiers]int{tierProven: 4, tierFresh: 3, tierFailed: 1}

const (
	// maxSkips is how many entries one Take may set aside, and maxRipe how many
	// it may make ready: what bounds its time.
	maxSkips = 64
	maxRipe  = 128
	// pause is how long to wait when Take stopped at one of these.
	pause = 100 * time.Millisecond
)

// tier lists the groups that have ready entries of a tier and are not full.
// Choosing the group before the entry keeps a crowded neighborhood from being
// dialed more often than a small one.
type tier struct{ open []*group }

func (t *tier) set(g *group, n int, in bool) {
	p := &g.open[n]
	switch {
	case in == (*p > 0):
	case in:
		t.open = append(t.open, g)
		*p = len(t.open)
	default:
		takeOut(&t.open, *p-1).open[n] = *p
		*p = 0
	}
}

func tierOf(e *entry) int {
	switch {
	case e.soon:
		return tierSoon
	case e.tries > 0:
		return tierFailed
	case !e.seen.IsZero():
		return tierProven
	}
	return tierFresh
}

func (b *Book) pushTier(e *entry) {
	e.tier = tierOf(e)
	r := &e.group.ready[e.tier]
	e.tierPos = len(*r)
	*r = append(*r, e)
}

func (b *Book) popTier(e *entry) {
	takeOut(&e.group.ready[e.tier], e.tierPos).tierPos = e.tierPos
}

// Take chooses an address to dial and holds it. It asks may about each
// candidate, with the identity the address led to when last dialed. If the
// answer is no, the address waits until the time that may returned, or is held
// for a use that the caller found for it if that time is zero.
//
// If there is nothing to dial, Next tells when to ask again.
func (b *Book) Take(now time.Time, r *rand.Rand, may func(a addr.Addr, id string) (until time.Time, ok bool)) (addr.Addr, bool) {
	b.ripen(now)
	for range maxSkips {
		e := b.choose(r)
		if e == nil {
			return addr.Addr{}, false
		}
		until, ok := may(e.addr, e.id)
		b.leave(e)
		e.soon = false
		if !ok && !until.IsZero() {
			e.until = until
			b.enter(e, waiting)
			continue
		}
		e.taken = ok
		b.enter(e, held)
		if ok {
			return e.addr, true
		}
	}
	b.more = true
	return addr.Addr{}, false
}

// Next reports when Take could find something after it found nothing at now,
// or the zero time if that takes a change.
func (b *Book) Next(now time.Time) time.Time {
	e, ok := b.waiting.First()
	switch {
	case b.more, ok && !e.until.After(now):
		return now.Add(pause)
	case ok:
		return e.until
	}
	return time.Time{}
}

// ripen makes entries ready whose wait is over.
func (b *Book) ripen(now time.Time) {
	b.more = false
	for range maxRipe {
		e, ok := b.waiting.First()
		if !ok || e.until.After(now) {
			return
		}
		b.leave(e)
		b.enter(e, ready)
	}
}

// choose returns a ready entry of a group that is not full: at random over the
// tiers, then over the groups, then over the entries.
func (b *Book) choose(r *rand.Rand) *entry {
	t := b.chooseTier(r)
	if t < 0 {
		return nil
	}
	open := b.tiers[t].open
	in := open[r.IntN(len(open))].ready[t]
	return in[r.IntN(len(in))]
}

func (b *Book) chooseTier(r *rand.Rand) int {
	if len(b.tiers[tierSoon].open) > 0 {
		return tierSoon
	}
	sum := 0
	for t, w := range weights {
		if len(b.tiers[t].open) > 0 {
			sum += w
		}
	}
	if sum == 0 {
		return -1
	}
	k := r.IntN(sum)
	for t, w := range weights {
		if len(b.tiers[t].open) == 0 {
			continue
		}
		if k -= w; k < 0 {
			return t
		}
	}
	return -1
}
