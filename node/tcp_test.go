package node

import (
	"context"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
)

// events is a handler that passes on what it is told.
type events struct {
	peer    func(l *Link, up bool, why error)
	note    func(l *Link, v any)
	receive func(l *Link, ms []dialect.Message)
}

func (e events) Peer(l *Link, up bool, why error) {
	if e.peer != nil {
		e.peer(l, up, why)
	}
}

func (e events) Note(l *Link, v any) {
	if e.note != nil {
		e.note(l, v)
	}
}

func (e events) Receive(l *Link, ms []dialect.Message) {
	if e.receive != nil {
		e.receive(l, ms)
	}
}

// run starts a node and returns it once it is ready. The test ends it and
// waits for it.
func run(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.poison = true
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-n.Ready():
	case <-n.over:
		t.Fatal("not ready")
	}
	return n
}

var loopback = addr.Addr{IP: addr.Addr{}.IP}

func TestTCP(t *testing.T) {
	got := make(chan string, 1)
	up := make(chan *Link, 1)
	at, err := addr.Parse("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	base := Config{Dialect: toy.New(toy.Config{}), Self: dialect.Self{Network: 7}, Core: core.Config{}}
	a := base
	a.Listen = []addr.Addr{at.WithPort(0)}
	a.Handler = events{receive: func(_ *Link, ms []dialect.Message) { got <- string(ms[0].Body) }}
	na := run(t, a)
	b := base
	b.Seeds = na.Listening()
	b.Handler = events{peer: func(l *Link, isUp bool, _ error) {
		if isUp {
			up <- l
		}
	}}
	nb := run(t, b)
	l := <-up
	if q := nb.Broadcast(dialect.Message{Type: toy.App, Body: []byte("hello")}, route.All(), nil); q != 1 {
		t.Errorf("queued on %d links", q)
	}
	if s := <-got; s != "hello" {
		t.Errorf("got %q", s)
	}
	done := make(chan error, 1)
	l.Queue(dialect.Message{Type: toy.App, Body: []byte("bye")}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Error(err)
	}
	l.Close(nil)
	<-l.Done()
	_ = time.Second
}
