package bucket

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newTable() *Table { return New("a secret", rand.New(rand.NewPCG(1, 2))) }

func ip(a, b, c, d int) tendermint.NetAddress {
	return tendermint.NetAddress{Addr: addr.Addr{IP: netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)}), Port: 26656}}
}

// used returns how many buckets of a kind hold something, and the fullest of them.
func used(t *Table, kind int) (n, most int) {
	for _, list := range t.kinds[kind] {
		if len(list) > 0 {
			n++
		}
		most = max(most, len(list))
	}
	return n, most
}

// Who owns one network, or tells from one, fills few buckets: groups are masked.
// In the original until 2020 each address was a group of its own.
func TestOneNetworkFillsFewBuckets(t *testing.T) {
	b := newTable()
	for i := range 5000 { // one network told by one
		b.Add(start, ip(8, 8, i/250, i%250), ip(9, 9, 9, 9))
	}
	if n, most := used(b, 0); n != 1 || most != size {
		t.Errorf("one network told by one fills %d buckets with up to %d, want 1 with %d", n, most, size)
	}
	b = newTable()
	for i := range 10_000 { // all networks told by one network
		b.Add(start, ip(1+i%200, i/200, 1, 1), ip(9, 9, i%250, i/250))
	}
	if n, most := used(b, 0); n > spread || n < spread/2 || most > size {
		t.Errorf("all told from one network fills %d buckets with up to %d, want no more than %d with %d", n, most, spread, size)
	}
	b = newTable()
	for i := range 5000 { // one network told by all, and proven
		a := ip(8, 8, i/250, i%250)
		b.Add(start, a, ip(i%200, i/200, 1, 1))
		b.Good(start, a.Addr)
	}
	if n, most := used(b, 1); n > spreadO || n < 2 || most > size {
		t.Errorf("a network that is proven fills %d old buckets with up to %d, want no more than %d with %d", n, most, spreadO, size)
	}
}

// However many there are to add, and whatever is done to them, the table stays in its
// bounds and agrees with itself.
func TestBounds(t *testing.T) {
	b := newTable()
	r := rand.New(rand.NewPCG(3, 4))
	now := start
	for i := range 20_000 {
		now = now.Add(time.Second)
		a := ip(1+r.IntN(220), r.IntN(200), r.IntN(4), r.IntN(4))
		switch {
		case i%7 == 0:
			b.Good(now, a.Addr)
		case i%11 == 0:
			b.Attempt(now, a.Addr)
		case i%501 == 0:
			b.Remove(a.Addr)
		}
		b.Add(now, a, ip(1+r.IntN(220), r.IntN(200), 1, 1))
	}
	b.check(t)
	if b.Len() < 2000 || b.count[1] == 0 {
		t.Errorf("%d addresses, %d proven", b.Len(), b.count[1])
	}
}

func (t *Table) check(tb testing.TB) {
	tb.Helper()
	var count [2]int
	seen := map[*Known]int{}
	for kind, buckets := range t.kinds {
		for i, list := range buckets {
			if len(list) > size {
				tb.Fatalf("bucket %d of kind %d holds %d", i, kind, len(list))
			}
			for _, k := range list {
				if seen[k]++; seen[k] == 1 {
					count[kind]++
				}
				if t.by[k.Addr.Addr] != k || !slices.Contains(k.Buckets, i) || k.Old != (kind == 1) {
					tb.Fatalf("%v is in bucket %d of kind %d, but says %v", k.Addr, i, kind, k)
				}
			}
		}
	}
	for k, n := range seen {
		if n != len(k.Buckets) || n > most || k.Old && n != 1 {
			tb.Fatalf("%v is in %d buckets of %v", k.Addr, n, k.Buckets)
		}
	}
	if count != t.count || count[0]+count[1] != len(t.by) {
		tb.Fatalf("%v counted as %v, %d in all", count, t.count, len(t.by))
	}
}

// What is saved comes back to the same buckets, as the secret is the same.
func TestRestore(t *testing.T) {
	a := newTable()
	for i := range 2000 {
		x := ip(1+i%220, i/220, 1, 1)
		a.Add(start, x, ip(7, i%9, 1, 1))
		if i%3 == 0 {
			a.Good(start.Add(time.Duration(i)*time.Second), x.Addr)
		}
	}
	b := New(a.Key(), rand.New(rand.NewPCG(9, 9)))
	later := start.Add(time.Hour)
	for _, k := range a.All() {
		b.Restore(later, *k)
		b.Restore(later, *k)
	}
	b.check(t)
	if a.Len() != b.Len() {
		t.Fatalf("%d addresses became %d", a.Len(), b.Len())
	}
	all := a.All()
	for i, k := range b.All() {
		if o := all[i]; k.Addr != o.Addr || k.Old != o.Old || !slices.Equal(k.Buckets, o.Buckets) || !k.LastSuccess.Equal(o.LastSuccess) {
			t.Fatalf("%+v became %+v", o, k)
		}
	}
	k := Known{Addr: ip(3, 3, 3, 3), LastAttempt: later.Add(time.Hour), LastSuccess: later.Add(time.Hour), Buckets: []int{-1, 999, 5}}
	b.Restore(later, k)
	if got := b.by[k.Addr.Addr]; got.LastAttempt.After(later) || got.LastSuccess.After(later) {
		t.Errorf("restored from the future as %+v", got)
	}
	b.check(t)
}

// In a full bucket the worst gives way: what failed, then what was tried the
// longest ago. What was just tried is not bad yet.
func TestWorstGivesWay(t *testing.T) {
	b := newTable()
	src := ip(9, 9, 9, 9)
	for i := range size {
		b.Add(start.Add(time.Duration(i)*time.Second), ip(8, 8, 0, i), src)
	}
	failed := ip(8, 8, 0, 40)
	for range triesNever {
		b.Attempt(start.Add(time.Minute), failed.Addr)
	}
	at := start.Add(time.Minute + justNow/2)
	b.Add(at, ip(8, 8, 1, 1), src)
	if b.by[failed.Addr] == nil || b.by[ip(8, 8, 0, 0).Addr] != nil {
		t.Error("want the oldest to give way while what failed was just tried")
	}
	b.Add(at.Add(time.Hour), ip(8, 8, 1, 2), src)
	if b.by[failed.Addr] != nil {
		t.Error("want what failed to give way")
	}
}

// The likelihood of an unproven address grows with the bias, and Pick ends with
// whatever is there.
func TestPick(t *testing.T) {
	b := newTable()
	if b.Pick(50) != nil {
		t.Error("picked from an empty table")
	}
	for i := range 200 {
		a := ip(1+i, 1, 1, 1)
		b.Add(start, a, a)
		if i < 100 {
			b.Good(start, a.Addr)
		}
	}
	last := -1
	for _, bias := range []int{-5, 0, 30, 60, 100, 500} {
		fresh := 0
		for range 1000 {
			if !b.Pick(bias).Old {
				fresh++
			}
		}
		if fresh < last-60 || bias <= 0 && fresh > 0 || bias >= 100 && fresh < 1000 {
			t.Errorf("with bias %d %d of 1000 are unproven, after %d", bias, fresh, last)
		}
		last = fresh
	}
}

func BenchmarkAdd(b *testing.B) {
	t := newTable()
	i := 0
	for b.Loop() {
		i++
		t.Add(start, ip(1+i%220, i/220%250, i/55000%250, 1), ip(7, i%200, 1, 1))
	}
}

func ExampleTable() {
	t := New("secret", rand.New(rand.NewPCG(1, 1)))
	t.Add(start, ip(8, 8, 8, 8), ip(9, 9, 9, 9))
	t.Good(start, ip(8, 8, 8, 8).Addr)
	fmt.Println(t.Len(), t.Pick(0).Addr, t.Pick(100).Old)
	// Output: 1 8.8.8.8:26656 true
}
