package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/route"
)

// wantLog compares what was noted with what is wanted, line by line.
func wantLog(t *testing.T, why string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", why, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestDelay(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 30 * time.Millisecond}, Spec{})
	log := arrivals(b)
	send(a, "first")
	run(t, w, 10*time.Millisecond)
	send(a, "second")
	run(t, w, time.Second)
	wantLog(t, "messages arrive one delay after they are sent", *log, "1.03s first", "1.04s second")
}

// TestBandwidth has messages of 96 bytes take 100 with their frame.
func TestBandwidth(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 50 * time.Millisecond, Bandwidth: 1000}, Spec{})
	there, back := arrivals(b), arrivals(a)
	for _, s := range []string{"first", "second", "third"} {
		send(a, s+strings.Repeat(".", 96-len(s)))
	}
	send(b, "back"+strings.Repeat(".", 42))
	run(t, w, 150*time.Millisecond)
	send(a, "late"+strings.Repeat(".", 92))
	run(t, w, time.Second)
	wantLog(t, "each message follows the one before at 1,000 bytes a second", *there,
		"1.15s first...", "1.25s second..", "1.35s third...", "1.45s late....")
	wantLog(t, "the other direction is idle", *back, "1.1s back....")
}

func TestWritingTime(t *testing.T) {
	for _, c := range []struct {
		size, speed int
		want        time.Duration
	}{
		{0, 1000, 0},
		{1, 0, 0},
		{1, 3, 333333333},
		{1 << 30, 1 << 20, 1024 * time.Second},
		{1<<31 - 1, 1, (1<<31 - 1) * time.Second},
	} {
		p := Path{Bandwidth: c.speed}
		if got := time.Duration(p.writing(c.size)); got != c.want {
			t.Errorf("%d bytes at %d a second take %v, want %v", c.size, c.speed, got, c.want)
		}
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	for _, seed := range seeds {
		w := newWorld(t, seed)
		w.Path = fixed(Path{Delay: 10 * time.Millisecond, Jitter: 40 * time.Millisecond})
		d := bare{}
		a, b := w.Add(place(0), d, core.Config{Outbound: -1}), w.Add(place(1), d, core.Config{Outbound: -1})
		if _, err := w.Connect(a, b); err != nil {
			t.Fatal(err)
		}
		run(t, w, time.Second)
		var got []byte
		var sent, most time.Duration
		b.Receive = func(_ core.LinkID, m dialect.Message) {
			got = append(got, m.Body[0])
			most = max(most, w.Now().Sub(epoch)-sent)
		}
		for i := range 100 {
			sent = w.Now().Sub(epoch)
			send(a, string([]byte{byte(i), 0, 0, 0}))
			run(t, w, time.Millisecond)
		}
		run(t, w, time.Second)
		if len(got) != 100 || !slices.IsSorted(got) {
			t.Errorf("seed %d: %d messages arrived, in order: %v; want 100 in order", seed, len(got), slices.IsSorted(got))
		}
		if most <= 11*time.Millisecond || most > 50*time.Millisecond {
			t.Errorf("seed %d: the slowest took %v after the latest send, want between 11ms and 50ms", seed, most)
		}
	}
}

// TestLossDelays checks that a stream with losses stays whole and in order,
// and that each loss costs a retransmission timeout.
func TestLossDelays(t *testing.T) {
	w, a, b := pair(t, Path{Delay: 10 * time.Millisecond, Loss: 0.5}, Spec{})
	run(t, w, time.Minute)
	start := w.Now()
	var took []time.Duration
	b.Receive = func(_ core.LinkID, m dialect.Message) { took = append(took, w.Now().Sub(start)) }
	late := 0
	for range 200 {
		start = w.Now()
		send(a, "ping")
		run(t, w, time.Minute)
		d := took[len(took)-1] - 10*time.Millisecond
		if d > 0 {
			late++
		}
		if d%minResend != 0 || d > minResend*(1<<maxResend-1) {
			t.Fatalf("a message came %v late, want a sum of doubled timeouts of %v", d, minResend)
		}
	}
	if len(took) != 200 || late < 70 || late > 130 {
		t.Errorf("of 200 messages %d arrived and %d late, want all and about half", len(took), late)
	}
}

func TestLossGrowsWithSize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	p := Path{Loss: 0.01}
	lost := func(size int) (n int) {
		for range 1000 {
			if p.resend(r, size, time.Second) > 0 {
				n++
			}
		}
		return n
	}
	if small, big := lost(100), lost(100*segment); small > 30 || big < 550 || big > 720 {
		t.Errorf("of 1000 writes %d of one segment and %d of a hundred were late, want about 10 and 634", small, big)
	}
}

// caller makes a world with one node that is told of one address.
func caller(t *testing.T, to func(w *World) addr.Addr) (*World, *[]string) {
	w := newWorld(t, 1)
	w.Path = fixed(Path{Delay: 100 * time.Millisecond})
	log := &[]string{}
	a := w.AddNode(Spec{Addr: place(0), Dialect: bare{}})
	a.Peer = func(c core.Change) {
		if c.Up {
			*log = append(*log, w.Now().Sub(epoch).String()+" up "+c.Addr.String())
		}
	}
	dest := to(w)
	a.Do(func(c *core.Node, now time.Time, e *core.Effects) { c.Learn(now, []addr.Addr{dest}, e) })
	return w, log
}

func TestDialTakesRoundTrip(t *testing.T) {
	w, log := caller(t, func(w *World) addr.Addr {
		return w.AddNode(Spec{Addr: place(1), Dialect: bare{}, Core: core.Config{Outbound: -1}}).Addr()
	})
	b := w.Nodes()[1]
	var from []string
	b.Peer = func(c core.Change) { from = append(from, w.Now().Sub(epoch).String()+" "+c.Addr.String()) }
	run(t, w, time.Second)
	wantLog(t, "the dialer has its link after a round trip", *log, "200ms up 21.0.0.1:8108")
	wantLog(t, "the acceptor hears of it half a one later, from another port", from, "300ms 20.0.0.1:49152")
}

func TestDialRefused(t *testing.T) {
	w, _ := caller(t, func(*World) addr.Addr { return place(7) })
	wantEnd(t, w, 200*time.Millisecond, fault.IO)
}

func TestDialCrashed(t *testing.T) {
	w, _ := caller(t, func(w *World) addr.Addr {
		b := w.Add(place(1), bare{}, core.Config{Outbound: -1})
		w.Crash(b)
		return b.Addr()
	})
	wantEnd(t, w, 200*time.Millisecond, fault.IO)
}

func TestDialVanished(t *testing.T) {
	w, _ := caller(t, func(w *World) addr.Addr {
		b := w.Add(place(1), bare{}, core.Config{Outbound: -1})
		w.Vanish(b)
		return b.Addr()
	})
	wantEnd(t, w, DefaultDialTimeout, fault.Timeout)
}

func TestDialAcrossCut(t *testing.T) {
	w, _ := caller(t, func(w *World) addr.Addr {
		b := w.Add(place(1), bare{}, core.Config{Outbound: -1})
		w.Split([]*Node{b})
		return b.Addr()
	})
	wantEnd(t, w, DefaultDialTimeout, fault.Timeout)
}

// wantEnd runs until the first connection attempt has ended and checks when
// that was and why, from the trace.
func wantEnd(t *testing.T, w *World, when time.Duration, kind fault.Kind) {
	t.Helper()
	trace := w.Trace.(*tail)
	ended := func() bool { return w.Counters().Ended > 0 }
	if ok, err := w.RunUntil(ended, time.Minute); !ok || err != nil {
		t.Fatalf("the attempt did not end: %v", err)
	}
	if got := w.Now().Sub(epoch); got != when {
		t.Errorf("the attempt ended after %v, want %v", got, when)
	}
	want := map[fault.Kind]string{fault.IO: "closed: dial: connection refused", fault.Timeout: "closed: dial: no answer"}[kind]
	if !strings.Contains(trace.String(), want) {
		t.Errorf("trace does not say %q", want)
	}
}

func TestDropInMessagesMode(t *testing.T) {
	w := newWorld(t, 1)
	w.Mode = Messages
	w.Path = fixed(Path{Delay: time.Millisecond, Drop: 0.25})
	a, b := w.Add(place(0), bare{}, core.Config{Outbound: -1}), w.Add(place(1), bare{}, core.Config{Outbound: -1})
	if _, err := w.Connect(a, b); err != nil {
		t.Fatal(err)
	}
	run(t, w, time.Second)
	got := 0
	b.Receive = func(core.LinkID, dialect.Message) { got++ }
	for range 1000 {
		if n := send(a, "hello"); n != 1 {
			t.Fatalf("message was queued %d times, want once: a drop shows nowhere", n)
		}
		run(t, w, 10*time.Millisecond)
	}
	if got < 700 || got > 800 {
		t.Errorf("%d of 1000 messages arrived, want about 750", got)
	}
	if d := w.Counters().Dropped; int(d)+got != 1000 {
		t.Errorf("%d were counted as dropped, want %d", d, 1000-got)
	}
}

func TestAlias(t *testing.T) {
	w, log := caller(t, func(w *World) addr.Addr {
		b := w.AddNode(Spec{Addr: place(1), Dialect: bare{}, Core: core.Config{Outbound: -1}})
		name := addr.Addr{Host: "node.example", Port: 9}
		w.Alias(name, b)
		return name
	})
	run(t, w, time.Second)
	wantLog(t, "a host name leads to the node", *log, "200ms up node.example:9")
}

func TestPickersChoose(t *testing.T) {
	w := newWorld(t, 1)
	w.Path = fixed(Path{Delay: time.Millisecond})
	hub := w.Add(place(0), bare{}, core.Config{Outbound: -1, PerHost: -1})
	got := make([]int, 10)
	for i := range got {
		n := w.Add(place(i+1), bare{}, core.Config{Outbound: -1})
		n.Receive = func(core.LinkID, dialect.Message) { got[i]++ }
		if _, err := w.Connect(hub, n); err != nil {
			t.Fatal(err)
		}
	}
	run(t, w, time.Second)
	var first core.LinkID
	for id := range hub.Links() {
		first = id
		break
	}
	m := dialect.Message{Body: []byte("hello")}
	for _, c := range []struct {
		name   string
		to     route.Picker
		origin core.LinkID
		want   int
	}{
		{"all", route.All(), 0, 10},
		{"all but the origin", route.All(), first, 9},
		{"one", route.One(), 0, 1},
		{"four at random", route.Fanout(4), first, 4},
		{"only the first", route.Only(first), 0, 1},
		{"only the origin", route.Only(first), first, 0},
	} {
		clear(got)
		if n := hub.Broadcast(m, c.to, c.origin); n != c.want {
			t.Errorf("%s: %d took it, want %d", c.name, n, c.want)
		}
		run(t, w, time.Second)
		sum := 0
		for _, k := range got {
			sum += k
		}
		if sum != c.want || slices.Max(got) > 1 {
			t.Errorf("%s: received %v, want %d nodes to have it once", c.name, got, c.want)
		}
	}
}
