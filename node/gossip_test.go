package node

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/route"
	"parley/transport/mem"
)

// Twenty nodes that know one seed find each other, and what one says reaches
// all, relayed by each that has not seen it.
func TestGossip(t *testing.T) { synctest.Test(t, testGossip) }

func testGossip(t *testing.T) {
	const count = 20
	netw := mem.New(30 * time.Millisecond)
	nodes := make([]*running, count)
	var mu sync.Mutex
	got := make([]map[string]int, count)
	for i := range count {
		got[i] = map[string]int{}
		cfg := member(netw, i+1, 1)
		cfg.Core.Outbound = 3
		cfg.Handler = events{receive: func(l *Link, ms []dialect.Message) {
			for _, m := range ms {
				mu.Lock()
				got[i][string(m.Body)]++
				first := got[i][string(m.Body)] == 1
				mu.Unlock()
				if first {
					nodes[i].Broadcast(m, route.All(), l)
				}
			}
		}}
		nodes[i] = run(t, cfg)
	}
	time.Sleep(3 * time.Minute) // virtual
	for i, n := range nodes {
		if links := len(slices.Collect(n.Links())); links < 2 {
			t.Errorf("node %d holds %d links after minutes of discovery", i, links)
		}
	}
	nodes[5].Broadcast(app("hi"), route.All(), nil)
	time.Sleep(2 * time.Second)
	mu.Lock()
	defer mu.Unlock()
	for i := range count {
		if got[i]["hi"] == 0 && i != 5 {
			t.Errorf("node %d was not reached", i)
		}
	}
}

// A node goes on when another dies, and takes it back when it returns.
func TestRestart(t *testing.T) { synctest.Test(t, testRestart) }

func testRestart(t *testing.T) {
	netw := mem.New(time.Millisecond)
	var ups, downs int
	cfg := member(netw, 2, 1)
	cfg.Core = core.Config{Always: []addr.Addr{host(1)}, Backoff: time.Second}
	cfg.Handler = events{peer: func(_ *Link, up bool, why error) {
		if up {
			ups++
		} else {
			downs++
			if why == nil {
				t.Error("a link went down without a reason")
			}
		}
	}}
	a, b, l := two(t, member(netw, 1), cfg)
	if !l.Always() || !l.Dialed() || l.Addr() != host(1) {
		t.Errorf("link: always %v, dialed %v, to %s", l.Always(), l.Dialed(), l.Addr())
	}
	a.stop()
	<-l.Done()
	time.Sleep(10 * time.Second)
	run(t, member(netw, 1))
	time.Sleep(time.Minute)
	again := b.only(t)
	if again == l || again.ID() == l.ID() || ups != 2 || downs != 1 {
		t.Errorf("back as link %d after %d with %d joins and %d leaves", again.ID(), l.ID(), ups, downs)
	}
}
