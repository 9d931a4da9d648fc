package node

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
	"parley/route"
	"parley/transport/mem"
)

// counter collects messages and lets a test wait for a number of them.
type counter struct {
	mu   sync.Mutex
	got  []dialect.Message
	more chan struct{} // capacity 1
}

func newCounter() *counter { return &counter{more: make(chan struct{}, 1)} }

func (c *counter) receive(_ *Link, ms []dialect.Message) {
	c.mu.Lock()
	for _, m := range ms {
		c.got = append(c.got, m.Clone())
	}
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait waits for count messages.
func (c *counter) wait(count int) []dialect.Message {
	for {
		c.mu.Lock()
		got := c.got
		c.mu.Unlock()
		if len(got) >= count {
			return got
		}
		<-c.more
	}
}

// over returns configurations of two nodes over TCP on loopback, or in memory.
func over(tcp bool, d dialect.Dialect) (a, b Config) {
	netw := mem.New(0)
	a, b = member(netw, 1), member(netw, 2, 1)
	if tcp {
		local := addr.Addr{IP: netip.MustParseAddr("127.0.0.1")}
		a.Transport, b.Transport = nil, nil
		a.Listen, b.Listen = []addr.Addr{local}, nil
	}
	a.Dialect, b.Dialect = d, d
	return a, b
}

// couple starts both nodes and returns the second and its link to the first.
func couple(t testing.TB, a, b Config) (na, nb *running, l *Link) {
	t.Helper()
	up := make(chan *Link, 1)
	receive := events{}.receive
	if h, ok := b.Handler.(events); ok {
		receive = h.receive
	}
	b.Handler = events{receive: receive, peer: func(l *Link, isUp bool, _ error) {
		if isUp {
			up <- l
		}
	}}
	na = run(t, a)
	b.Seeds = na.Listening()
	nb = run(t, b)
	return na, nb, <-up
}

// Messages of all sizes arrive whole and in order, however the encoder works
// and whatever they travel over.
func TestSizes(t *testing.T) {
	for _, tcp := range []bool{true, false} {
		for _, style := range []string{"append", "frame", "pack"} {
			for _, shared := range []string{"", "plain"} {
				t.Run(fmt.Sprintf("tcp=%v/%s/%s", tcp, style, shared), func(t *testing.T) {
					testSizes(t, tcp, plain{style: style, shared: shared, prelude: "hello"})
				})
			}
		}
	}
}

func testSizes(t *testing.T, tcp bool, d plain) {
	got := newCounter()
	a, b := over(tcp, d)
	a.Handler = events{receive: got.receive}
	a.Core.Inbound, b.Outbox = 10, 64<<20
	_, nb, l := couple(t, a, b)
	sizes := []int{0, 1, 100, copyBelow - 1, copyBelow, copyBelow + 1, 0, 0, 5000, 7, copyStream, 2*batchBytes + 5, 1, batchBytes, 100_000, 2, 3}
	done := make(chan error, len(sizes))
	for i, size := range sizes {
		m := dialect.Message{Type: 1, Body: bytes.Repeat([]byte{byte('a' + i)}, size)}
		if i%3 == 0 {
			if nb.Broadcast(m, route.All(), nil) != 1 {
				t.Fatal("not queued")
			}
			done <- nil
			continue
		}
		m.Lent = i%2 == 0
		if !l.Queue(m, func(err error) { done <- err }) {
			t.Fatal("not queued")
		}
		if m.Lent {
			clear(m.Body)
		}
	}
	for i, m := range got.wait(len(sizes)) {
		if want := bytes.Repeat([]byte{byte('a' + i)}, sizes[i]); !bytes.Equal(m.Body, want) {
			t.Errorf("message %d: %d bytes, want %d of %c", i, len(m.Body), len(want), 'a'+i)
		}
	}
	for range sizes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A broadcast is encoded once for all links of one encoding.
func TestEncodeOnce(t *testing.T) {
	for _, style := range []string{"append", "frame"} {
		for _, shared := range []string{"", "plain"} {
			synctest.Test(t, func(t *testing.T) { testEncodeOnce(t, style, shared) })
		}
	}
}

func testEncodeOnce(t *testing.T, style, shared string) {
	const peers, messages = 5, 3
	netw := mem.New(0)
	var encodes atomic.Int64
	a := member(netw, 1)
	a.Dialect = plain{style: style, shared: shared, encodes: &encodes}
	na := run(t, a)
	got := newCounter()
	for i := range peers {
		cfg := member(netw, 2+i, 1)
		cfg.Dialect = plain{}
		cfg.Handler = events{receive: got.receive}
		run(t, cfg)
	}
	time.Sleep(time.Second)
	for i := range messages {
		body := strings.Repeat(fmt.Sprint(i), 1+i*50_000)
		na.Broadcast(dialect.Message{Type: 1, Body: []byte(body)}, route.All(), nil)
	}
	time.Sleep(time.Second)
	if n := len(got.wait(peers * messages)); n != peers*messages {
		t.Errorf("%d messages arrived", n)
	}
	want := int64(messages)
	if shared == "" {
		want *= peers
	}
	if n := encodes.Load(); n != want {
		t.Errorf("%s, shared %q: encoded %d times, want %d", style, shared, n, want)
	}
}

// A message without a wire form is dropped and told; the others go out.
func TestEncodeFails(t *testing.T) { synctest.Test(t, testEncodeFails) }

func testEncodeFails(t *testing.T) {
	for _, style := range []string{"append", "frame"} {
		got, log := newCounter(), &logs{}
		a, b := over(false, plain{style: style, shared: "plain"})
		a.Handler = events{receive: got.receive}
		b.Log = log.logger()
		_, nb, l := couple(t, a, b)
		done := make(chan error, 1)
		l.Queue(dialect.Message{Type: 1, Body: []byte("before")}, nil)
		l.Queue(dialect.Message{Type: plainBad, For: dialect.ToSession, Body: make([]byte, 10_000)}, func(err error) { done <- err })
		nb.Broadcast(dialect.Message{Type: plainBad}, route.All(), nil)
		l.Queue(dialect.Message{Type: 1, Body: []byte("after")}, nil)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "type: 255") {
			t.Errorf("done was told %v", err)
		}
		if m := got.wait(2); string(m[0].Body) != "before" || string(m[1].Body) != "after" {
			t.Errorf("arrived: %q, %q", m[0].Body, m[1].Body)
		}
		if l.Stats().Dropped.Load() != 2 || !strings.Contains(log.text(), "message not sent") {
			t.Errorf("%d dropped; log: %s", l.Stats().Dropped.Load(), log.text())
		}
		synctest.Wait()
		if q := l.Queued(); q != 0 {
			t.Errorf("%d bytes still wait", q)
		}
	}
}

// What a packer was given but has not packed counts as waiting, so that it is
// bounded too, and more urgent messages that come later go first.
func TestPacker(t *testing.T) { synctest.Test(t, testPacker) }

func testPacker(t *testing.T) {
	release := make(chan struct{})
	got := newCounter()
	a, b := over(false, plain{style: "pack"})
	a.Handler = events{receive: func(l *Link, ms []dialect.Message) { <-release; got.receive(l, ms) }}
	b.Outbox, b.WriteTimeout = 1<<20, time.Hour
	_, _, l := couple(t, a, b)
	var dones atomic.Int64
	taken := 0
	for i := range 100 {
		if l.Queue(dialect.Message{Type: 9, Body: []byte(numbered(i))}, func(error) { dones.Add(1) }) {
			taken++
		}
		time.Sleep(time.Millisecond)
	}
	pending := taken - int(dones.Load())
	if q := l.Queued(); pending < 50 || q != pending*(chunk+itemCost) {
		t.Errorf("%d bytes count as waiting of %d messages that are not done", q, pending)
	}
	if !l.Queue(dialect.Message{Type: 1, Body: []byte("urgent")}, nil) {
		t.Fatal("not queued")
	}
	close(release)
	ms := got.wait(taken + 1)
	if i := slices.IndexFunc(ms, func(m dialect.Message) bool { return m.Type == 1 }); i < 1 || i > 60 {
		t.Errorf("the urgent message came as number %d of %d", i, len(ms))
	}
	time.Sleep(time.Second)
	if n := dones.Load(); n != int64(taken) || l.Queued() != 0 || l.Stats().OutMsgs.Load() != uint64(taken+1) {
		t.Errorf("done of %d of %d messages, %d bytes wait, %d counted", n, taken, l.Queued(), l.Stats().OutMsgs.Load())
	}
}

// What the packer refuses is dropped, with its room, and the rest goes out.
func TestPackerRefuses(t *testing.T) { synctest.Test(t, testPackerRefuses) }

func testPackerRefuses(t *testing.T) {
	got := newCounter()
	a, b := over(false, plain{style: "pack"})
	a.Handler = events{receive: got.receive}
	_, _, l := couple(t, a, b)
	errs := make(chan error, 1)
	l.Queue(dialect.Message{Type: plainBad, For: dialect.ToSession, Body: make([]byte, 1000)}, func(err error) { errs <- err })
	l.Queue(dialect.Message{Type: 1, Body: []byte("good")}, nil)
	if err := <-errs; !errors.Is(err, fault.Local) {
		t.Errorf("a message without a wire form is done with %v, want a local fault", err)
	}
	got.wait(1)
	time.Sleep(time.Second)
	if s := l.Stats(); s.OutMsgs.Load() != 1 || s.Dropped.Load() != 1 || l.Queued() != 0 {
		t.Errorf("%d messages out, %d dropped, %d bytes wait; want 1, 1, 0", s.OutMsgs.Load(), s.Dropped.Load(), l.Queued())
	}
}

// The session is told what was written for it, without bodies, and what came
// for it; the brain gets no more than two reports of a link at once.
func TestReports(t *testing.T) { synctest.Test(t, testReports) }

func testReports(t *testing.T) {
	const count = 1000
	a, b := over(false, plain{})
	var mu sync.Mutex
	var notesA, notesB []string
	most := 0
	var na *running
	note := func(dst *[]string) func(*Link, any) {
		return func(_ *Link, v any) {
			mu.Lock()
			defer mu.Unlock()
			*dst = append(*dst, v.(string))
			if na != nil {
				na.inbox.mu.Lock()
				most = max(most, len(na.inbox.queue))
				na.inbox.mu.Unlock()
			}
		}
	}
	a.Handler, b.Handler = events{note: note(&notesA)}, events{note: note(&notesB)}
	na = run(t, a)
	nb := run(t, b)
	l := nb.only(t)
	for i := range count {
		if err := l.Send(t.Context(), dialect.Message{Type: plainSession, For: dialect.ToSession, Body: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	mu.Lock()
	defer mu.Unlock()
	if len(notesA) != count || notesA[0] != "handled 0" || notesA[count-1] != fmt.Sprint("handled ", count-1) {
		t.Errorf("%d messages were handled", len(notesA))
	}
	if len(notesB) != count || notesB[0] != fmt.Sprintf("sent %d \"\"", plainSession) {
		t.Errorf("the session was told of %d sent messages, first %q", len(notesB), notesB[:min(1, len(notesB))])
	}
	if most > 2 {
		t.Errorf("%d tasks waited for the brain", most)
	}
}
