package book

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/addr"
)

// TestWalk makes random calls and audits the book after each.
func TestWalk(t *testing.T) {
	for seed := range uint64(25) {
		if err := walk(seed, 800); err != nil {
			t.Errorf("walk(%d, 800): %v", seed, err)
		}
	}
}

func walk(seed uint64, steps int) error {
	r := newRand(seed)
	lim := func() Limits {
		return Limits{Size: 5 + r.IntN(30), PerGroup: 1 + r.IntN(8), PerSource: 1 + r.IntN(8), Spread: 1 + r.IntN(3)}
	}
	b, trimming := New(lim()), false
	now := epoch
	some := func() addr.Addr {
		return at(fmt.Sprintf("%d.%d.0.%d:1", []int{8, 8, 10, 127}[r.IntN(4)], r.IntN(4), 1+r.IntN(9)))
	}
	for i := range steps {
		a := some()
		switch k := r.IntN(14); k {
		case 0, 1, 2:
			b.Add(a, []addr.Addr{{}, source1, source2}[k])
		case 3:
			b.Restore(Record{Addr: a, Seen: epoch, Tries: r.IntN(3), Anchor: r.IntN(2) == 0})
		case 4:
			b.Hold(a)
		case 5, 6:
			b.Release(a, r.IntN(4), now.Add(time.Duration(r.IntN(60))*time.Second))
		case 7:
			b.Worked(now, a)
		case 8:
			b.Soon(a)
			b.Anchor(some(), r.IntN(2) == 0)
		case 9:
			b.Remove(a)
		case 10:
			if b.Use(a, 1); r.IntN(3) > 0 {
				b.Use(a, -1)
			}
		case 11:
			if r.IntN(20) == 0 {
				b.Tune(lim())
				trimming = true
			}
			trimming = trimming && b.Trim(r.IntN(20))
		default:
			now = now.Add(time.Duration(r.IntN(9)) * time.Second)
			b.Take(now, r, func(addr.Addr, string) (time.Time, bool) {
				return now.Add(time.Duration(r.IntN(2)) * time.Minute), r.IntN(3) > 0
			})
		}
		if trimming {
			continue // what is over the new limits is not gone yet
		}
		if err := audit(b); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// audit recounts everything that the book counts or files.
func audit(b *Book) error {
	fresh, waiting, worst, proven := 0, 0, 0, 0
	for i, e := range b.all {
		full := !e.group.local && b.used[e.group.groupKey] >= b.lim.Spread
		switch {
		case e.allPos != i || b.entries[e.addr] != e:
			return fmt.Errorf("%v is filed wrongly", e.addr)
		case e.group.all[e.groupPos] != e || e.group.groupKey != keyOf(e.addr):
			return fmt.Errorf("%v is in the wrong group", e.addr)
		case e.source != nil && (e.source.all[e.fromPos] != e || e.operator):
			return fmt.Errorf("%v is at the wrong source", e.addr)
		case e.state == ready && e.group.ready[e.tier][e.tierPos] != e:
			return fmt.Errorf("%v is ready in no tier", e.addr)
		case e.state != ready && e.soon:
			return fmt.Errorf("%v is preferred although it can not be dialed", e.addr)
		case e.group.full != full:
			return fmt.Errorf("the group of %v is full: %v, want %v", e.addr, e.group.full, full)
		}
		for t, ready := range e.group.ready {
			if (e.group.open[t] > 0) != (len(ready) > 0 && !full) {
				return fmt.Errorf("tier %d is open for the group of %v: %v", t, e.addr, e.group.open[t] > 0)
			}
		}
		one := func(n *int, is bool) {
			if is {
				*n++
			}
		}
		one(&fresh, e.untried() && (e.state != held && !full || e.state == held && e.taken))
		one(&waiting, e.state == ready+1)
		one(&worst, e.state != held)
		one(&proven, e.provenPos > 0)
		if (e.provenPos > 0) != (!e.seen.IsZero() && e.tries == 0) {
			return fmt.Errorf("%v is worth sharing: %v", e.addr, e.provenPos > 0)
		}
	}
	switch {
	case fresh != b.fresh, waiting != b.waiting.Len(), worst != b.worst.Len(), proven != len(b.proven):
		return fmt.Errorf("%d fresh, %d waiting, %d to give up, %d proven, want %d, %d, %d, %d",
			b.fresh, b.waiting.Len(), b.worst.Len(), len(b.proven), fresh, waiting, worst, proven)
	case len(b.all) != len(b.entries):
		return errors.New("entries are missing")
	}
	return auditLimits(b)
}

// auditLimits checks the limits, which only addresses in use when they were
// lowered may exceed.
func auditLimits(b *Book) error {
	over := func(all []*entry, limit int) bool {
		idle := 0
		for _, e := range all {
			if e.state != held {
				idle++
			}
		}
		return len(all) > limit && idle > 0
	}
	if over(b.all, b.lim.Size) {
		return fmt.Errorf("%d addresses, limit %d", len(b.all), b.lim.Size)
	}
	members := 0
	for _, g := range b.groups {
		members += len(g.all)
		if !g.local && over(g.all, b.lim.PerGroup) {
			return fmt.Errorf("%d addresses of one group, limit %d", len(g.all), b.lim.PerGroup)
		}
	}
	for _, s := range b.sources {
		if len(s.all) == 0 || over(s.all, b.lim.PerSource) {
			return fmt.Errorf("%d addresses of one source, limit %d", len(s.all), b.lim.PerSource)
		}
	}
	if members != len(b.all) {
		return fmt.Errorf("groups have %d members, want %d", members, len(b.all))
	}
	return nil
}
