package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
)

// TestStall has one node of a network stop reading. The others go on without
// it; it reads everything once it is back.
func TestStall(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 30)
		run(t, w, time.Minute)
		slow := ns[11]
		f := NewFlood(w, route.All())
		w.Stall(slow, 20*time.Second)
		var ss []*Spread
		for i := range 15 {
			s := f.Start(ns[i*4%11], toy.App, 5_000)
			ss = append(ss, s)
			run(t, w, time.Second)
			if s.Reached != len(ns)-1 || s.Has(slow) {
				t.Fatalf("message %d reached %d nodes, the stalled one: %v; want %d and false", i, s.Reached, s.Has(slow), len(ns)-1)
			}
		}
		degree := slow.Degree()
		run(t, w, 10*time.Second)
		for i, s := range ss {
			if !s.Has(slow) {
				t.Errorf("message %d did not reach the node that was stalled", i)
			}
		}
		if slow.Degree() < degree {
			t.Errorf("the node lost %d links by stalling for less than a timeout", degree-slow.Degree())
		}
	})
}

// TestWindow counts what a node that does not read lets come near, and what
// its peer's outbox takes then: messages of 1,000 bytes with their frame, which
// cost 1,060 in the outbox.
func TestWindow(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 10 * time.Millisecond}, Spec{Outbox: 10 * 1060})
	log := arrivals(b)
	w.Stall(b, 10*time.Second)
	taken := 0
	for i := range 100 {
		taken += send(a, fmt.Sprint(i)+strings.Repeat(".", 996-len(fmt.Sprint(i))))
		run(t, w, time.Millisecond)
	}
	if want := (Window+999)/1000 + 10; taken != want {
		t.Errorf("%d messages were taken, want %d", taken, want)
	}
	if c := a.Counters(); c.Refused != uint64(100-taken) {
		t.Errorf("%d messages were refused, want %d", c.Refused, 100-taken)
	}
	for id := range a.Links() {
		if q := a.Traffic(id).Queued; q != 10*1060 {
			t.Errorf("%d bytes are queued, want %d", q, 10*1060)
		}
	}
	if len(*log) != 0 {
		t.Errorf("a stalled node received %d messages", len(*log))
	}
	run(t, w, time.Minute)
	if len(*log) != taken || (*log)[0] != "11s 0......." || (*log)[taken-1] != fmt.Sprintf("11.02s %d......", taken-1) {
		t.Errorf("received %d messages, first %s, last %s; want %d: what was near at 11s, the rest a round trip later",
			len(*log), (*log)[0], (*log)[len(*log)-1], taken)
	}
}

func TestDropOldest(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 100}, Spec{Outbox: 3 * (96 + 64), Full: DropOldest})
	log := arrivals(b)
	for i := range 8 {
		if n := send(a, fmt.Sprint(i)+strings.Repeat(".", 95)); n != 1 {
			t.Errorf("message %d was not taken", i)
		}
	}
	run(t, w, time.Minute)
	wantLog(t, "the one being written and the three newest arrive", *log,
		"2s 0.......", "3s 5.......", "4s 6.......", "5s 7.......")
	if c := a.Counters(); c.Refused != 4 || c.Messages != 4 {
		t.Errorf("%d messages were forgotten and %d written, want 4 and 4", c.Refused, c.Messages)
	}
}

func TestDisconnectSlowPeer(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 100}, Spec{Outbox: 3 * (96 + 64), Full: Disconnect})
	var why []string
	a.Peer = func(c core.Change) { why = append(why, fmt.Sprint(c.Why)) }
	for i := range 8 {
		if n := send(a, strings.Repeat(".", 96)); (n == 1) != (i < 4) {
			t.Errorf("message %d was taken by %d links, want %v", i, n, i < 4)
		}
	}
	run(t, w, time.Minute)
	wantLog(t, "the link ends", why, "write: outbox is full")
	if a.Degree() != 0 || b.Degree() != 0 {
		t.Errorf("nodes have %d and %d links, want none", a.Degree(), b.Degree())
	}
}

// TestLargeMessage checks that an outbox takes one message over its limit, but
// not two.
func TestLargeMessage(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 1 << 20}, Spec{Outbox: 1000})
	log := arrivals(b)
	big := strings.Repeat("x", 1<<20)
	for i, want := range []int{1, 1, 0} { // written, waiting, refused
		if got := send(a, big); got != want {
			t.Errorf("message %d was taken by %d links, want %d", i, got, want)
		}
	}
	run(t, w, 10*time.Second)
	if len(*log) != 2 {
		t.Errorf("%d messages arrived, want 2", len(*log))
	}
}

// TestHeldInOrder cuts a busy link for a while: everything arrives in order.
func TestHeldInOrder(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 200 * time.Millisecond, Jitter: 300 * time.Millisecond}, Spec{})
	next := byte(0)
	b.Receive = func(_ core.LinkID, m dialect.Message) {
		if m.Body[0] != next {
			t.Errorf("message %d arrived after %d", m.Body[0], next-1)
		}
		next = m.Body[0] + 1
	}
	w.After(500*time.Millisecond, func() { w.Split([]*Node{a}) })
	w.After(700*time.Millisecond, func() { w.Stall(b, time.Second) })
	w.After(900*time.Millisecond, w.Heal)
	w.After(1000*time.Millisecond, func() { w.Split([]*Node{b}, []*Node{a}) })
	w.After(1100*time.Millisecond, w.Heal)
	w.After(1900*time.Millisecond, func() { w.Stall(b, 100*time.Millisecond) })
	for i := range 200 {
		send(a, string([]byte{byte(i), 0, 0, 0}))
		run(t, w, 10*time.Millisecond)
	}
	run(t, w, 5*time.Second)
	if next != 200 {
		t.Errorf("%d messages arrived, want 200", next)
	}
}

// TestWindowAcrossCut checks that a cut blocks the writer, and its end frees it.
func TestWindowAcrossCut(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 10 * time.Millisecond}, Spec{})
	log := arrivals(b)
	w.Split([]*Node{a})
	body := strings.Repeat("x", 996)
	for range 200 {
		send(a, body)
	}
	for id := range a.Links() {
		if tr := a.Traffic(id); tr.OutBytes >= Window+1000 || tr.Queued == 0 {
			t.Errorf("%d bytes were written and %d wait, want the window to be full", tr.OutBytes, tr.Queued)
		}
	}
	run(t, w, time.Minute)
	w.Heal()
	run(t, w, time.Second)
	if len(*log) != 200 {
		t.Errorf("%d messages arrived after the cut, want 200", len(*log))
	}
}

func TestCrashResets(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond}, Spec{})
	why := downs(a)
	got := arrivals(a)
	send(b, "last words")
	w.Crash(b)
	run(t, w, time.Second)
	wantLog(t, "what was written arrives", *got, "1.05s last wor")
	wantLog(t, "then the reset", *why, "1.05s read: connection reset by peer")
}

// TestVanishIsSilent takes a machine away: its peer hears nothing until the
// machine is back and answers that it knows no such connection.
func TestVanishIsSilent(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond}, Spec{})
	why := downs(a)
	w.Vanish(b)
	run(t, w, time.Second)
	send(a, "anybody there?")
	run(t, w, time.Hour)
	wantLog(t, "silence", *why)
	w.Restart(b)
	run(t, w, time.Second)
	wantLog(t, "the machine is back", *why, "1h0m2.05s read: connection reset by peer")
}

// TestVanishThenSend is the same with nothing sent meanwhile: the first message
// after the restart is answered.
func TestVanishThenSend(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond}, Spec{})
	why := downs(a)
	w.Vanish(b)
	run(t, w, time.Minute)
	w.Restart(b)
	run(t, w, time.Minute)
	wantLog(t, "nobody has asked", *why)
	send(a, "anybody there?")
	run(t, w, time.Second)
	wantLog(t, "asked, it answers", *why, "2m1.1s read: connection reset by peer")
}

// TestVanishTimesOut leaves it to the dialect to notice.
func TestVanishTimesOut(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond}, Spec{Dialect: toy.New(toy.Config{})})
	why := downs(a)
	w.Vanish(b)
	run(t, w, 2*time.Minute)
	if len(*why) != 1 || !strings.Contains((*why)[0], "ping: silent for 1m0") {
		t.Errorf("link ended with %q, want the silence noticed once", *why)
	}
}

// TestResetAcrossCut loses a reset in a cut: the next message gets another.
func TestResetAcrossCut(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond}, Spec{})
	why := downs(a)
	w.Split([]*Node{a})
	w.Crash(b)
	run(t, w, time.Second)
	w.Heal()
	run(t, w, time.Second)
	wantLog(t, "the reset is lost", *why)
	send(a, "hello")
	run(t, w, time.Second)
	wantLog(t, "and comes when asked for", *why, "3.1s read: connection reset by peer")
}

// TestFlushThenClose drops a link behind a queue: what was queued arrives, then
// the end. The messages take a second each.
func TestFlushThenClose(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 100}, Spec{})
	got, why := arrivals(b), downs(b)
	for i := range 3 {
		send(a, fmt.Sprint(i)+strings.Repeat(".", 95))
	}
	drop(a)
	run(t, w, 500*time.Millisecond)
	send(b, "too late")
	run(t, w, time.Minute)
	wantLog(t, "what was queued arrives", *got, "2s 0.......", "3s 1.......", "4s 2.......")
	wantLog(t, "then the end", *why, "4s read: EOF")
	if a.Degree() != 0 || b.Degree() != 0 {
		t.Errorf("nodes have %d and %d links, want none", a.Degree(), b.Degree())
	}
}

// TestFlushGivesUp drops a link whose queue takes longer than anyone waits.
func TestFlushGivesUp(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 10}, Spec{})
	got, why := arrivals(b), downs(b)
	for i := range 10 {
		send(a, fmt.Sprint(i)+strings.Repeat(".", 95))
	}
	drop(a)
	run(t, w, 5*time.Minute)
	wantLog(t, "what was under way arrives", *got, "11s 0.......", "21s 1.......")
	wantLog(t, "then the end", *why, "21s read: EOF")
	if c := a.Counters(); c.Refused != 8 {
		t.Errorf("%d messages were given up, want 8", c.Refused)
	}
}

// TestCrashWhileFlushing ends the program that was to drain an outbox.
func TestCrashWhileFlushing(t *testing.T) {
	w, a, b := pair(t, Path{Bandwidth: 100}, Spec{})
	got, why := arrivals(b), downs(b)
	for i := range 5 {
		send(a, fmt.Sprint(i)+strings.Repeat(".", 95))
	}
	drop(a)
	run(t, w, 1500*time.Millisecond)
	w.Crash(a)
	run(t, w, time.Minute)
	wantLog(t, "what was under way arrives", *got, "2s 0.......", "3s 1.......")
	wantLog(t, "then the end", *why, "3s read: EOF")
}

// TestNothingIsLeft ends links in every state that a fault can bring about, and
// checks that their memory is free in the end.
func TestNothingIsLeft(t *testing.T) {
	for name, story := range map[string]func(w *World, a, b *Node){
		"cut":          func(w *World, a, _ *Node) { w.Split([]*Node{a}) },
		"cut and heal": func(w *World, a, _ *Node) { w.Split([]*Node{a}); w.After(time.Second, w.Heal) },
		"stall":        func(w *World, _, b *Node) { w.Stall(b, time.Minute) },
		"crash":        func(w *World, _, b *Node) { w.Crash(b) },
		"vanish":       func(w *World, _, b *Node) { w.Vanish(b) },
		"vanish and come back": func(w *World, _, b *Node) {
			w.Vanish(b)
			w.After(time.Second, func() { w.Restart(b) })
		},
	} {
		for _, when := range []time.Duration{0, 5 * time.Millisecond, 30 * time.Millisecond, 3 * time.Second} {
			w, a, b := pair(t, Path{Delay: 10 * time.Millisecond, Bandwidth: 1 << 20}, Spec{})
			for range 100 {
				send(a, strings.Repeat("x", 1000))
				send(b, strings.Repeat("y", 1000))
			}
			run(t, w, 15*time.Millisecond)
			story(w, a, b)
			run(t, w, when)
			drop(a)
			drop(b)
			run(t, w, 10*time.Minute)
			drop(b)
			run(t, w, 10*time.Minute)
			if free := len(w.parcels.free); free != len(w.parcels.all) {
				t.Errorf("%s, ended %v later: %d of %d parcels are free, want all", name, when, free, len(w.parcels.all))
			}
			if free := len(w.conns.spare); free != int(w.conns.made) {
				t.Errorf("%s, ended %v later: %d of %d connections are free, want all", name, when, free, w.conns.made)
			}
		}
	}
}

// TestFaultsWait calls faults while effects are carried out: they happen right
// after, and nothing is re-entered.
func TestFaultsWait(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		ns := discover(w, 30)
		for i, n := range ns {
			n.Peer = func(c core.Change) {
				if !c.Up || w.Rand().IntN(20) > 0 {
					return
				}
				switch i % 5 {
				case 0:
					w.Crash(n)
					w.After(3*time.Second, func() { w.Restart(n) })
				case 1:
					w.Stall(n, time.Second)
				case 2:
					w.Split(ns[:i])
					w.After(time.Second, w.Heal)
				case 3:
					n.Do(func(c *core.Node, now time.Time, e *core.Effects) {
						for _, l := range c.State(now).Links {
							c.Drop(now, l.ID, nil, e)
						}
					})
				default:
					n.Broadcast(dialect.Message{Type: toy.App, Body: []byte("hello")}, route.All(), c.Link)
					n.Command(toy.Probe{})
				}
			}
		}
		run(t, w, 2*time.Minute)
		for _, n := range ns {
			n.Peer = nil
		}
		run(t, w, 2*time.Minute)
		if g := w.Graph(); len(g.Nodes) != 30 || g.Degrees().Min < 1 {
			t.Errorf("%d nodes are up with at least %d links, want 30 and 1", len(g.Nodes), g.Degrees().Min)
		}
	})
}

// downs has a node note when and why its links end.
func downs(n *Node) *[]string {
	log := &[]string{}
	n.Peer = func(c core.Change) {
		if !c.Up {
			*log = append(*log, fmt.Sprintf("%v %v", n.w.Now().Sub(epoch), c.Why))
		}
	}
	return log
}

// drop ends every link of a node after what is queued.
func drop(n *Node) {
	n.Do(func(c *core.Node, now time.Time, e *core.Effects) {
		for _, l := range c.State(now).Links {
			c.Drop(now, l.ID, nil, e)
		}
	})
}
