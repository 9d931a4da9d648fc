package up

import (
	"crypto/sha256"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/route"
)

func TestLedger(t *testing.T) {
	l := newLedger(3)
	now := time.Now()
	block := []byte("block")
	sum := sha256.Sum256(block)
	l.enter(0, block, now)
	l.arrive(1, 1, sum, now.Add(time.Millisecond))
	l.arrive(0, 1, sum, now)                // its own, come back
	l.arrive(2, 1, sha256.Sum256(nil), now) // not what was made
	l.arrive(2, 2, sum, now)                // never made
	l.duplicate(1)
	for node, want := range []bool{false, false, true} {
		if l.lacks(node) != want {
			t.Errorf("node %d lacks a block: %v, want %v", node, !want, want)
		}
	}
	var r report
	l.sum(&r, []*member{{index: 0}, {index: 1}, {index: 2}})
	if r.Blocks != 1 || r.Expected != 2 || r.Delivered != 1 || r.Duplicates != 1 {
		t.Errorf("%+v, want 1 block, 1 of 2 deliveries, 1 duplicate", r)
	}
	if why := r.fails(); why != "1 of 2 deliveries did not arrive" {
		t.Errorf("verdict %q", why)
	}
	r = report{}
	l.sum(&r, []*member{{index: 0}, {index: 1}})
	if r.Expected != 1 || r.fails() != "" {
		t.Errorf("%+v, want nothing of node 2, which is down", r)
	}
	if height, rec, ok := l.last(); !ok || height != 1 || rec.reached != 1 || rec.slowest != time.Millisecond {
		t.Errorf("last block %d %+v", height, rec)
	}
}

// TestAwait wants a network waited for while it gets on, however long that takes, and
// given up once it does not.
func TestAwait(t *testing.T) { synctest.Test(t, testAwait) }

func testAwait(t *testing.T) {
	o := defaults()
	o.nodes = 2
	n, err := newNetwork(o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	const blocks, pause, patience = 5, 9 * time.Second, 10 * time.Second
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		arrives := time.NewTicker(pause)
		defer arrives.Stop()
		for i := range blocks {
			block := []byte{byte(i)}
			n.book.enter(0, block, time.Now())
			<-arrives.C
			n.book.arrive(1, uint64(1+i), sha256.Sum256(block), time.Now())
		}
	})
	start := time.Now()
	all := func() bool { return n.book.arrivals() == blocks }
	if !n.await(t.Context(), patience, all) || time.Since(start) != blocks*pause {
		t.Errorf("given up after %v with %d of %d blocks", time.Since(start), n.book.arrivals(), blocks)
	}
	start = time.Now()
	if n.await(t.Context(), patience, func() bool { return false }) || time.Since(start) != patience {
		t.Errorf("given up after %v, want %v", time.Since(start), patience)
	}
}

// TestLines wants dialers told apart that the system gave one port, which it does
// in one network of nine nodes in thirty.
func TestLines(t *testing.T) {
	from, first, second := loopback.WithPort(40000), loopback.WithPort(1), loopback.WithPort(2)
	var l lines
	if m, ok := l.maker(from, first); ok {
		t.Errorf("member %d made what nobody has", m)
	}
	l.made(7, from, first)
	l.made(8, from, second)
	for at, want := range map[addr.Addr]int{first: 7, second: 8} {
		if m, ok := l.maker(from, at); !ok || m != want {
			t.Errorf("the connection to %v is of %d (%v), want %d", at, m, ok, want)
		}
	}
	l.made(9, from, first)
	if m, _ := l.maker(from, first); m != 9 {
		t.Errorf("a port that changed hands is %d's, want 9's", m)
	}
}

func TestLoss(t *testing.T) {
	live := make([]route.Target, 1001)
	live[7].Origin = true
	for _, c := range []struct{ perMille, low, high int }{{0, 1000, 1000}, {100, 850, 950}, {1000, 0, 0}} {
		l := &loss{perMille: c.perMille, rand: stream(1, 0)}
		got := l.Pick([]int{-1}, live, nil)
		if n := len(got) - 1; n < c.low || n > c.high || got[0] != -1 || slices.Contains(got, 7) {
			t.Errorf("with %d per mille lost %d of 1000 are left, want %d to %d, without the origin", c.perMille, n, c.low, c.high)
		}
	}
	a, b := &loss{perMille: 500, rand: stream(1, 0)}, &loss{perMille: 500, rand: stream(1, 0)}
	if !slices.Equal(a.Pick(nil, live, nil), b.Pick(nil, live, nil)) {
		t.Error("one seed loses different messages")
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct{ nodes, want int }{{1, 1}, {2, 1}, {3, 2}, {5, 4}, {8, 4}, {16, 5}, {100, 8}} {
		if got := target(c.nodes); got != c.want {
			t.Errorf("%d nodes look for %d links each, want %d", c.nodes, got, c.want)
		}
	}
}

func TestKeepIsBounded(t *testing.T) {
	for _, c := range []struct{ nodes, size, want int }{{5, 10 << 10, maxKeep}, {100, 1 << 20, minKeep}, {1, 0, maxKeep}, {10, 256 << 10, 102}} {
		o := options{nodes: c.nodes, blockSize: c.size}
		if got := o.keep(); got < c.want-1 || got > c.want {
			t.Errorf("%d nodes keep %d blocks of %d bytes, want %d", c.nodes, got, c.size, c.want)
		}
	}
}
