package node

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"parley/dialect"
)

// writing reports whether the link has a writer.
func (l *Link) writing() bool {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return !l.out.absent
}

// waitUntilIdle waits until the link is live and nobody writes on it.
func (l *Link) waitUntilIdle() {
	for idle := false; !idle; runtime.Gosched() {
		l.out.mu.Lock()
		idle = l.out.idle
		l.out.mu.Unlock()
	}
}

// Messages that come one at a time are written by who queues them, whatever the
// encoder, behind the prelude, and a bad one does no harm.
func TestLoneMessages(t *testing.T) {
	for _, style := range []string{"append", "frame", "pack"} {
		t.Run(style, func(t *testing.T) { testLoneMessages(t, plain{style: style, prelude: "hello"}) })
	}
}

func testLoneMessages(t *testing.T, d plain) {
	got := newCounter()
	a, b := over(true, d)
	a.Handler, a.Core.Inbound = events{receive: got.receive}, 10
	_, _, l := couple(t, a, b)
	l.waitUntilIdle()
	l.Queue(dialect.Message{Type: plainBad}, nil)
	for i := range 50 {
		l.stats.OutLast.Store(0) // it has long been quiet
		m := dialect.Message{Type: 1, Body: fmt.Append(nil, i), Lent: true}
		if i%2 == 0 && !l.Queue(m, nil) {
			t.Fatal("not queued")
		} else if i%2 == 1 && l.Send(t.Context(), m) != nil {
			t.Fatal("not sent")
		}
		clear(m.Body)
		got.wait(i + 1)
	}
	for i, m := range got.wait(50) {
		if string(m.Body) != fmt.Sprint(i) {
			t.Errorf("message %d is %q", i, m.Body)
		}
	}
	if l.writing() {
		t.Error("the writer was called for lone messages")
	}
	s := l.Stats()
	if s.OutMsgs.Load() != 50 || s.Dropped.Load() != 1 || s.Drops().Unsendable != 1 || l.Queued() != 0 {
		t.Errorf("%d sent, %d dropped, %d bytes wait", s.OutMsgs.Load(), s.Dropped.Load(), l.Queued())
	}
}

// A lone message that was queued before the link was live needs no writer either;
// two do, and arrive in order.
func TestFirstMessages(t *testing.T) {
	for _, first := range []int{1, 2} {
		got, ours := newCounter(), make(chan *Link, 1)
		a, b := over(true, plain{style: "append", prelude: "hello"})
		a.Core.Inbound, b.Handler = 10, events{receive: got.receive}
		a.Handler = events{peer: func(l *Link, up bool, _ error) {
			if !up {
				return
			}
			for i := range first {
				l.Queue(dialect.Message{Type: 1, Body: fmt.Append(nil, i)}, nil)
			}
			ours <- l
		}}
		couple(t, a, b)
		for i, m := range got.wait(first) {
			if string(m.Body) != fmt.Sprint(i) {
				t.Errorf("message %d is %q", i, m.Body)
			}
		}
		l := <-ours
		l.waitUntilIdle()
		if l.writing() != (first > 1) || l.Queued() != 0 {
			t.Errorf("%d messages: a writer %v, %d bytes wait", first, l.writing(), l.Queued())
		}
	}
}

// A message that the kernel takes only part of, and those behind it, arrive whole
// and in order.
func TestLoneMessageDoesNotFit(t *testing.T) {
	_, b := over(true, plain{style: "append"})
	b.Seeds = nil
	nb := run(t, b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	l, err := nb.Attach(t.Context(), c, true)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := 0; !l.writing() || i%100 != 0; i++ {
		l.stats.OutLast.Store(0)
		m := dialect.Message{Type: 1, Body: bytes.Repeat([]byte{byte(i)}, copyBelow-1-i%7)}
		want, _ = plainEncoder{}.Append(want, m)
		if !l.Queue(m, nil) {
			t.Fatal("not queued")
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("something else arrived than was sent, error %v", err)
	}
	for l.Queued() > 0 {
		runtime.Gosched() // until the writer has settled
	}
}

// A writer with nothing to do ends, and comes back.
func TestWriterRetires(t *testing.T) {
	got := newCounter()
	a, b := over(true, plain{style: "append"})
	a.Handler, a.Core.Inbound = events{receive: got.receive}, 10
	na := run(t, a)
	up := make(chan *Link, 1)
	b.Seeds, b.Handler = na.Listening(), events{peer: func(l *Link, isUp bool, _ error) {
		if isUp {
			up <- l
		}
	}}
	run(t, b, func(n *Node) { n.quiet = time.Millisecond })
	l := <-up
	told := make(chan error, 1)
	for i := range 5 {
		if !l.Queue(app("x"), func(err error) { told <- err }) {
			t.Fatal("not queued")
		}
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		got.wait(i + 1)
		for l.writing() {
			runtime.Gosched()
		}
	}
}

// probe is a packer that looks whether anybody else might write while it packs.
type probe struct {
	dialect.Packer
	l      *Link
	shared bool
}

func (p *probe) Pack(dst []byte, limit int) ([]byte, bool, error) {
	p.l.out.mu.Lock()
	p.shared = p.shared || p.l.out.idle
	p.l.out.mu.Unlock()
	return p.Packer.Pack(dst, limit)
}

// While a packer holds more, nobody else writes.
func TestNobodyElsePacks(t *testing.T) {
	got := newCounter()
	a, b := over(true, plain{style: "pack"})
	a.Handler, a.Core.Inbound = events{receive: got.receive}, 10
	_, _, l := couple(t, a, b)
	l.waitUntilIdle()
	p := &probe{Packer: l.link.Encoder.(dialect.Packer), l: l}
	l.link.Encoder = p
	told := make(chan error, 1)
	l.Queue(dialect.Message{Type: 1, Body: make([]byte, 8*batchCopy)}, func(err error) { told <- err })
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	got.wait(1)
	l.waitUntilIdle()
	if p.shared {
		t.Error("others might have written while the packer held more")
	}
}
