package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/dialect"
	"parley/node/internal/press"
	"parley/route"
	"parley/transport/mem"
)

// A shared message is encoded once for the links it is queued on one by one,
// and is the sender's own although what it was made of was lent.
func TestShare(t *testing.T) { synctest.Test(t, testShare) }

func testShare(t *testing.T) {
	const peers = 4
	netw := mem.New(0)
	var encodes atomic.Int64
	a := member(netw, 1)
	a.Dialect = plain{style: "frame", shared: "plain", encodes: &encodes}
	na := run(t, a)
	got := &collector{}
	for i := range peers {
		cfg := member(netw, 2+i, 1)
		cfg.Dialect = plain{}
		cfg.Handler = events{receive: got.receive}
		run(t, cfg)
	}
	time.Sleep(time.Second)
	body := []byte(strings.Repeat("x", 10_000))
	m := Share(dialect.Message{Type: 1, Lent: true, Body: body})
	clear(body)
	i := 0
	for l := range na.Links() {
		if i++; i%2 == 0 {
			if !l.QueueShared(m) {
				t.Error("not queued")
			}
		} else if err := l.SendShared(t.Context(), m); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(time.Second)
	for _, b := range got.all() {
		if b != strings.Repeat("x", 10_000) {
			t.Errorf("arrived: %.10q, %d bytes", b, len(b))
		}
	}
	if n := len(got.all()); n != peers || encodes.Load() != 1 {
		t.Errorf("%d arrived, encoded %d times", n, encodes.Load())
	}
}

// SendShared waits for room, as Send does.
func TestSendShared(t *testing.T) { synctest.Test(t, testSendShared) }

func testSendShared(t *testing.T) {
	release := make(chan struct{})
	a, b := over(false, plain{})
	a.Handler = events{receive: func(*Link, []dialect.Message) { <-release }}
	b.Outbox, b.WriteTimeout = 5*chunk, time.Hour
	_, nb, l := couple(t, a, b)
	m := Share(app(numbered(1)))
	for l.QueueShared(m) {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := l.SendShared(ctx, m); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("into a full outbox: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.SendShared(gone, m); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	close(release)
	if err := l.SendShared(t.Context(), m); err != nil {
		t.Error(err)
	}
	nb.stop()
	if err := l.SendShared(t.Context(), m); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// What is broadcast while one link stalls is written to the others, encoded once,
// and keeps no memory for that one beyond what its outbox holds: it gets all
// that it took, encoded again where that was given up.
func TestStalledBroadcast(t *testing.T) { synctest.Test(t, testStalledBroadcast) }

func testStalledBroadcast(t *testing.T) {
	const peers, n = 3, 2000
	netw := mem.New(0)
	var encodes atomic.Int64
	a := member(netw, 1)
	a.Dialect, a.Outbox = plain{style: "append", shared: "plain", encodes: &encodes}, 4*press.PageSize
	a.WriteTimeout = time.Hour
	na := run(t, a)
	var got [peers]collector
	for i := range peers {
		cfg := member(netw, 2+i, 1)
		cfg.Dialect = plain{}
		cfg.Handler = events{receive: got[i].receive}
		run(t, cfg)
	}
	synctest.Wait()
	netw.Cut(host(1), host(2))
	want := [peers][]string{}
	for i := range n {
		body := fmt.Sprintf("%04d%s", i, strings.Repeat("x", 1000))
		took := na.Broadcast(dialect.Message{Type: 1, Body: []byte(body)}, route.All(), nil)
		for j := peers - took; j < peers; j++ {
			want[j] = append(want[j], body)
		}
		synctest.Wait()
	}
	if len(want[1]) != n || len(want[0]) == n || len(want[0]) < 100 {
		t.Fatalf("%d, %d and %d were taken", len(want[0]), len(want[1]), len(want[2]))
	}
	if e := encodes.Load(); e != n {
		t.Errorf("encoded %d times so far, want %d", e, n)
	}
	netw.Heal(host(1), host(2))
	synctest.Wait()
	for i := range peers {
		if !slices.Equal(got[i].all(), want[i]) {
			t.Errorf("peer %d got %d messages, want %d", i, len(got[i].all()), len(want[i]))
		}
	}
	if e := encodes.Load(); e <= n || e > int64(n+len(want[0])) {
		t.Errorf("encoded %d times: not the test it means to be", e)
	}
}
