package book

import (
	"time"

	"parley/addr"
)

// entry is one address. It is in the lists of its group and source, in one of
// its group's tiers while it is ready, and in the queues that concern it.
type entry struct {
	addr     addr.Addr
	group    *group
	source   *source // nil if the operator told it, or once it worked
	id       string  // whom it led to when last dialed, or ""
	seq      uint64  // order of adding
	seen     time.Time
	tries    int
	anchor   bool
	operator bool
	soon     bool // try before others

	state state
	taken bool      // held since Take, for an attempt
	until time.Time // end of the wait

	// Places in slices and queues, which keep them.
	tier              int
	tierPos, allPos   int
	groupPos, fromPos int
	provenPos         int // plus one; zero while not in proven
	waitPos, worstPos int
}

// state says what may be done with an entry.
type state uint8

const (
	ready   state = iota // may be dialed
	waiting              // not before its time
	held                 // in use; is neither dialed nor given up
)

// The ranks of entries: those of a higher rank are given up later.
const (
	rankTold = iota
	rankOperator
	rankProven
)

func (e *entry) rank() int {
	switch {
	case e.anchor, !e.seen.IsZero():
		return rankProven
	case e.operator:
		return rankOperator
	}
	return rankTold
}

// untried reports whether e neither worked nor failed so far.
func (e *entry) untried() bool { return e.tries == 0 && e.seen.IsZero() }

// worse reports whether a is given up before b.
func worse(a, b *entry) bool {
	if x, y := a.rank(), b.rank(); x != y {
		return x < y
	}
	if a.tries != b.tries {
		return a.tries > b.tries
	}
	if !a.seen.Equal(b.seen) {
		return a.seen.Before(b.seen)
	}
	return a.seq < b.seq
}

func soonest(a, b *entry) bool {
	if !a.until.Equal(b.until) {
		return a.until.Before(b.until)
	}
	return a.seq < b.seq
}

// worstOf returns the entry to give up first among those not held, or nil.
// It is meant for the bounded lists of groups and sources.
func worstOf(all []*entry) *entry {
	var w *entry
	for _, e := range all {
		if e.state != held && (w == nil || worse(e, w)) {
			w = e
		}
	}
	return w
}

// insert files a new entry, for which there is room.
func (b *Book) insert(e *entry, from addr.Addr) {
	b.entries[e.addr] = e
	e.allPos = len(b.all)
	b.all = append(b.all, e)
	b.joinGroup(e)
	if !from.IsZero() {
		b.joinSource(e, from)
	}
	b.worst.Put(e)
	b.setProven(e)
	b.enter(e, ready)
}

// remove unfiles an entry that is not held.
func (b *Book) remove(e *entry) {
	b.leave(e)
	b.worst.Remove(e)
	b.dropProven(e)
	b.leaveSource(e)
	b.leaveGroup(e)
	takeOut(&b.all, e.allPos).allPos = e.allPos
	delete(b.entries, e.addr)
}

// takeOut removes what is at i from a list whose order does not matter. It returns
// what was the last and takes its place, so that this can be noted.
func takeOut[T any](list *[]*T, i int) (moved *T) {
	all := *list
	last := len(all) - 1
	moved = all[last]
	all[i], all[last] = moved, nil
	*list = all[:last]
	return moved
}

// enter puts an entry that is in no state into one.
func (b *Book) enter(e *entry, s state) {
	e.state = s
	switch s {
	case ready:
		b.pushTier(e)
	case waiting:
		b.waiting.Put(e)
	case held:
		b.worst.Remove(e)
	}
	b.countFresh(e, 1)
	b.refresh(e.group)
}

// leave takes an entry out of its state.
func (b *Book) leave(e *entry) {
	b.countFresh(e, -1)
	switch e.state {
	case ready:
		b.popTier(e)
	case waiting:
		b.waiting.Remove(e)
	case held:
		b.worst.Put(e)
	}
	b.refresh(e.group)
}

// setProven files e under the addresses worth sharing if it is one.
func (b *Book) setProven(e *entry) {
	if e.seen.IsZero() || e.tries > 0 {
		b.dropProven(e)
		return
	}
	if e.provenPos == 0 {
		b.proven = append(b.proven, e)
		e.provenPos = len(b.proven)
	}
}

func (b *Book) dropProven(e *entry) {
	if e.provenPos == 0 {
		return
	}
	takeOut(&b.proven, e.provenPos-1).provenPos = e.provenPos
	e.provenPos = 0
}
