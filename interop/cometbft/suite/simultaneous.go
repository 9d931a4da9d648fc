package suite

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"parley/dialect/tendermint"
)

// simultaneousDial has both dial each other at the same moment, again and again.
// Whichever link theirs keeps, ours keeps too: one remains, on both sides, without
// another attempt.
func simultaneousDial(t *testing.T) {
	for name, keys := range map[string][2]int{"our identity": {5, 6}, "theirs": {6, 5}, "others": {7, 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				meet(t, keys[0], keys[1])
			}
		})
	}
}

func meet(t *testing.T, our, their int) {
	p := &pair{ours: start(t, our, nil, nil), theirs: theirs(t, their, nil)}
	a, err := tendermint.ParseNetAddress(p.theirs.Address())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.theirs.Dial(p.ours.address()) }) // may lose to ours
	wg.Go(func() {
		c, err := net.Dial("tcp", netip.AddrPortFrom(a.Addr.IP, a.Addr.Port).String())
		if err != nil {
			t.Error(err)
			return
		}
		p.ours.Attach(t.Context(), c, true) // may lose to theirs
	})
	wg.Wait()
	p.link = p.ours.up(t, p.theirs.ID())
	find(t, p.theirs.Events, "they have us", isUp)
	p.use(t)
	if n := len(slices.Collect(p.ours.Links())); n != 1 || p.theirs.Peers().Size() != 1 {
		t.Errorf("we have %d links, they %d peers, want one", n, p.theirs.Peers().Size())
	}
	select {
	case <-p.link.Done():
		t.Error("the link that was up first did not stay")
	default:
	}
}
