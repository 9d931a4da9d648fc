package node

import "parley/dialect"

// tracked is what a writer gave to a packer that says what it is done with.
type tracked struct {
	packer dialect.Tracker // nil if it is not one

	held []item // those that somebody is told about, by tag; zero where free
	free []int  // the tags that may be used again
	done []int
	gone []item // those that are settled now
}

// A message that nobody is told about has a tag of its own kind: the room it
// takes, which is all that has to be known of it, as a negative number.
const noRoom = -2

// handTracked gives an item to the packer.
func (w *writer) handTracked(it *item) {
	t := &w.track
	if it.done == nil && it.msg.For&dialect.ToSession == 0 {
		if err := t.packer.PutAs(it.msg, noRoom-it.cost()); err != nil {
			w.l.refuse(it, err)
			w.l.out.release(it.cost())
		}
		*it = item{}
		return
	}
	tag := len(t.held)
	if k := len(t.free); k > 0 {
		tag, t.free = t.free[k-1], t.free[:k-1]
	} else {
		t.held = append(t.held, item{})
	}
	t.held[tag] = *it
	*it = item{}
	if err := t.packer.PutAs(t.held[tag].msg, tag); err != nil {
		w.l.refuse(&t.held[tag], err)
		w.settle(t.held[tag : tag+1])
		t.free = append(t.free, tag)
	}
}

// settleTracked settles what the packer is done with, while it may hold others
// for long.
func (w *writer) settleTracked() {
	t := &w.track
	if t.packer == nil {
		return
	}
	if t.done = t.packer.Done(t.done[:0]); len(t.done) == 0 {
		return
	}
	room := 0
	for _, tag := range t.done {
		if tag < 0 {
			room += noRoom - tag
			continue
		}
		t.gone = append(t.gone, t.held[tag])
		t.held[tag] = item{}
		t.free = append(t.free, tag)
	}
	if len(t.free) == len(t.held) {
		t.held, t.free = t.held[:0], t.free[:0]
	}
	w.l.stats.OutMsgs.Add(uint64(len(t.done)))
	if room > 0 {
		w.l.out.release(room)
	}
	if len(t.gone) > 0 {
		w.settle(t.gone)
		t.gone = t.gone[:0]
	}
}

// takeMore takes what was queued since the writer took something, if anything
// was. Unlike take it does not let others write: the packer may hold more.
func (o *outbox) takeMore(spare []item) (q []item, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed || len(o.queue) == 0 {
		return spare, false
	}
	q, o.queue = o.queue, spare[:0]
	return q, true
}
