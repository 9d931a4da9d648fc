package node

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport/mem"
)

// A peer to hold on to is dialed for ever, and its name is looked up each time.
func TestAlwaysByName(t *testing.T) { synctest.Test(t, testAlwaysByName) }

func testAlwaysByName(t *testing.T) {
	netw := mem.New(time.Millisecond)
	cfg := member(netw, 3)
	cfg.Core.Always = []addr.Addr{{Host: "peer.example", Port: 8000}}
	n := run(t, cfg)
	time.Sleep(6 * time.Hour) // in which nobody knows the name
	tries := len(n.Ended(1000))
	if tries < 100 {
		t.Errorf("dialed %d times in six hours", tries)
	}
	const most = 16 * time.Second * 3 / 2 // the longest pause, and what it is longer by chance
	first := run(t, member(netw, 1))
	netw.Name("peer.example", host(1))
	time.Sleep(most)
	if l := n.only(t); l.Intro().Nonce != 1 || !l.Always() {
		t.Errorf("linked to %d", l.Intro().Nonce)
	}
	first.stop()
	run(t, member(netw, 2))
	netw.Name("peer.example", host(2))
	time.Sleep(most)
	if l := n.only(t); l.Intro().Nonce != 2 {
		t.Errorf("linked to %d, though the name leads to 2 by now", l.Intro().Nonce)
	}
}
