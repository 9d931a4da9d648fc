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
	ups, downs, last := 0, 0, make(chan time.Time, 1)
	cfg.Handler = events{peer: func(_ *Link, up bool, _ error) {
		if up {
			ups++
		} else if downs++; downs == links {
			last <- time.Now()
		}
	}}
	n := run(t, cfg)
	for i := range links {
		c := raw(t, netw, 1)
		const yes = 1
		if _, err := c.Write(append(hello(network, uint64(2+i)), yes)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the listener takes them one by one
	}
	if ups != links {
		t.Fatalf("%d links are up", ups)
	}
	start := time.Now()
	n.cancel()
	if took := (<-last).Sub(start); took > 2*minWake+links/64*2*time.Millisecond {
		t.Errorf("the last link ended after %v", took)
	}
	n.stop()
}
