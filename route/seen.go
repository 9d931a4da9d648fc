package route

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"time"
)

// Key names a message for a Seen filter: SHA-256 of whatever makes two messages
// the same, or an identity of the protocol's own.
type Key [32]byte

// SeenBytes is the memory a Seen filter takes for each key of its limit: 40 in
// the ring and two slots of 4 in the table.
const SeenBytes = 48

// maxSeen is the largest limit: slots hold 32 bits.
const maxSeen = math.MaxInt32

// Seen remembers which messages were relayed already. It compares whole keys, so
// it errs only when two messages have the same one: for digests of 256 bits that
// a million messages ever clash has a chance below 1 in 2^217.
//
// It is bounded in memory and in time: it holds at most limit keys for at most
// age, all of its memory is taken at once, and no call looks at more than a few
// entries. A Seen is not safe for concurrent use: it belongs to one goroutine,
// or to a lock of the application that owns it.
type Seen struct {
	ring  []entry  // in the order of adding, from first to first+count, wrapping
	slots []uint32 // open addressing; 1 + index into ring, 0 for none
	first int
	count int // entries in the ring, dead ones too
	dead  int
	age   int64
	mix   [4]uint64 // made from the seed
	base  time.Time // what entry.at counts from: the first Add
	last  int64     // the latest now
}

// entry is one key. A dead one is still in the ring but in no slot.
type entry struct {
	key Key
	at  int64 // nanoseconds since base, or dead
}

const dead = math.MinInt64

// reap is how many old entries one Add removes at most. More than one, so that
// removing keeps ahead of adding.
const reap = 4

// NewSeen returns a filter that remembers the last limit keys, at least 1, each
// for age, or until it is among the oldest if age is 0. The seed must be one
// that others cannot guess: who knows it can choose keys that make the filter
// slow. All memory is allocated here: limit times SeenBytes.
func NewSeen(limit int, age time.Duration, seed uint64) *Seen {
	limit = min(max(limit, 1), maxSeen)
	s := &Seen{ring: make([]entry, limit), slots: make([]uint32, 2*limit), age: int64(age)}
	r := rand.NewPCG(seed, 0)
	for i := range s.mix {
		s.mix[i] = r.Uint64()
	}
	return s
}

// Add remembers key and reports whether it is fresh: not seen before, or not
// within age. A key that is seen again does not become younger by it. Time that
// runs backwards counts as standing still.
func (s *Seen) Add(now time.Time, key Key) (fresh bool) {
	if s.base.IsZero() {
		s.base = now
	}
	s.last = max(s.last, int64(now.Sub(s.base)))
	s.reap()
	slot := s.find(key)
	if i := s.slots[slot]; i != 0 {
		e := &s.ring[i-1]
		if !s.old(e) {
			return false
		}
		e.at = dead
		s.dead++
		s.empty(slot)
	}
	if s.count == len(s.ring) {
		s.drop()
	}
	i := (s.first + s.count) % len(s.ring)
	s.ring[i] = entry{key, s.last}
	s.count++
	s.slots[s.find(key)] = uint32(i) + 1
	return true
}

// Len returns how many keys are remembered. Some of them may be over age.
func (s *Seen) Len() int { return s.count - s.dead }

// Limit returns how many keys are remembered at most.
func (s *Seen) Limit() int { return len(s.ring) }

func (s *Seen) old(e *entry) bool { return s.age > 0 && s.last-e.at >= s.age }

// reap removes a few entries that are over age.
func (s *Seen) reap() {
	for range min(reap, s.count) {
		if e := &s.ring[s.first]; e.at != dead && !s.old(e) {
			return
		}
		s.drop()
	}
}

// drop removes the oldest entry.
func (s *Seen) drop() {
	e := &s.ring[s.first]
	if e.at == dead {
		s.dead--
	} else {
		s.empty(s.find(e.key))
	}
	s.first = (s.first + 1) % len(s.ring)
	s.count--
}

// home returns the slot where the search for key begins. Every factor of the
// products holds a part of the seed, so that nobody can choose keys that make
// one vanish.
func (s *Seen) home(key *Key) int {
	w := func(i int) uint64 { return binary.LittleEndian.Uint64(key[8*i:]) ^ s.mix[i] }
	h1, l1 := bits.Mul64(w(0), w(1))
	h2, l2 := bits.Mul64(w(2), w(3))
	h, l := bits.Mul64(h1^l1^s.mix[1], h2^l2^s.mix[2])
	slot, _ := bits.Mul64(h^l, uint64(len(s.slots)))
	return int(slot)
}

func (s *Seen) after(slot int) int {
	if slot++; slot < len(s.slots) {
		return slot
	}
	return 0
}

// find returns the slot that holds key, or the empty one where it belongs. There
// is one, because at most half of the slots are taken.
func (s *Seen) find(key Key) int {
	slot := s.home(&key)
	for i := s.slots[slot]; i != 0 && s.ring[i-1].key != key; i = s.slots[slot] {
		slot = s.after(slot)
	}
	return slot
}

// empty clears a slot and moves those behind it up, so that no search stops
// short at the hole.
func (s *Seen) empty(hole int) {
	n := len(s.slots)
	for slot := s.after(hole); s.slots[slot] != 0; slot = s.after(slot) {
		home := s.home(&s.ring[s.slots[slot]-1].key)
		// What lies at slot may move into the hole if its search passes there:
		// if it is at least as far from home as from the hole.
		if (slot-home+n)%n >= (slot-hole+n)%n {
			s.slots[hole] = s.slots[slot]
			hole = slot
		}
	}
	s.slots[hole] = 0
}
