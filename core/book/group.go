package book

import "parley/addr"

// groupKey names a group. Addresses that are not routable are kept apart from
// routable ones, because the limits are not for them.
type groupKey struct {
	addr.Group
	local bool
}

func keyOf(a addr.Addr) groupKey { return groupKey{a.Group(), !a.Routable()} }

// group is what the book knows about one network neighborhood.
type group struct {
	groupKey
	all   []*entry
	ready [tiers][]*entry
	open  [tiers]int // place in the tier's list, plus one; zero while not in it
	fresh int        // untried entries that are not held
	full  bool       // the last refresh found no room for another dial
}

// source is who told addresses that have not worked so far.
type source struct {
	addr addr.Addr
	all  []*entry
}

func (b *Book) joinGroup(e *entry) {
	k := keyOf(e.addr)
	g := b.groups[k]
	if g == nil {
		g = &group{groupKey: k}
		b.groups[k] = g
	}
	e.group, e.groupPos = g, len(g.all)
	g.all = append(g.all, e)
}

func (b *Book) leaveGroup(e *entry) {
	g := e.group
	takeOut(&g.all, e.groupPos).groupPos = e.groupPos
	if len(g.all) == 0 {
		delete(b.groups, g.groupKey)
	}
}

func (b *Book) joinSource(e *entry, from addr.Addr) {
	s := b.sources[from]
	if s == nil {
		s = &source{addr: from}
		b.sources[from] = s
	}
	e.source, e.fromPos = s, len(s.all)
	s.all = append(s.all, e)
}

func (b *Book) leaveSource(e *entry) {
	s := e.source
	if s == nil {
		return
	}
	takeOut(&s.all, e.fromPos).fromPos = e.fromPos
	e.source = nil
	if len(s.all) == 0 {
		delete(b.sources, s.addr)
	}
}

// countFresh adds by to the counts of untried entries that e belongs to in its
// present state.
func (b *Book) countFresh(e *entry, by int) {
	switch {
	case !e.untried():
	case e.state != held:
		e.group.fresh += by
		if !e.group.full {
			b.fresh += by
		}
	case e.taken:
		b.fresh += by
	}
}

// refresh files g under the tiers from which it could be dialed, after its
// entries or its use have changed.
func (b *Book) refresh(g *group) {
	full := !g.local && b.used[g.groupKey] >= b.lim.Spread
	if full != g.full {
		g.full = full
		if full {
			b.fresh -= g.fresh
		} else {
			b.fresh += g.fresh
		}
	}
	for t := range b.tiers {
		b.tiers[t].set(g, t, !full && len(g.ready[t]) > 0)
	}
}

// Use adds by to the number of links that are dialed into the group of a. A
// group with as many as it may have is not dialed.
func (b *Book) Use(a addr.Addr, by int) {
	k := keyOf(a)
	if b.used[k] += by; b.used[k] <= 0 {
		delete(b.used, k)
	}
	if g := b.groups[k]; g != nil {
		b.refresh(g)
	}
}
