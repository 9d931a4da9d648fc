package node

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport"
	"parley/transport/mem"
)

// countedDials counts the attempts to connect.
type countedDials struct {
	transport.Transport
	n atomic.Int32
}

func (c *countedDials) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	c.n.Add(1)
	return c.Transport.Dial(ctx, to)
}

// A brain that always has something to do still does what is due: a request
// every half a millisecond, which is less than the least pause between two wakes,
// must not put off the next attempt to dial.
func TestBusyBrainKeepsTime(t *testing.T) { synctest.Test(t, testBusyBrainKeepsTime) }

func testBusyBrainKeepsTime(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 1, 2) // nobody listens on host 2
	dials := &countedDials{Transport: cfg.Transport}
	cfg.Transport = dials
	n := run(t, cfg)
	for range 20_000 {
		if _, err := n.Unban(host(9)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond / 2)
	}
	if k := dials.n.Load(); k < 3 {
		t.Errorf("%d attempts to dial within ten seconds, want at least 3", k)
	}
}
