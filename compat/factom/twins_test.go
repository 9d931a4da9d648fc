package p2p

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// H11: two networks that dial each other at about the same moment, and send from
// the first moment on, lose nothing: not on the connection that gives way, nor
// between the two.
func TestH11SimultaneousDialsLoseNothing(t *testing.T) {
	replaced := 0
	for i := range 24 {
		synctest.Test(t, func(t *testing.T) { replaced += crossDials(t, i) })
	}
	if replaced == 0 {
		t.Error("no connection took the place of another: not the test it means to be")
	}
}

// crossDials returns how many connections took the place of others.
func crossDials(t *testing.T, i int) (replaced int) {
	netw := mem.New(4 * time.Millisecond)
	versions := []uint16{9, 10, 11}
	ca, cb := numbered(local(versions[i%3]), 1+i%2), numbered(local(versions[i/3%3]), 2-i%2)
	ca.Special, cb.Special = place(2), place(1)
	a := virtual(t, netw, 1, ca)
	time.Sleep(time.Duration(i/4) * time.Millisecond)
	b := virtual(t, netw, 2, cb)
	sent := map[*Network]int{}
	first := map[*Network]*Peer{}
	for range 200 {
		time.Sleep(200 * time.Microsecond)
		for _, n := range []*Network{a, b} {
			if n.Total() == 0 && sent[n] > 0 {
				t.Fatal("a network was without its peer")
			}
			for _, p := range n.peers.Slice() {
				if first[n] == nil {
					first[n] = p
				}
				for _, target := range []string{FullBroadcast, RandomPeer, p.Hash, first[n].Hash} {
					n.BlockingSend(NewParcel(target, fmt.Appendf(nil, "%d %d", n.conf.NodeID, sent[n])))
					sent[n]++
				}
				// An old pointer, as a broadcast under way has it, leads on.
				n.pass(first[n], false, func(to *Peer) bool {
					return to.link.Queue(message(NewParcel("", fmt.Appendf(nil, "%d %d", n.conf.NodeID, sent[n]))), nil)
				})
				sent[n]++
			}
		}
	}
	time.Sleep(time.Second)
	for _, p := range [][2]*Network{{a, b}, {b, a}} {
		from, to := p[0], p[1]
		got := map[string]bool{}
		for range len(to.FromNetwork) {
			got[string(next(t, to).Payload)] = true
		}
		if len(got) != sent[from] || from.GetInfo().Dropped != 0 || from.Total() != 1 {
			t.Errorf("%d of %d parcels arrived, %d counted as lost, %d peers", len(got), sent[from], from.GetInfo().Dropped, from.Total())
		}
		if only(t, from) != first[from] {
			replaced++
		}
	}
	a.Stop()
	b.Stop()
	return replaced
}
