package book

// removeCost is what giving up an entry counts among the entries looked at.
const removeCost = 32

// Tune replaces the limits. Trim gives up what is over a lowered one.
func (b *Book) Tune(lim Limits) {
	if lim != b.lim {
		b.lim, b.untrim = lim, len(b.all)
	}
}

// Trim gives up addresses over a limit that Tune lowered, the worst first, but
// none that is held. It looks at about budget entries, and reports whether there
// is more to do.
func (b *Book) Trim(budget int) (more bool) {
	for b.untrim = min(b.untrim, len(b.all)); b.untrim > 0 && budget > 0; b.untrim = min(b.untrim, len(b.all)) {
		budget--
		e := b.all[b.untrim-1]
		if b.trimOne(e, &budget) {
			continue // look at its place again
		}
		b.refresh(e.group)
		b.untrim--
	}
	for ; len(b.all) > b.lim.Size && budget > 0; budget -= removeCost {
		w, ok := b.worst.First()
		if !ok {
			return false
		}
		b.remove(w)
	}
	return budget <= 0
}

// trimOne gives up the worst entry of the group or source of e if that has too
// many. It reports whether it did.
func (b *Book) trimOne(e *entry, budget *int) bool {
	if !e.group.local && b.trimList(e.group.all, b.lim.PerGroup, budget) {
		return true
	}
	return e.source != nil && b.trimList(e.source.all, b.lim.PerSource, budget)
}

func (b *Book) trimList(all []*entry, limit int, budget *int) bool {
	if len(all) <= limit {
		return false
	}
	*budget -= len(all) + removeCost
	w := worstOf(all)
	if w == nil {
		return false
	}
	b.remove(w)
	return true
}
