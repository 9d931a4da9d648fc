package up

import (
	"crypto/sha256"
	"sync"
	"time"

	"parley/cmd/parley/internal/hist"
)

// maxRecords bounds the blocks whose fate is followed at once. The last ones
// stay: a block that old has arrived long ago or never will.
const maxRecords = 1 << 16

// ledger knows what was made and what arrived where. It stands outside of the
// network and judges it. It is safe for concurrent use.
type ledger struct {
	changed chan struct{} // holds a token after each change, for one waiter

	mu     sync.Mutex
	made   uint64 // blocks, and the height of the last
	blocks map[uint64]*record
	nodes  []tally
	spread hist.Hist // from made to first arrival, over all nodes
}

// record is one block.
type record struct {
	sum     [sha256.Size]byte
	at      time.Time
	leader  int
	size    int
	reached int           // other nodes that have it
	slowest time.Duration // until the last of them had it
}

// tally counts the blocks of one node.
type tally struct {
	made       uint64
	arrived    uint64 // made by others, once each and with the right content
	duplicates uint64
	wrong      uint64 // blocks that nobody made
}

func newLedger(nodes int) *ledger {
	return &ledger{
		changed: make(chan struct{}, 1),
		blocks:  make(map[uint64]*record),
		nodes:   make([]tally, nodes),
	}
}

// next returns the height of the next block.
func (l *ledger) next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.made + 1
}

// enter records the next block, before anybody can receive it.
func (l *ledger) enter(leader int, block []byte, now time.Time) {
	r := &record{sum: sha256.Sum256(block), at: now, leader: leader, size: len(block)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	l.blocks[l.made] = r
	delete(l.blocks, l.made-maxRecords)
	l.nodes[leader].made++
	l.touch()
}

// arrive records the first arrival of a block at a node.
func (l *ledger) arrive(node int, height uint64, sum [sha256.Size]byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.blocks[height]
	if r == nil || r.sum != sum {
		l.nodes[node].wrong++
		return
	}
	if r.leader == node {
		return
	}
	l.nodes[node].arrived++
	took := now.Sub(r.at)
	l.spread.Add(took)
	r.reached++
	r.slowest = max(r.slowest, took)
	l.touch()
}

// duplicate records a block that came to a node which has it.
func (l *ledger) duplicate(node int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes[node].duplicates++
}

// arrivals returns how many blocks arrived, at all nodes together.
func (l *ledger) arrivals() (sum uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.nodes {
		sum += l.nodes[i].arrived
	}
	return sum
}

// lacks reports whether a block has not arrived at a node.
func (l *ledger) lacks(node int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &l.nodes[node]
	return t.made+t.arrived < l.made
}

// touch tells the waiter that something changed.
func (l *ledger) touch() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// last returns a copy of what is known of the last block, if there is one.
func (l *ledger) last() (height uint64, r record, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == 0 {
		return 0, record{}, false
	}
	return l.made, *l.blocks[l.made], true
}

// duplicates returns how many duplicates there were at one node.
func (l *ledger) duplicates(node int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[node].duplicates
}
