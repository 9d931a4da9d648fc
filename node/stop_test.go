package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/fault"
	"parley/route"
	"parley/transport/mem"
)

// Run ends when what was queued has arrived, both ways at once, and leaves no
// goroutine: the bubble would not end.
func TestStopDrains(t *testing.T) { synctest.Test(t, testStopDrains) }

func testStopDrains(t *testing.T) {
	const count = 300 // several times what the connection holds
	netw := mem.New(10 * time.Millisecond)
	gotA, gotB := &collector{}, &collector{}
	a, b := member(netw, 1), member(netw, 2, 1)
	a.Handler, b.Handler = events{receive: gotA.receive}, events{receive: gotB.receive}
	na, nb, _ := two(t, a, b)
	for i := range count {
		na.Broadcast(app(numbered(i)), route.All(), nil)
		nb.Broadcast(app(numbered(i)), route.All(), nil)
	}
	start := time.Now()
	nb.stop()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if got := gotA.all(); len(got) != count || !slices.IsSorted(got) {
		t.Errorf("%d of %d messages arrived", len(got), count)
	}
	na.stop()
	for n := range na.Links() {
		t.Errorf("link %d outlived its node", n.ID())
	}
}

// A peer that does not read holds up the end for StopTimeout, not longer.
func TestStopTimeout(t *testing.T) { synctest.Test(t, testStopTimeout) }

func testStopTimeout(t *testing.T) {
	netw := mem.New(time.Millisecond)
	release := make(chan struct{})
	a, b := member(netw, 1), member(netw, 2, 1)
	a.Handler = events{receive: func(*Link, []dialect.Message) { <-release }}
	b.StopTimeout = 3 * time.Second
	_, nb, l := two(t, a, b)
	var lost int
	for i := range 100 {
		l.Queue(app(numbered(i)), func(err error) {
			if err != nil {
				lost++
			}
		})
	}
	time.Sleep(time.Second)
	start := time.Now()
	nb.stop()
	if took := time.Since(start); took != 3*time.Second || lost == 0 {
		t.Errorf("stopping took %v and lost %d messages", took, lost)
	}
	close(release)
}

// A node that is dialing, opening and listening in vain stops at once.
func TestStopEarly(t *testing.T) { synctest.Test(t, testStopEarly) }

func testStopEarly(t *testing.T) {
	netw := mem.New(time.Millisecond)
	netw.Cut(host(1), host(2))
	n := run(t, member(netw, 1, 2))
	raw(t, netw, 1).Write([]byte("h"))
	time.Sleep(time.Second)
	start := time.Now()
	n.stop()
	if took := time.Since(start); took > 10*time.Millisecond {
		t.Errorf("stopping took %v", took)
	}
	if e := n.Ended(10); len(e) != 2 {
		t.Errorf("%d attempts ended, want 2: %+v", len(e), e)
	}
}

// Close sends what is queued and tells the handler the reason.
func TestClose(t *testing.T) { synctest.Test(t, testClose) }

func testClose(t *testing.T) {
	netw := mem.New(time.Millisecond)
	got := &collector{}
	a, b := member(netw, 1), member(netw, 2, 1)
	a.Handler = events{receive: got.receive}
	reasons := make(chan error, 2)
	b.Handler = events{peer: func(_ *Link, up bool, why error) {
		if !up {
			reasons <- why
		}
	}}
	_, _, l := two(t, a, b)
	for i := range 20 {
		l.Queue(app(numbered(i)), nil)
	}
	enough := errors.New("enough")
	l.Close(enough)
	l.Close(errors.New("a second time"))
	<-l.Done()
	if why := <-reasons; !errors.Is(why, enough) {
		t.Errorf("the handler was told %v", why)
	}
	if g := got.all(); len(g) != 20 {
		t.Errorf("%d of 20 messages arrived before the end", len(g))
	}
}

func TestNotRunning(t *testing.T) {
	cfg := member(mem.New(0), 1)
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, ban := n.Ban(host(2), "", time.Hour, "")
		_, unban := n.Unban(host(2), "")
		_, snapshot := n.Snapshot(ctx)
		for what, err := range map[string]error{
			"Command": n.Command(toy.Probe{}), "Learn": n.Learn(nil), "Ban": ban, "Unban": unban,
			"Tune": n.Tune(core.Config{}), "Snapshot": snapshot,
		} {
			if err == nil || !errors.Is(err, ErrNotRunning) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %s returned %v", when, what, err)
			}
		}
		if q := n.Broadcast(app("x"), route.All(), nil); q != 0 {
			t.Errorf("%s: Broadcast queued on %d links", when, q)
		}
	}
	check("before Run")
	if at := n.Listening(); at != nil {
		t.Errorf("listens at %v before Run", at)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	check("after Run")
	if err := n.Run(t.Context()); err != ErrRan {
		t.Errorf("a second Run: %v", err)
	}
}

func TestListenFails(t *testing.T) {
	netw := mem.New(0)
	taken, err := netw.From(host(1)).Listen(t.Context(), host(1))
	if err != nil {
		t.Fatal(err)
	}
	cfg := member(netw, 1)
	cfg.Listen = []addr.Addr{host(1).WithPort(1), host(1)}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = n.Run(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), host(1).String()) {
		t.Errorf("run: %v, want one that names the address", err)
	}
	taken.Close()
	if ln, err := netw.From(host(1)).Listen(t.Context(), cfg.Listen[0]); err != nil {
		t.Errorf("the first listener was left open: %v", err)
	} else {
		ln.Close()
	}
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a node without a dialect")
	}
	if _, err := New(Config{Dialect: toy.New(toy.Config{}), Full: 9}); err == nil {
		t.Error("a node with an unknown policy")
	}
	n, err := New(Config{Dialect: toy.New(toy.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	if c := n.cfg; c.Self.Nonce == 0 || c.OpenTimeout != 10*time.Second || c.OpenBytes != 64<<10 || c.WriteTimeout != 20*time.Second ||
		c.StopTimeout != 5*time.Second || c.ReadBuffer != 32<<20 || c.Outbox != 8<<20 || c.AcceptRate != 50 || c.AcceptBurst != 100 {
		t.Errorf("defaults: %+v", c)
	}
}

// A panic of the application on a link's goroutine ends that link, with the
// stack in the log, and disturbs no other.
func TestPanic(t *testing.T) { synctest.Test(t, testPanic) }

func testPanic(t *testing.T) {
	netw := mem.New(time.Millisecond)
	got, log := &collector{}, &logs{}
	a := member(netw, 1)
	a.Log = log.logger()
	a.Handler = events{receive: func(l *Link, ms []dialect.Message) {
		if string(ms[0].Body) == "bomb" {
			panic("boom")
		}
		got.receive(l, ms)
	}}
	na := run(t, a, func(n *Node) { n.catch = true })
	b, c := run(t, member(netw, 2, 1)), run(t, member(netw, 3, 1))
	time.Sleep(time.Second)
	b.Broadcast(app("bomb"), route.Only(linkTo(t, b, 1).ID()), nil)
	synctest.Wait()
	c.Broadcast(app("fine"), route.All(), nil)
	time.Sleep(100 * time.Millisecond)
	na.wantEnded(t, "local", "boom")
	if g := got.all(); !slices.Equal(g, []string{"fine"}) {
		t.Errorf("arrived: %q", g)
	}
	if text := log.text(); !strings.Contains(text, "testPanic") {
		t.Error("the log does not hold the stack")
	}
}

// A panic in done does not keep other messages from being reported lost.
func TestPanicInDone(t *testing.T) { synctest.Test(t, testPanicInDone) }

func testPanicInDone(t *testing.T) {
	netw := mem.New(time.Millisecond)
	run(t, member(netw, 1))
	n := run(t, member(netw, 2, 1), func(n *Node) { n.catch = true })
	l := n.only(t)
	netw.Cut(host(1), host(2)) // so that the writer is held up, and takes all ten at once
	l.Queue(app(strings.Repeat("x", 2*mem.Buffer)), nil)
	synctest.Wait()
	calls := make(chan int, 20)
	for i := range 10 {
		l.Queue(app("x"), func(error) {
			calls <- i
			panic("boom")
		})
	}
	netw.Heal(host(1), host(2))
	<-l.Done()
	synctest.Wait()
	if len(calls) != 10 {
		t.Errorf("%d of 10 were called", len(calls))
	}
	n.wantEnded(t, "local", "boom")
}

// In a test a panic is not caught.
func TestPanicPasses(t *testing.T) {
	l := &Link{n: &Node{}}
	defer func() {
		if recover() == nil {
			t.Error("the panic was caught")
		}
	}()
	l.guard(func() error { panic("boom") })
}

// What is lost to a failed connection is nobody's fault, and the node dials
// again.
func TestReset(t *testing.T) { synctest.Test(t, testReset) }

func testReset(t *testing.T) {
	netw := mem.New(time.Millisecond)
	n := run(t, member(netw, 1))
	c := raw(t, netw, 1)
	const yes = 1
	c.Write(append(hello(network, 2), yes))
	n.only(t)
	c.Close() // with the node's messages unread: a reset
	synctest.Wait()
	time.Sleep(time.Second)
	e := n.Ended(1)
	if len(e) != 1 || e[0].Kind != fault.IO.String() || !e[0].WasUp || e[0].InBytes == 0 || e[0].OutBytes == 0 {
		t.Errorf("ended: %+v", e)
	}
}

// A handler that waits for something looks at Done, and does not hold up the
// end of its link.
func TestCloseWhileReceiving(t *testing.T) { synctest.Test(t, testCloseWhileReceiving) }

func testCloseWhileReceiving(t *testing.T) {
	netw := mem.New(time.Millisecond)
	b := member(netw, 2, 1)
	b.Handler = events{receive: func(l *Link, _ []dialect.Message) { <-l.Done() }}
	na, nb, l := two(t, member(netw, 1), b)
	na.Broadcast(app("x"), route.All(), nil)
	time.Sleep(time.Second)
	start := time.Now()
	l.Close(nil)
	<-l.Done()
	if took := time.Since(start); took > 2*linger {
		t.Errorf("closing took %v", took)
	}
	nb.wantEnded(t, "none", "")
}
