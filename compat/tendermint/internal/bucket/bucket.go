// Package bucket spreads known addresses over buckets, so that who tells many
// addresses, or owns many in one network, fills few of them. It is the scheme of
// Tendermint's address book, with the groups that its authors meant: /16 of IPv4
// and /32 of IPv6, where theirs were single addresses until 2020.
//
// A [Table] is pure: times and randomness come from its caller.
package bucket

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
)

// The shape of a table.
const (
	news    = 256 // buckets of addresses that were only told
	olds    = 64  // buckets of addresses that were proven
	size    = 64  // addresses in one
	spread  = 32  // new buckets that the addresses of one teller may be in
	spreadO = 4   // old buckets that the addresses of one group may be in
	most    = 4   // new buckets that one address may be in
)

// When an address is not worth its place.
const (
	triesNever = 3 // failed attempts, if none ever worked
	triesSince = 10
	stale      = 7 * 24 * time.Hour
	justNow    = time.Minute // after an attempt it is too early to say
)

// Known is an address in a table.
type Known = tendermint.KnownAddress

// Table is an address book. It is not safe for concurrent use.
type Table struct {
	key   string
	rand  *rand.Rand
	by    map[addr.Addr]*Known
	kinds [2][][]*Known // buckets: new, old
	count [2]int        // addresses: new, old
}

// New returns an empty table, spread by a secret.
func New(key string, r *rand.Rand) *Table {
	return &Table{key: key, rand: r, by: map[addr.Addr]*Known{}, kinds: [2][][]*Known{make([][]*Known, news), make([][]*Known, olds)}}
}

// Key returns the secret.
func (t *Table) Key() string { return t.key }

// Len returns how many addresses there are.
func (t *Table) Len() int { return len(t.by) }

func kind(k *Known) int {
	if k.Old {
		return 1
	}
	return 0
}

func (t *Table) hash(parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte(t.key))
	for _, p := range parts {
		h.Write(p)
	}
	sum := sha256.Sum256(h.Sum(nil))
	return sum[:]
}

// pick hashes to a number below n.
func pick(sum []byte, n uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, binary.LittleEndian.Uint64(sum)%n)
}

func group(a addr.Addr) []byte {
	g := a.Group()
	return g[:]
}

// place returns the new bucket of an address told by src.
func (t *Table) place(a, src addr.Addr) int {
	inner := pick(t.hash(group(a), group(src)), spread)
	return int(binary.LittleEndian.Uint64(t.hash(group(src), inner)) % news)
}

// placeOld returns the old bucket of an address.
func (t *Table) placeOld(a addr.Addr) int {
	inner := pick(t.hash(a.AppendTo(nil)), spreadO)
	return int(binary.LittleEndian.Uint64(t.hash(group(a), inner)) % olds)
}

// Add adds an address that src told of. It reports whether anything changed.
func (t *Table) Add(now time.Time, a, src tendermint.NetAddress) bool {
	k := t.by[a.Addr]
	switch {
	case k == nil:
		k = &Known{Addr: a, Src: src, LastAttempt: now}
	case k.Old || len(k.Buckets) >= most || t.rand.IntN(2*len(k.Buckets)) > 0:
		return false
	}
	b := t.place(a.Addr, src.Addr)
	if slices.Contains(k.Buckets, b) {
		return false
	}
	t.makeRoom(now, b)
	t.put(k, b)
	return true
}

func (t *Table) put(k *Known, b int) {
	if t.by[k.Addr.Addr] == nil {
		t.by[k.Addr.Addr] = k
		t.count[kind(k)]++
	}
	k.Buckets = append(k.Buckets, b)
	list := &t.kinds[kind(k)][b]
	*list = append(*list, k)
}

// leave takes an address out of one bucket, and out of the table if it was the last.
func (t *Table) leave(k *Known, b int) {
	list := &t.kinds[kind(k)][b]
	if i := slices.Index(*list, k); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	k.Buckets = slices.DeleteFunc(k.Buckets, func(x int) bool { return x == b })
	if len(k.Buckets) == 0 {
		delete(t.by, k.Addr.Addr)
		t.count[kind(k)]--
	}
}

// makeRoom sees to it that a new bucket takes one more: the worst gives way.
func (t *Table) makeRoom(now time.Time, b int) {
	list := t.kinds[0][b]
	if len(list) < size {
		return
	}
	worst := list[0]
	for _, k := range list {
		if bad(now, k) && !bad(now, worst) || bad(now, k) == bad(now, worst) && k.LastAttempt.Before(worst.LastAttempt) {
			worst = k
		}
	}
	t.leave(worst, b)
}

// bad reports whether an address is not worth its place.
func bad(now time.Time, k *Known) bool {
	switch {
	case now.Sub(k.LastAttempt) < justNow:
		return false
	case k.LastSuccess.IsZero():
		return k.Attempts >= triesNever
	}
	return now.Sub(k.LastSuccess) > stale && k.Attempts >= triesSince
}

// Remove removes an address. It reports whether it was there.
func (t *Table) Remove(a addr.Addr) bool {
	k := t.by[a]
	if k == nil {
		return false
	}
	for _, b := range slices.Clone(k.Buckets) {
		t.leave(k, b)
	}
	return true
}

// Attempt notes that an address is dialed.
func (t *Table) Attempt(now time.Time, a addr.Addr) {
	if k := t.by[a]; k != nil {
		k.LastAttempt = now
		k.Attempts++
	}
}

// Good notes that an address has proven good, and moves it to an old bucket. The
// one there that worked the longest ago becomes a new one if the bucket is full.
func (t *Table) Good(now time.Time, a addr.Addr) {
	k := t.by[a]
	if k == nil {
		return
	}
	k.LastAttempt, k.LastSuccess, k.Attempts = now, now, 0
	if k.Old {
		return
	}
	t.Remove(a)
	k.Old, k.Buckets = true, nil
	b := t.placeOld(a)
	if list := t.kinds[1][b]; len(list) >= size {
		last := list[0]
		for _, x := range list {
			if x.LastSuccess.Before(last.LastSuccess) {
				last = x
			}
		}
		t.leave(last, b)
		last.Old, last.Buckets = false, nil
		n := t.place(last.Addr.Addr, last.Src.Addr)
		t.makeRoom(now, n)
		t.put(last, n)
	}
	t.put(k, b)
}

// Pick returns a random address, or nil if there is none: a new one with a
// likelihood that grows with bias, from 0 to 100.
func (t *Table) Pick(bias int) *Known {
	bias = min(max(bias, 0), 100)
	o := math.Sqrt(float64(t.count[1])) * float64(100-bias)
	n := math.Sqrt(float64(t.count[0])) * float64(bias)
	from := 0
	if t.count[0] == 0 || t.count[1] > 0 && t.rand.Float64()*(o+n) < o {
		from = 1
	}
	var some [][]*Known
	for _, list := range t.kinds[from] {
		if len(list) > 0 {
			some = append(some, list)
		}
	}
	if len(some) == 0 {
		return nil
	}
	list := some[t.rand.IntN(len(some))]
	return list[t.rand.IntN(len(list))]
}

// All returns every address, in an order that the table's contents determine.
func (t *Table) All() []*Known {
	all := make([]*Known, 0, len(t.by))
	for _, k := range t.by { // ordered: sorted below
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *Known) int { return a.Addr.Addr.Compare(b.Addr.Addr) })
	return all
}

// Restore adds an address as it was saved, in the buckets that the table's secret
// gives it. Times in the future count as now.
func (t *Table) Restore(now time.Time, k Known) {
	if t.by[k.Addr.Addr] != nil {
		return
	}
	c := k
	for _, at := range []*time.Time{&c.LastAttempt, &c.LastSuccess} {
		if at.After(now) {
			*at = now
		}
	}
	c.Buckets = nil
	b := t.placeOld(c.Addr.Addr)
	if !c.Old {
		b = t.place(c.Addr.Addr, c.Src.Addr)
	} else if len(t.kinds[1][b]) >= size {
		c.Old, b = false, t.place(c.Addr.Addr, c.Src.Addr)
	}
	if !c.Old {
		t.makeRoom(now, b)
	}
	t.put(&c, b)
	for _, x := range k.Buckets {
		if !c.Old && x >= 0 && x < news && len(c.Buckets) < most && !slices.Contains(c.Buckets, x) && len(t.kinds[0][x]) < size {
			t.put(&c, x)
		}
	}
}
