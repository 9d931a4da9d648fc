package node

import (
	"time"

	"parley/core"
)

// saveEvery is the least time between two saves, except at the end.
const saveEvery = 10 * time.Second

// Store keeps what a node remembers between runs. Load is called once, before
// Run serves; Save on a goroutine of its own, never twice at once.
type Store interface {
	// Load returns what was saved last, or nil if nothing was.
	Load() (*core.Saved, error)
	// Save keeps s in place of what was saved before.
	Save(s *core.Saved) error
}

// saver decides when to save. Owned by the brain.
type saver struct {
	dirty bool // there is something to save
	busy  bool // the last save is under way
	last  time.Time
}

// saveDue reports when to save next, or the zero time.
func (n *Node) saveDue() time.Time {
	if n.cfg.Store == nil || !n.save.dirty || n.save.busy || n.stopping {
		return time.Time{}
	}
	return n.save.last.Add(saveEvery)
}

func (n *Node) saveIfDue(now time.Time) {
	if at := n.saveDue(); at.IsZero() || now.Before(at) {
		return
	}
	n.save = saver{busy: true, last: now}
	s := n.core.Saved(now)
	n.wg.Go(func() {
		n.store(s)
		n.inbox.put(func(time.Time) { n.save.busy = false })
	})
}

// saveLast saves at the end of Run, when no other goroutine is left.
func (n *Node) saveLast() {
	if n.cfg.Store != nil {
		n.store(n.core.Saved(time.Now()))
	}
}

func (n *Node) store(s *core.Saved) {
	if err := n.cfg.Store.Save(s); err != nil {
		n.cfg.Log.Error("not saved", "err", err)
	}
}
