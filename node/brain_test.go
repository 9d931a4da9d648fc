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
