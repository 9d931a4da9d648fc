package suite

import (
	"slices"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/node"
)

// simultaneousDial has both dial each other at the same moment, again and again.
// In the end there is one link, on both sides, and it works. That may take another
// attempt of ours: theirs keeps the link whose handshake it completes first, and
// nothing in it says which that is, so each side may end the one that the other keeps.
func simultaneousDial(t *testing.T) {
	for name, keys := range map[string][2]int{"our identity": {5, 6}, "theirs": {6, 5}, "others": {7, 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				meet(t, keys[0], keys[1])
			}
		})
	}
}

func meet(t *testing.T, our, their int) {
	p := &pair{theirs: theirs(t, their, nil)}
	a, err := tendermint.ParseNetAddress(p.theirs.Address())
	if err != nil {
		t.Fatal(err)
	}
	p.ours = start(t, our, nil, func(c *node.Config) { c.Core.Always = []addr.Addr{a.Addr} })
	p.theirs.Dial(p.ours.address()) // while we dial; it may lose
	p.ours.up(t, p.theirs.ID())
	for !p.works(t) {
	}
	p.use(t)
	if n := len(slices.Collect(p.ours.Links())); n != 1 || p.theirs.Peers().Size() != 1 {
		t.Errorf("we have %d links, they %d peers, want one", n, p.theirs.Peers().Size())
	}
}

// works sends a message on the one link that is left, and reports whether it came
// before the link ended.
func (p *pair) works(t *testing.T) bool {
	t.Helper()
	p.link = nil
	for links := slices.Collect(p.ours.Links()); len(links) != 1; links = slices.Collect(p.ours.Links()) {
		await(t, p.ours.events, "one link is left")
	}
	for l := range p.ours.Links() {
		p.link = l
	}
	if p.link == nil {
		return false
	}
	if p.link.Send(t.Context(), dialect.Message{Type: 0x30, Body: []byte("anybody there?")}) != nil {
		return false
	}
	select {
	case <-p.theirs.Received:
		return true
	case <-p.link.Done():
		return false
	}
}
