package node

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// A brain that always has something to do still does what is due: a request
// every half a millisecond, which is less than the least pause between two wakes,
// must not put off the next round.
func TestBusyBrainKeepsTime(t *testing.T) { synctest.Test(t, testBusyBrainKeepsTime) }

func testBusyBrainKeepsTime(t *testing.T) {
	cfg := member(mem.New(0), 1)
	cfg.Core.RoundTime, cfg.Core.DropTo = time.Second, 1
	n := run(t, cfg)
	for range 20_000 {
		if _, err := n.Unban(host(9), ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond / 2)
	}
	s, err := n.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Rounds < 8 {
		t.Errorf("%d rounds within ten seconds, want one a second", s.Rounds)
	}
}

// A request that is there before the brain's first wake does not take its place: a
// node that was never woken would not dial. Which of the two the brain sees first is
// chance, hence the many nodes.
func TestRequestBeforeTheFirstWake(t *testing.T) { synctest.Test(t, testRequestBeforeTheFirstWake) }

func testRequestBeforeTheFirstWake(t *testing.T) {
	const nodes = 30
	netw := mem.New(0)
	listener, up := member(netw, 1), make(chan *Link, nodes)
	listener.Core.Inbound = nodes
	listener.Handler = events{peer: func(l *Link, on bool, _ error) {
		if on {
			up <- l
		}
	}}
	run(t, listener)
	for i := range nodes {
		run(t, member(netw, 2+i, 1), func(n *Node) { n.inbox.put(func(time.Time) {}) })
	}
	late := time.After(time.Minute)
	for i := range nodes {
		select {
		case <-up:
		case <-late:
			t.Fatalf("%d of %d nodes have dialed", i, nodes)
		}
	}
}
