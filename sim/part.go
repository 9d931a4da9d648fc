package sim

import (
	"slices"
	"time"
)

// partTimeout is the longest that a link which gave way to another one to the
// same peer is read, as in package node.
const partTimeout = time.Minute

// part ends a link that gave way to another one to the same peer: what is queued
// goes out, and what the peer sent is delivered until it has ended its half.
func (x *end) part(last bool) {
	x.n.leave(x)
	x.n.ended()
	x.n.parting = append(x.n.parting, x)
	ex := x.more()
	x.cond, ex.draining, ex.last = parting, true, last
	x.later(x.n.w.now+int64(partTimeout), evFlush, 0, 0)
	if !ex.busy() {
		x.drained()
	}
}

// parted ends the parting, if there is one.
func (x *end) parted() {
	if x.cond != parting {
		return
	}
	x.cond = over
	if i := slices.Index(x.n.parting, x); i >= 0 {
		x.n.parting = slices.Delete(x.n.parting, i, i+1)
	}
}

// fellParting lets the links that are parting end with their node.
func (n *Node) fellParting() {
	for _, x := range slices.Clone(n.parting) {
		x.parted()
		n.discard(x.ex)
		x.unwait()
		x.ex = nil
		x.tell(evReset)
		x.settle()
	}
}

// reading lists the ends that may have something to read: those that the core
// knows, and those that are parting.
func (n *Node) reading() []*end {
	all := make([]*end, 0, len(n.ends)+len(n.parting))
	for _, e := range n.ends {
		all = append(all, e.x)
	}
	return append(all, n.parting...)
}
