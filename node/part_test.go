package node

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/transport/mem"
)

// speaker is a node that talks to its only peer, whichever link leads there.
type speaker struct {
	*running
	collector
	said int
	ups  []*Link // in the order they came up
	late int     // messages of links that were down already
	down map[*Link]bool
}

// Peer implements Handler.
func (s *speaker) Peer(l *Link, up bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if up {
		s.ups = append(s.ups, l)
	} else {
		s.down[l] = true
	}
}

// Note implements Handler.
func (s *speaker) Note(*Link, any) {}

// Receive implements Handler.
func (s *speaker) Receive(l *Link, ms []dialect.Message) {
	s.receive(l, ms)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down[l] {
		s.late++
	}
}

// say sends the next message, if there is a link, and reports whether there was.
func (s *speaker) say(t *testing.T) bool {
	for {
		links := slices.Collect(s.Links())
		switch len(links) {
		case 0:
			return false
		case 1:
		default:
			t.Fatalf("%d links at once", len(links))
		}
		m := dialect.Message{Type: uint32(factom.TypeMessage), For: dialect.ToApp, Body: []byte(fmt.Sprint(s.said))}
		if links[0].Send(t.Context(), m) == nil {
			s.said++
			return true
		}
	}
}

// factomSpeaker starts a node that dials another and speaks the dialect of
// factom-p2p, where the listener is open before the dialer knows.
func factomSpeaker(t *testing.T, netw *mem.Network, i, other int, version uint16) *speaker {
	d, err := factom.New(factom.Config{Version: version, NodeID: uint32(i)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := member(netw, i)
	cfg.Dialect, cfg.Core.Outbound, cfg.Core.Always = d, -1, []addr.Addr{host(other)}
	s := &speaker{down: map[*Link]bool{}}
	cfg.Handler = s
	s.running = run(t, cfg)
	return s
}

// Two nodes that dial each other at once and speak as soon as they can lose
// nothing and are never without a link, however long the way between them is for
// each connection. Of the links both keep the same.
func TestTwins(t *testing.T) {
	handed := 0
	synctest.Test(t, func(t *testing.T) { // one for all: the race detector keeps something of each
		for trial := 0; trial < 60 && !t.Failed(); trial++ {
			handed += testTwins(t, trial)
		}
	})
	if handed < 20 {
		t.Errorf("in %d of 120 cases a node had two links: not the test it means to be", handed)
	}
}

// testTwins returns how many of the two nodes had two links.
func testTwins(t *testing.T, trial int) (handed int) {
	netw := mem.New(time.Duration(1+trial%4) * time.Millisecond)
	version := uint16(9 + trial%3)
	a := factomSpeaker(t, netw, 1+trial%2, 2-trial%2, version)
	time.Sleep(time.Duration(trial/4) * 500 * time.Microsecond)
	b := factomSpeaker(t, netw, 2-trial%2, 1+trial%2, version)
	for range 400 {
		time.Sleep(100 * time.Microsecond)
		for _, s := range []*speaker{a, b} {
			if !s.say(t) && s.said > 0 {
				t.Fatal("a node was without a link")
			}
		}
	}
	time.Sleep(5 * time.Second)
	la, lb := a.only(t), b.only(t)
	if la.Dialed() == lb.Dialed() {
		t.Error("the nodes kept different links")
	}
	for _, p := range [][2]*speaker{{a, b}, {b, a}} {
		from, to := p[0], p[1]
		got := to.all()
		if len(got) != from.said || len(slices.Compact(slices.Sorted(slices.Values(got)))) != from.said {
			t.Errorf("%d messages were sent and %d arrived", from.said, len(got))
		}
		if to.late > 0 {
			t.Errorf("%d came from links that were down", to.late)
		}
		for _, l := range to.ups[:len(to.ups)-1] {
			if to.down[l] == slices.Contains(slices.Collect(to.Links()), l) {
				t.Errorf("link %d is neither live nor down", l.ID())
			}
		}
		handed += len(to.ups) - 1
	}
	a.stop()
	b.stop()
	if t.Failed() {
		t.Errorf("that was trial %d", trial)
	}
	return handed
}

// A peer whose connection gave way, and that never ends its half, is given up
// after a while, or soon if the node stops.
func TestPartingIsBounded(t *testing.T) { synctest.Test(t, testPartingIsBounded) }

func testPartingIsBounded(t *testing.T) {
	for _, stop := range []bool{false, true} {
		netw := mem.New(time.Millisecond)
		n := run(t, member(netw, 1))
		const yes = 1
		raw(t, netw, 1).Write(append(hello(network, 2), yes))
		l := n.only(t)
		err := n.ask(func(now time.Time) {
			n.core.Closed(now, l.id, ErrClosed, &n.eff)
			l.closeNow(now, core.Close{Link: l.id, Flush: true, Hear: true, Last: true, Why: ErrClosed})
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if l.ctx.Err() != nil {
			t.Fatal("the link ended before its peer wanted it to")
		}
		start, want := time.Now(), partTime-10*time.Second
		if stop {
			want = linger
			n.ask(func(now time.Time) { n.partSoon(now) })
		}
		<-l.Done()
		if took := time.Since(start); took != want {
			t.Errorf("it took %v, want %v", took, want)
		}
	}
}

// A round drops links of peers that did nothing wrong, so what they have sent
// meanwhile arrives.
func TestRoundLosesNothing(t *testing.T) { synctest.Test(t, testRoundLosesNothing) }

func testRoundLosesNothing(t *testing.T) {
	netw := mem.New(20 * time.Millisecond)
	d, err := factom.New(factom.Config{Version: factom.V11, NodeID: 1})
	if err != nil {
		t.Fatal(err)
	}
	var hub collector
	cfg := member(netw, 1)
	cfg.Dialect, cfg.Handler = d, events{receive: hub.receive}
	cfg.Core.Outbound, cfg.Core.RoundTime, cfg.Core.DropTo = -1, 2*time.Second, 1
	n := run(t, cfg)
	var from []*speaker
	for i := range 4 {
		from = append(from, factomSpeaker(t, netw, 2+i, 1, factom.V11))
	}
	for range 20_000 {
		time.Sleep(time.Millisecond)
		for _, s := range from {
			s.say(t)
		}
	}
	time.Sleep(5 * time.Second)
	synctest.Wait()
	said, ups := 0, 0
	for _, s := range from {
		s.mu.Lock()
		said += s.said
		ups += len(s.ups)
		s.mu.Unlock()
	}
	if got := len(hub.all()); got != said || said == 0 {
		t.Errorf("%d messages were sent and %d arrived", said, got)
	}
	s, err := n.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ups < len(from)+10 {
		t.Errorf("%d links came up in %d rounds: not the test it means to be", ups, s.Rounds)
	}
}

// What is queued for a peer that ends its half is written before the link ends.
func TestPeerEndsItsHalf(t *testing.T) { synctest.Test(t, testPeerEndsItsHalf) }

func testPeerEndsItsHalf(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	c := raw(t, netw, 1)
	const yes = 1
	c.Write(append(hello(network, 2), yes))
	l := n.only(t)
	const count = 300 // several times what the connection holds
	for i := range count {
		l.Queue(app(numbered(i)), nil)
	}
	c.(halfCloser).CloseWrite()
	time.Sleep(time.Second) // the node knows, and what is queued waits
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if !strings.Contains(string(all), numbered(i)) {
			t.Fatalf("message %d did not arrive", i)
		}
	}
	n.wantEnded(t, "io", "EOF")
}

// An application may close a link that is parting, and hears no more from it.
func TestCloseWhileParting(t *testing.T) { synctest.Test(t, testCloseWhileParting) }

func testCloseWhileParting(t *testing.T) {
	const yes, count = 1, 300 // messages: several times what the connection holds
	errEnough := errors.New("enough")
	for _, drained := range []bool{true, false} {
		netw := mem.New(time.Millisecond)
		var got collector
		var downs []error
		cfg := member(netw, 1)
		cfg.Handler = events{receive: got.receive, peer: func(_ *Link, up bool, why error) {
			if !up {
				downs = append(downs, why)
			}
		}}
		n := run(t, cfg)
		c := raw(t, netw, 1)
		c.Write(append(hello(network, 2), yes))
		l := n.only(t)
		for i := 0; !drained && i < count; i++ {
			l.Queue(app(numbered(i)), nil)
		}
		n.ask(func(now time.Time) {
			n.core.Closed(now, l.id, ErrClosed, &n.eff)
			n.eff.Peers[0].Hear = true
			n.eff.Close = append(n.eff.Close, core.Close{Link: l.id, Flush: true, Hear: true, Last: drained, Why: ErrClosed})
		})
		time.Sleep(5 * time.Second)
		start := time.Now()
		l.Close(errEnough)
		synctest.Wait()
		sent, _ := l.link.Encoder.Append(nil, app("too late"))
		c.Write(sent)
		time.Sleep(linger / 2)
		if !drained {
			if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), numbered(count-1)) {
				t.Errorf("what was queued did not arrive, error %v", err)
			}
		}
		<-l.Done()
		synctest.Wait()
		if took := time.Since(start); took > 2*linger {
			t.Errorf("drained %t: it took %v", drained, took)
		}
		if len(got.all()) > 0 || len(downs) != 1 || downs[0] != errEnough {
			t.Errorf("drained %t: %q arrived, and it went down for %v", drained, got.all(), downs)
		}
	}
}

// Peers that end their half and do not read have no more links than there may be.
func TestLeavingIsBounded(t *testing.T) { synctest.Test(t, testLeavingIsBounded) }

func testLeavingIsBounded(t *testing.T) {
	const yes, peers, each = 1, maxLeaving + 20, 100 // messages: more than the connection holds
	netw := mem.New(time.Millisecond)
	cfg := member(netw, 1)
	cfg.Core.Inbound, cfg.AcceptRate = peers, -1
	n, m := run(t, cfg), app(numbered(0))
	for i := range peers {
		c := raw(t, netw, 1)
		c.Write(append(hello(network, uint64(i+2)), yes))
		time.Sleep(10 * time.Millisecond) // the one before has gone down
		l := n.only(t)
		for range each {
			l.Queue(m, nil)
		}
		c.(halfCloser).CloseWrite()
	}
	time.Sleep(5 * time.Second)
	count := func() (all, leaving int) {
		n.ask(func(time.Time) { all, leaving = len(n.links), n.leaving })
		return all, leaving
	}
	if all, leaving := count(); all != maxLeaving || leaving != maxLeaving {
		t.Errorf("%d links are there, %d are leaving, want %d", all, leaving, maxLeaving)
	}
	time.Sleep(n.cfg.WriteTimeout)
	if all, leaving := count(); all != 0 || leaving != 0 {
		t.Errorf("%d links are there and %d are leaving after the time for writes", all, leaving)
	}
}
