package node

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/transport/mem"
)

// A peer to hold on to that is known by name is recognized in a link to the
// address that the name leads to, and not dialed again.
func TestNameOfALink(t *testing.T) { synctest.Test(t, testNameOfALink) }

func testNameOfALink(t *testing.T) {
	netw := mem.New(time.Millisecond)
	netw.Name("one.example", host(1))
	b := member(netw, 2, 1)
	b.Core.Outbound = 1
	na, nb, l := two(t, member(netw, 1), b)
	b.Core.Always = []addr.Addr{{Host: "one.example", Port: host(1).Port}}
	if err := nb.Tune(b.Core); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Hour)
	if nb.only(t) != l || na.only(t).ID() != 1 {
		t.Error("connected anew")
	}
	rows, err := nb.Snapshot(t.Context())
	if err != nil || len(rows.Links) != 1 || !rows.Links[0].Always {
		t.Errorf("links %+v, %v", rows.Links, err)
	}
	if e := nb.Ended(10); len(e) != 1 || e[0].Kind != fault.Refused.String() {
		t.Errorf("dialed %d times by name: %+v", len(e), e)
	}
}
