package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
)

// rivals makes two nodes that dial each other, the second a while after the
// first, and returns them.
func rivals(t *testing.T, w *World, version uint16, after time.Duration) []*Node {
	t.Helper()
	for i := range 2 {
		d, err := factom.New(factom.Config{Version: version, NodeID: uint32(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		cfg := core.Config{Outbound: -1, Always: []addr.Addr{place(1 - i)}}
		w.AddNode(Spec{Addr: place(i), Dialect: d, Self: dialect.Self{Network: 7}, Core: cfg})
		run(t, w, after)
	}
	return w.Nodes()
}

// TestTwins has two nodes dial each other at once and speak all the time. Nothing
// is lost or doubled, and at the end there is one link.
func TestTwins(t *testing.T) {
	handed := 0
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		w.Mode = Mode(seed / 2 % 2)
		w.Path = func(*rand.Rand, addr.Addr, addr.Addr) Path {
			return Path{Delay: time.Duration(1+seed%5) * time.Millisecond, Jitter: 4 * time.Millisecond, Bandwidth: 100_000}
		}
		ns := rivals(t, w, uint16(9+seed%3), time.Duration(seed%7)*time.Millisecond)
		var said [2]int
		var got [2]map[string]int
		for i, n := range ns {
			got[i] = map[string]int{}
			n.Receive = func(_ core.LinkID, m dialect.Message) { got[i][string(m.Body)]++ }
		}
		for range 60 {
			run(t, w, time.Millisecond)
			for i, n := range ns {
				for id := range n.Links() {
					m := dialect.Message{Type: uint32(factom.TypeMessage), For: dialect.ToApp, Body: fmt.Appendf(nil, "%04d", said[i])}
					if n.Queue(id, m) {
						said[i]++
					}
				}
			}
		}
		run(t, w, 3*time.Second)
		for i, n := range ns {
			once := len(got[1-i]) == said[i]
			for _, k := range got[1-i] {
				once = once && k == 1
			}
			if !once || n.Degree() != 1 || len(n.parting) != 0 {
				t.Errorf("seed %d: of %d messages of node %d, %d arrived; %d links, %d parting",
					seed, said[i], i, len(got[1-i]), n.Degree(), len(n.parting))
			}
			handed += int(n.Counters().Opened) - 1
		}
	}
	if handed < 20 {
		t.Errorf("a node had two links %d times: not the test it means to be", handed)
	}
}

// TestPartingEnds checks that a link that is parting ends with its node, and
// after a minute if the other node is gone without a word.
func TestPartingEnds(t *testing.T) {
	for _, vanish := range []bool{false, true} {
		w, a, b := pair(t, Path{Delay: time.Millisecond}, Spec{})
		x := a.ports[a.live[0]].x
		if vanish {
			w.Vanish(b)
		}
		a.Do(func(c *core.Node, now time.Time, e *core.Effects) {
			c.Closed(now, x.id, nil, e)
			e.Close = append(e.Close, core.Close{Link: x.id, Flush: true, Hear: true, Last: true})
		})
		run(t, w, 50*time.Second)
		if len(a.parting) != 1 {
			t.Fatal("the link ended before its peer wanted it to")
		}
		if !vanish {
			w.Crash(a)
		}
		run(t, w, 20*time.Second)
		if len(a.parting) != 0 || x.cond != over && x.n != nil {
			t.Error("the link has not ended")
		}
	}
}
