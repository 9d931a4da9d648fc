package book

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/addr"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func at(s string) addr.Addr {
	a, err := addr.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// page returns what is in the book.
func page(b *Book) []Record {
	rs, _ := b.Page(nil, b.Len(), b.Len())
	return rs
}

// texts returns what is in the book, sorted.
func texts(b *Book) []string {
	var out []string
	for _, r := range page(b) {
		out = append(out, r.Addr.String())
	}
	slices.Sort(out)
	return out
}

func wantIn(t *testing.T, b *Book, why string, want ...string) {
	t.Helper()
	if got := texts(b); !slices.Equal(got, want) {
		t.Errorf("%s: book holds %v, want %v", why, got, want)
	}
}

func always(addr.Addr, string) (time.Time, bool) { return time.Time{}, true }

func take(t *testing.T, b *Book, now time.Time, want string) {
	t.Helper()
	a, ok := b.Take(now, newRand(1), always)
	got := "none"
	if ok {
		got = a.String()
	}
	if got != want {
		t.Errorf("Take gave %s, want %s", got, want)
	}
	if err := audit(b); err != nil {
		t.Error(err)
	}
}

var source1, source2 = addr.Addr{Host: "one"}, addr.Addr{Host: "two"}

func TestSize(t *testing.T) {
	b := New(Limits{Size: 3, PerGroup: 9, PerSource: 9, Spread: 9})
	b.Add(at("8.1.0.1:1"), source1)
	b.Add(at("8.2.0.1:1"), source1)
	b.Add(at("8.3.0.1:1"), addr.Addr{})
	b.Add(at("8.4.0.1:1"), source2)
	wantIn(t, b, "the address known longest gives way", "8.2.0.1:1", "8.3.0.1:1", "8.4.0.1:1")

	b.Hold(at("8.4.0.1:1"))
	b.Release(at("8.4.0.1:1"), 1, epoch)
	b.Add(at("8.5.0.1:1"), source1)
	wantIn(t, b, "one that failed gives way before one known longer", "8.2.0.1:1", "8.3.0.1:1", "8.5.0.1:1")

	for i := range 9 {
		b.Add(at(fmt.Sprintf("8.9.0.%d:1", i+1)), source1)
	}
	if !slices.Contains(texts(b), "8.3.0.1:1") {
		t.Error("what the operator told gave way to what peers told")
	}
	b.Hold(at("8.3.0.1:1"))
	for _, a := range texts(b) {
		b.Hold(at(a))
	}
	if b.Add(at("8.10.0.1:1"), addr.Addr{}) || b.Len() != 3 {
		t.Error("an address in use gave way")
	}
}

func TestProvenOutlasts(t *testing.T) {
	b := New(Limits{Size: 2, PerGroup: 9, PerSource: 9, Spread: 9})
	b.Add(at("8.1.0.1:1"), source1)
	b.Hold(at("8.1.0.1:1"))
	b.Worked(epoch, at("8.1.0.1:1"))
	b.Release(at("8.1.0.1:1"), 3, epoch)
	b.Restore(Record{Addr: at("8.2.0.1:1"), Anchor: true})
	if b.Add(at("8.3.0.1:1"), source1) || b.Add(at("8.4.0.1:1"), addr.Addr{}) {
		t.Error("an address that worked, or an anchor, gave way to an untried one")
	}
	wantIn(t, b, "both are still there", "8.1.0.1:1", "8.2.0.1:1")
	if b.Restore(Record{Addr: at("8.5.0.1:1"), Seen: epoch, Tries: 5}) {
		t.Error("a worse address of the same kind displaced a better one")
	}
	if !b.Restore(Record{Addr: at("8.5.0.1:1"), Seen: epoch, Tries: 2}) {
		t.Error("a better address of the same kind displaced none")
	}
	wantIn(t, b, "the worst of its kind is gone", "8.2.0.1:1", "8.5.0.1:1")
}

func TestGroupLimit(t *testing.T) {
	b := New(Limits{Size: 99, PerGroup: 2, PerSource: 99, Spread: 9})
	for i := range 4 {
		b.Add(at(fmt.Sprintf("8.1.0.%d:1", i+1)), source1)
		b.Add(at(fmt.Sprintf("10.1.0.%d:1", i+1)), source1)
	}
	wantIn(t, b, "two of one neighborhood, but any number of a local one",
		"10.1.0.1:1", "10.1.0.2:1", "10.1.0.3:1", "10.1.0.4:1", "8.1.0.3:1", "8.1.0.4:1")
}

func TestSourceLimit(t *testing.T) {
	b := New(Limits{Size: 99, PerGroup: 99, PerSource: 2, Spread: 9})
	for i := range 4 {
		b.Add(at(fmt.Sprintf("8.%d.0.1:1", i+1)), source1)
	}
	b.Add(at("8.9.0.1:1"), source2)
	wantIn(t, b, "the last two of one source", "8.3.0.1:1", "8.4.0.1:1", "8.9.0.1:1")

	b.Hold(at("8.3.0.1:1"))
	b.Worked(epoch, at("8.3.0.1:1"))
	b.Add(at("8.5.0.1:1"), source1)
	wantIn(t, b, "what worked is nobody's any more", "8.3.0.1:1", "8.4.0.1:1", "8.5.0.1:1", "8.9.0.1:1")

	b.Add(at("8.4.0.1:1"), addr.Addr{})
	b.Add(at("8.6.0.1:1"), source1)
	b.Add(at("8.7.0.1:1"), source1)
	wantIn(t, b, "what the operator told as well is the operator's",
		"8.3.0.1:1", "8.4.0.1:1", "8.6.0.1:1", "8.7.0.1:1", "8.9.0.1:1")
	for i := range 50 {
		b.Add(at(fmt.Sprintf("8.%d.0.2:1", i+1)), addr.Addr{})
	}
	if b.Len() != 55 {
		t.Errorf("the operator told 50 addresses, but the book holds %d", b.Len())
	}
}

func TestTake(t *testing.T) {
	b := New(Limits{Size: 99, PerGroup: 99, PerSource: 99, Spread: 1})
	take(t, b, epoch, "none")
	if !b.Next(epoch).IsZero() {
		t.Error("an empty book has something to wait for")
	}
	a1, a2 := at("8.1.0.1:1"), at("8.1.0.2:1")
	b.Add(a1, source1)
	take(t, b, epoch, "8.1.0.1:1")
	take(t, b, epoch, "none")
	b.Use(a1, 1)
	b.Add(a2, source1)
	take(t, b, epoch, "none") // its neighbor is dialed
	b.Use(a1, -1)
	take(t, b, epoch, "8.1.0.2:1")
	b.Release(a1, 1, epoch.Add(time.Minute))
	take(t, b, epoch, "none")
	if got := b.Next(epoch); !got.Equal(epoch.Add(time.Minute)) {
		t.Errorf("next is %v, want a minute later", got)
	}
	take(t, b, epoch.Add(time.Minute), "8.1.0.1:1")
	if b.Tries(a1) != 1 || b.Tries(a2) != 0 || b.Tries(at("8.9.0.1:1")) != 0 {
		t.Error("tries are not what Release said")
	}
}

func TestTakeAsks(t *testing.T) {
	b := New(Limits{Size: 999, PerGroup: 999, PerSource: 999, Spread: 9})
	for i := range 2 * maxSkips {
		b.Add(at(fmt.Sprintf("8.%d.0.1:1", i)), source1)
	}
	asked := 0
	no := func(addr.Addr, string) (time.Time, bool) { asked++; return epoch.Add(time.Hour), false }
	if _, ok := b.Take(epoch, newRand(1), no); ok || asked != maxSkips {
		t.Errorf("Take asked %d times, limit %d", asked, maxSkips)
	}
	if got := b.Next(epoch); !got.Equal(epoch.Add(pause)) {
		t.Errorf("there is more to ask about, but next is %v", got.Sub(epoch))
	}
	b.Take(epoch, newRand(1), no)
	if got := b.Next(epoch.Add(time.Second)); !got.Equal(epoch.Add(pause + time.Second)) {
		t.Errorf("Take may have left something, but next is %v", got.Sub(epoch))
	}
	b.Take(epoch, newRand(1), no)
	if got := b.Next(epoch); !got.Equal(epoch.Add(time.Hour)) {
		t.Errorf("all were set aside for an hour, but next is %v", got.Sub(epoch))
	}
	// Those that the caller found another use for are out of reach.
	used := func(addr.Addr, string) (time.Time, bool) { return time.Time{}, false }
	for range 3 {
		b.Take(epoch.Add(time.Hour), newRand(1), used)
	}
	if !b.Next(epoch.Add(time.Hour)).IsZero() {
		t.Error("addresses in use are waited for")
	}
	if err := audit(b); err != nil {
		t.Error(err)
	}
}

func TestSoonAndTiers(t *testing.T) {
	b := New(Limits{Size: 999, PerGroup: 999, PerSource: 999, Spread: 999})
	for i := range 40 {
		a := at(fmt.Sprintf("8.%d.0.1:1", i))
		b.Add(a, source1)
		if i%2 == 0 {
			b.Hold(a)
			b.Release(a, 1, epoch.Add(-1))
		}
	}
	b.Restore(Record{Addr: at("8.3.0.1:1"), Seen: epoch, Anchor: true})
	b.Soon(at("8.5.0.1:1"))
	b.Soon(at("8.6.0.1:1")) // it waits, or did until now
	first := map[string]bool{}
	for range 2 {
		a, _ := b.Take(epoch, newRand(3), always)
		first[a.String()] = true
	}
	if !first["8.3.0.1:1"] || !first["8.5.0.1:1"] {
		t.Errorf("the first were %v, want the anchor and the alternative", first)
	}
	failed := 0
	r := newRand(4)
	for range 16 {
		if a, _ := b.Take(epoch, r, always); b.Tries(a) > 0 {
			failed++
		}
	}
	if failed == 0 || failed > 9 {
		t.Errorf("of 16 taken, %d had failed, want some but not most", failed)
	}
}

func TestRestoreKnown(t *testing.T) {
	b := New(Limits{Size: 9, PerGroup: 9, PerSource: 9, Spread: 9})
	a := at("8.1.0.1:1")
	b.Add(a, addr.Addr{})
	if !b.Restore(Record{Addr: a, Seen: epoch, Tries: 2}) {
		t.Error("nothing was learned of a seed that worked before")
	}
	if b.Restore(Record{Addr: a, Seen: epoch.Add(time.Hour)}) {
		t.Error("what is known was replaced")
	}
	if got := page(b); len(got) != 1 || got[0] != (Record{Addr: a, Seen: epoch, Tries: 2}) {
		t.Errorf("book holds %v", got)
	}
}

func TestRecent(t *testing.T) {
	b := New(Limits{Size: 99, PerGroup: 99, PerSource: 99, Spread: 99})
	for i := range 8 {
		a := at(fmt.Sprintf("8.%d.0.1:1", i))
		b.Add(a, source1)
		b.Hold(a)
		b.Worked(epoch.Add(time.Duration(i)*time.Minute), a)
		switch i {
		case 4:
			b.Release(a, 1, epoch) // failed since
		case 5: // in use
		case 6:
			b.Release(a, 2, epoch)
		default:
			b.Release(a, 0, epoch)
		}
	}
	not3 := func(a addr.Addr) bool { return a != at("8.3.0.1:1") }
	got := map[string]bool{}
	for seed := range uint64(50) {
		for _, a := range b.Recent(nil, newRand(seed), 2, epoch.Add(time.Minute), not3) {
			got[a.String()] = true
		}
		if all := b.Recent(nil, newRand(seed), 1, epoch, not3); len(all) > 1 {
			t.Fatalf("asked for 1, got %v", all)
		}
	}
	if len(got) != 3 || !got["8.1.0.1:1"] || !got["8.2.0.1:1"] || !got["8.7.0.1:1"] {
		t.Errorf("shared were %v, want 8.1, 8.2 and 8.7", got)
	}
	if err := audit(b); err != nil {
		t.Error(err)
	}
}

func TestFresh(t *testing.T) {
	b := New(Limits{Size: 9, PerGroup: 9, PerSource: 9, Spread: 1})
	want := func(n int, when string) {
		t.Helper()
		if b.Fresh() != n {
			t.Errorf("%s: %d are fresh, want %d", when, b.Fresh(), n)
		}
	}
	a1, a2 := at("8.1.0.1:1"), at("8.1.0.2:1")
	b.Add(a1, source1)
	b.Add(a2, source1)
	want(2, "two were told")
	b.Soon(a2)
	take(t, b, epoch, "8.1.0.2:1")
	b.Use(a2, 1)
	want(1, "one is being tried, and keeps its neighbor from being dialed")
	b.Worked(epoch, a2)
	want(0, "it worked")
	b.Use(a2, -1)
	b.Release(a2, 0, epoch)
	want(1, "its neighbor may be dialed now")
	b.Hold(a1)
	want(0, "somebody from there came in")
	b.Release(a1, 1, epoch)
	want(0, "it failed")
}

func TestLeads(t *testing.T) {
	b := New(Limits{Size: 9, PerGroup: 9, PerSource: 9, Spread: 9})
	a := at("8.1.0.1:1")
	b.Add(a, source1)
	b.Leads(a, "peer")
	b.Leads(at("8.2.0.1:1"), "nobody")
	asked := ""
	b.Take(epoch, newRand(1), func(_ addr.Addr, id string) (time.Time, bool) { asked = id; return epoch, true })
	if asked != "peer" || b.Identity(a) != "peer" || b.Identity(at("8.2.0.1:1")) != "" {
		t.Errorf("Take asked about %q, want peer", asked)
	}
}

func TestTune(t *testing.T) {
	b := New(Limits{Size: 99, PerGroup: 9, PerSource: 99, Spread: 9})
	for i := range 12 {
		b.Add(at(fmt.Sprintf("8.%d.0.%d:1", i%3, i)), source1)
	}
	b.Hold(at("8.0.0.0:1"))
	tune := func(lim Limits) {
		b.Tune(lim)
		for b.Trim(1) {
		}
	}
	tune(Limits{Size: 99, PerGroup: 2, PerSource: 99, Spread: 1})
	wantIn(t, b, "two of each group", "8.0.0.0:1", "8.0.0.9:1", "8.1.0.10:1", "8.1.0.7:1", "8.2.0.11:1", "8.2.0.8:1")
	tune(Limits{Size: 99, PerGroup: 2, PerSource: 4, Spread: 1})
	wantIn(t, b, "four of the source", "8.0.0.0:1", "8.0.0.9:1", "8.1.0.10:1", "8.2.0.11:1")
	tune(Limits{Size: 2, PerGroup: 2, PerSource: 4, Spread: 1})
	wantIn(t, b, "two in all, one in use", "8.0.0.0:1", "8.2.0.11:1")
	if err := audit(b); err != nil {
		t.Error(err)
	}
	b.Remove(at("8.2.0.11:1"))
	if b.Remove(at("8.0.0.0:1")) || b.Remove(at("8.9.0.0:1")) || b.Len() != 1 {
		t.Error("Remove took what was in use or not there")
	}
}
