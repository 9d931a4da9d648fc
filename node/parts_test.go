package node

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// What the brain leaves for the next wake, because there is much of it, does not
// wait as timers do: a node with many links stops in good order, and soon.
func TestStopManyLinks(t *testing.T) { synctest.Test(t, testStopManyLinks) }

func testStopManyLinks(t *testing.T) {
	const links = 1000
	netw := mem.New(0)
	cfg := member(netw, 1)
	cfg.Core.Inbound, cfg.Core.Opening, cfg.AcceptRate = links, links, -1
	n := run(t, cfg)
	for i := range links {
		time.Sleep(time.Millisecond) // the listener takes them one by one
		c := raw(t, netw, 1)
		if _, err := c.Write(hello(network, uint64(2+i))); err != nil {
			t.Fatal(err)
		}
		const yes = 1
		if _, err := c.Write([]byte{yes}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	if up := len(n.live.Load().links); up != links {
		t.Fatalf("%d links are up", up)
	}
	start := time.Now()
	n.cancel()
	for len(n.live.Load().links) > 0 {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(start); took > 2*minWake+links/64*2*time.Millisecond {
		t.Errorf("the last link ended after %v", took)
	}
	n.stop()
}
