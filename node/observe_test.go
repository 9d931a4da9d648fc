package node

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
	"parley/stats"
	"parley/transport/mem"
)

// logs collects a log as text.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestSnapshot(t *testing.T) { synctest.Test(t, testSnapshot) }

func testSnapshot(t *testing.T) {
	netw := mem.New(time.Millisecond)
	start := time.Now()
	b := member(netw, 2, 1)
	b.Self.Agent = "test"
	na, nb, l := two(t, member(netw, 1), b)
	raw(t, netw, 1) // says nothing
	time.Sleep(time.Second)
	nb.Broadcast(app("hello"), route.All(), nil)
	time.Sleep(time.Second)
	if _, err := na.Ban(host(9), "", time.Hour, "test"); err != nil {
		t.Fatal(err)
	}
	s, err := na.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Since != start || s.Dialect != "toy" || len(s.Listen) != 1 || s.Listen[0] != host(1).String() {
		t.Errorf("node: %+v", s)
	}
	if len(s.Bans) != 1 || s.Bans[0].Why != "test" || s.Faults["io"] != 0 || len(s.Faults) != 7 {
		t.Errorf("bans %+v, faults %v", s.Bans, s.Faults)
	}
	if len(s.Links) != 2 {
		t.Fatalf("%d links, want one that is up and one that is opening", len(s.Links))
	}
	up, opening := s.Links[0], s.Links[1]
	if up.Opening || up.Dialed || up.Version == nil || *up.Version != 1 || up.Peer == "" || up.InMsgs == 0 || up.InBytes == 0 ||
		up.LastIn.IsZero() || up.RTT != nil {
		t.Errorf("the link that is up: %+v", up)
	}
	if !opening.Opening || opening.Version != nil || !opening.LastIn.IsZero() {
		t.Errorf("the link that is opening: %+v", opening)
	}
	if s.Total.InMsgs != up.InMsgs || s.Total.OutBytes != up.OutBytes {
		t.Errorf("totals %+v of one link %+v", s.Total, up)
	}
	l.Close(nil)
	<-l.Done()
	time.Sleep(100 * time.Millisecond)
	later, err := na.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if later.Total.InMsgs < s.Total.InMsgs || later.Total.InBytes < s.Total.InBytes || later.Faults["io"] != 1 {
		t.Errorf("after its end: totals %+v, before %+v, faults %v", later.Total, s.Total, later.Faults)
	}
}

// A snapshot does not wait for a brain that is held up for longer than it may.
func TestSnapshotWaits(t *testing.T) { synctest.Test(t, testSnapshotWaits) }

func testSnapshotWaits(t *testing.T) {
	netw := mem.New(time.Millisecond)
	cfg := member(netw, 1)
	cfg.Handler = events{peer: func(*Link, bool, error) { time.Sleep(5 * time.Second) }} // short of what the peer takes for silence
	n := run(t, cfg)
	run(t, member(netw, 2, 1))
	time.Sleep(time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if s, err := n.Snapshot(ctx); s != nil || err != context.DeadlineExceeded {
		t.Errorf("snapshot %v, %v", s, err)
	}
	if s, err := n.Snapshot(t.Context()); err != nil || len(s.Links) != 1 {
		t.Errorf("snapshot %v, %v", s, err)
	}
}

// The last thousand ends are remembered, newest first.
func TestHistory(t *testing.T) {
	var h history
	if got := h.last(5); len(got) != 0 {
		t.Errorf("%d entries at first", len(got))
	}
	for i := range 2*maxEnded + 10 {
		h.add(stats.Ended{ID: uint64(i)})
		if got := h.last(3); got[0].ID != uint64(i) || len(got) != min(3, i+1) {
			t.Fatalf("after %d: %+v", i, got)
		}
	}
	got := h.last(5000)
	if len(got) != maxEnded {
		t.Fatalf("%d entries, limit %d", len(got), maxEnded)
	}
	for i, e := range got {
		if want := uint64(2*maxEnded + 9 - i); e.ID != want {
			t.Fatalf("entry %d is link %d, want %d", i, e.ID, want)
		}
	}
	if got := h.last(-1); len(got) != 0 {
		t.Errorf("%d entries when asked for none", len(got))
	}
}

// The trace holds calls and effects in their order, the log joins and leaves
// with reasons.
func TestTrace(t *testing.T) { synctest.Test(t, testTrace) }

func testTrace(t *testing.T) {
	netw := mem.New(time.Millisecond)
	log := &logs{}
	var events []string
	b := member(netw, 2, 1)
	b.Log = log.logger()
	b.Trace = func(e Event) { events = append(events, e.What) }
	_, nb, l := two(t, member(netw, 1), b)
	l.Close(nil)
	<-l.Done()
	nb.stop()
	got := strings.Join(events, " ")
	for _, want := range []string{"wake dial", "admit", "opened up", "do down close", "closed"} {
		_, rest, ok := strings.Cut(got, want)
		if !ok {
			t.Fatalf("the trace lacks %q, or has it too early: %s", want, strings.Join(events, " "))
		}
		got = rest
	}
	text := log.text()
	for _, want := range []string{"level=INFO msg=joined link.id=1 link.addr=10.0.0.1:8000", "level=INFO msg=ended", "kind=none", "link is closed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
}

// Notes of the dialect, answers to commands, and what was written for the
// session find their way.
func TestSession(t *testing.T) { synctest.Test(t, testSession) }

func testSession(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	notes := make(chan any, 1)
	b := member(netw, 2, 1)
	b.Handler = events{note: func(l *Link, v any) {
		if l == nil {
			t.Error("a note about a link came without it")
		}
		notes <- v
	}}
	_, nb, _ := two(t, member(netw, 1), b)
	if err := nb.Command(toy.Probe{}); err != nil {
		t.Fatal(err)
	}
	if v := <-notes; v != toy.RTT(20*time.Millisecond) {
		t.Errorf("note: %v, want the time of one round trip", v)
	}
	s, err := nb.Snapshot(t.Context())
	if err != nil || len(s.Links) != 1 || s.Links[0].RTT == nil || *s.Links[0].RTT != 0.02 {
		t.Errorf("the row of the link: %+v, %v", s.Links, err)
	}
}

// A link on which nothing moves stays, by pings; one whose peer is gone ends.
func TestSilence(t *testing.T) { synctest.Test(t, testSilence) }

func testSilence(t *testing.T) {
	netw := mem.New(time.Millisecond)
	na, nb, l := two(t, member(netw, 1), member(netw, 2, 1))
	time.Sleep(time.Hour)
	select {
	case <-l.Done():
		t.Fatal("the link ended although both were there")
	default:
	}
	netw.Cut(host(1), host(2))
	start := time.Now()
	<-l.Done()
	if took := time.Since(start); took > 90*time.Second {
		t.Errorf("noticed after %v", took)
	}
	synctest.Wait()
	ended := append(na.Ended(1), nb.Ended(1)...) // the first to notice resets the other's
	if !slices.ContainsFunc(ended, func(e stats.Ended) bool { return e.Kind == "timeout" && strings.Contains(e.Why, "silent") }) {
		t.Errorf("ended: %+v", ended)
	}
}

// While the handler is at work on what a peer sent, the peer is not silent.
func TestSlowHandler(t *testing.T) { synctest.Test(t, testSlowHandler) }

func testSlowHandler(t *testing.T) {
	netw := mem.New(time.Millisecond)
	a := member(netw, 1)
	a.Handler = events{receive: func(*Link, []dialect.Message) { time.Sleep(10 * time.Minute) }}
	na, nb, _ := two(t, a, member(netw, 2, 1))
	nb.Broadcast(app("hard work"), route.All(), nil)
	time.Sleep(9 * time.Minute)
	for _, e := range na.Ended(10) {
		if e.WasUp {
			t.Errorf("ended: %+v", e)
		}
	}
	time.Sleep(2 * time.Minute)
}

func TestTuneBan(t *testing.T) { synctest.Test(t, testTuneBan) }

func testTuneBan(t *testing.T) {
	netw := mem.New(time.Millisecond)
	na, _, l := two(t, member(netw, 1), member(netw, 2, 1))
	if n, err := na.Ban(host(2).HostOnly(), "", time.Hour, "spam"); n != 1 || err != nil {
		t.Errorf("ban: %d links, %v", n, err)
	}
	<-l.Done()
	c := raw(t, netw, 1)
	c.Close()
	time.Sleep(time.Minute)
	for l := range na.Links() {
		t.Errorf("linked to %s, which is banned", l.Addr())
	}
	if n, err := na.Unban(host(2), ""); err != nil || n != 0 {
		t.Errorf("unban of one port: %v, %v", n, err)
	}
	if n, err := na.Unban(host(2).HostOnly(), ""); err != nil || n != 1 {
		t.Errorf("unban: %v, %v", n, err)
	}
	if err := na.Tune(core.Config{Always: []addr.Addr{host(2)}}); err != nil {
		t.Error(err)
	}
	time.Sleep(time.Minute)
	if l := na.only(t); !l.Always() {
		t.Errorf("the peer to hold on to is linked as %+v", l.LogValue())
	}
}
