package core

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"parley/addr"
)

// perform checks the effects of a call and takes note of them.
func (w *walker) perform() error {
	for _, c := range w.eff.Peers {
		w.log = append(w.log, fmt.Sprint(c))
		switch {
		case c.Up && (w.up[c.Link] || w.was[c.Link]):
			return fmt.Errorf("link %d came up twice", c.Link)
		case !c.Up && !w.up[c.Link]:
			return fmt.Errorf("link %d went down without being up", c.Link)
		}
		w.was[c.Link] = true
		w.up[c.Link] = c.Up
		if !c.Up {
			delete(w.up, c.Link)
		}
	}
	for _, s := range w.eff.Send {
		w.log = append(w.log, fmt.Sprint("send ", s.To, string(s.Msg.Body)))
	}
	for _, x := range w.eff.Note {
		w.log = append(w.log, fmt.Sprint("note ", x))
	}
	for _, c := range w.eff.Close {
		w.log = append(w.log, fmt.Sprint("close ", c))
		w.gone(c.Link)
	}
	for _, d := range w.eff.Dial {
		w.log = append(w.log, fmt.Sprint("dial ", d))
		if w.open[d.Link] || w.was[d.Link] {
			return fmt.Errorf("link %d was used twice", d.Link)
		}
		w.born(d.Link)
	}
	return nil
}

// check compares the node with what the walker knows of it, and its limits
// with its links, counted anew.
func (w *walker) check() error {
	st := w.n.State(w.now)
	cfg := w.cfg.filled()
	if len(st.Links) != len(w.open) {
		return fmt.Errorf("%d links, the shell has %d", len(st.Links), len(w.open))
	}
	var t tally
	hosts, places, groups := map[addr.Addr]int{}, map[addr.Addr]int{}, map[addr.Group]int{}
	for _, l := range st.Links {
		if !w.open[l.ID] || l.Opening == w.up[l.ID] {
			return fmt.Errorf("link %d: open %v, up %v, opening %v", l.ID, w.open[l.ID], w.up[l.ID], l.Opening)
		}
		x := w.n.links[l.ID]
		if l.Dialed && !x.attached {
			if places[l.Addr]++; places[l.Addr] > 1 {
				return fmt.Errorf("two links to %v", l.Addr)
			}
		}
		countInto(&t, x)
		if !l.Dialed && !x.attached && !l.Always && !w.n.keep.host(l.Addr) {
			if hosts[l.Addr.HostOnly()]++; hosts[l.Addr.HostOnly()] > cfg.PerHost {
				return fmt.Errorf("%d links from %v, limit %d", hosts[l.Addr.HostOnly()], l.Addr, cfg.PerHost)
			}
		}
		if x.dialed && !x.always && !x.attached && l.Addr.Routable() {
			if groups[l.Addr.Group()]++; groups[l.Addr.Group()] > cfg.PerGroup {
				return fmt.Errorf("%d links into the group of %v, limit %d", groups[l.Addr.Group()], l.Addr, cfg.PerGroup)
			}
		}
	}
	return w.checkCounts(st, t, cfg)
}

// countInto counts a link as the doc comment of tally says.
func countInto(t *tally, l *link) {
	one := func(is bool) int { return map[bool]int{true: 1}[is] }
	counted := !l.always && !l.attached
	t.up += one(l.up)
	t.out += one(l.dialed && counted)
	t.dialing += one(l.dialed && counted && !l.up)
	t.in += one(!l.dialed && counted && l.admitted)
	t.opening += one(!l.dialed && !l.attached && !l.up)
}

func (w *walker) checkCounts(st State, t tally, cfg Config) error {
	n := w.n
	w.dials = min(w.dials, t.dialing)
	if t != n.tally {
		return fmt.Errorf("counts are %+v, want %+v", n.tally, t)
	}
	switch {
	case t.in > cfg.Inbound:
		return fmt.Errorf("%d links in, limit %d", t.in, cfg.Inbound)
	case cfg.Target == 0 && t.out > cfg.Outbound:
		return fmt.Errorf("%d links out, limit %d", t.out, cfg.Outbound)
	case cfg.Total > 0 && t.in+t.out > cfg.Total+twins(n):
		return fmt.Errorf("%d links in and %d out, limit %d of both", t.in, t.out, cfg.Total)
	case t.dialing > max(cfg.Dials, w.dials):
		return fmt.Errorf("%d dials, limit %d", t.dialing, cfg.Dials)
	case t.opening > cfg.Opening:
		return fmt.Errorf("%d opening, limit %d", t.opening, cfg.Opening)
	case st.Known > cfg.Book.Size:
		return fmt.Errorf("%d addresses known, limit %d", st.Known, cfg.Book.Size)
	}
	if at := n.Next(); !at.IsZero() && at.Before(w.now) {
		return fmt.Errorf("next wake is %v ago", w.now.Sub(at))
	}
	return w.checkTables()
}

// twins returns how many links there are besides the one of the same peer that
// they give way to: both are there for a moment.
func twins(n *Node) (k int) {
	for _, l := range n.made {
		if l.ousts != nil {
			k++
		}
	}
	return k
}

// checkTables looks for what links that are gone left behind.
func (w *walker) checkTables() error {
	n := w.n
	if len(n.live) != len(w.up) || len(n.liveIDs) != len(w.up) || n.wakes.Len() > len(w.up) {
		return fmt.Errorf("%d live, %d ids, %d timers, want %d", len(n.live), len(n.liveIDs), n.wakes.Len(), len(w.up))
	}
	hosts := 0
	for _, l := range n.made {
		for _, a := range l.places {
			if n.places[a] != l {
				return fmt.Errorf("link %d believes that it is at %v", l.id, a)
			}
			hosts++
		}
	}
	if hosts != len(n.places) {
		return fmt.Errorf("%d places in use, links have %d", len(n.places), hosts)
	}
	for id, l := range n.byID {
		if n.links[l.id] != l || l.intro.ID != id || !l.admitted {
			return fmt.Errorf("identity %q is filed for link %d, which is not its own", id, l.id)
		}
	}
	for _, l := range n.made {
		if x := l.ousts; x != nil && (n.links[x.id] != x || !x.admitted || n.byID[l.intro.ID] != l || x.intro.ID != l.intro.ID || l.up && x.up) {
			return fmt.Errorf("link %d is to give way to %d, which is not its twin", x.id, l.id)
		}
	}
	if len(n.ends) > 0 || len(n.out.Send)+len(n.out.End)+len(n.out.Learn)+len(n.out.Note) > 0 {
		return errors.New("something is left to do")
	}
	return nil
}

func (w *walker) walk(steps int) error {
	for i := range steps {
		w.step()
		if err := errors.Join(w.err, w.perform()); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if err := w.check(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	w.eff.Reset()
	w.n.Stop(w.now, nil, &w.eff)
	if err := w.perform(); err != nil {
		return err
	}
	if len(w.up) > 0 || len(w.open) > 0 || len(w.n.places) > 0 || len(w.n.perHost) > 0 {
		return fmt.Errorf("after the end %d up, %d open, %d places, %d hosts", len(w.up), len(w.open), len(w.n.places), len(w.n.perHost))
	}
	return nil
}

// TestWalk checks after every step of many random walks that no limit is
// exceeded, nothing leaks, and every link that comes up goes down once.
func TestWalk(t *testing.T) {
	for seed := range uint64(40) {
		if err := newWalker(seed).walk(600); err != nil {
			t.Errorf("newWalker(%d): %v", seed, err)
		}
	}
}

// TestSame checks that the same seed and calls give the same effects.
func TestSame(t *testing.T) {
	effects := 0
	for seed := range uint64(10) {
		a, b := newWalker(seed), newWalker(seed)
		if err := errors.Join(a.walk(800), b.walk(800)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.log, b.log) {
			t.Errorf("seed %d: two runs differ", seed)
		}
		effects += len(a.log)
	}
	if effects < 1000 {
		t.Errorf("the walks had %d effects only, too few to compare", effects)
	}
}
