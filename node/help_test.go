package node

import (
	"context"
	"net"
	"net/netip"
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
	"parley/transport/mem"
)

const network = 7

// events is a handler made of functions, each of which may be missing.
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

// collector keeps the bodies that arrive, as strings.
type collector struct {
	mu  sync.Mutex
	got []string
}

func (c *collector) receive(_ *Link, ms []dialect.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range ms {
		c.got = append(c.got, string(m.Body))
	}
}

func (c *collector) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// host returns the address of the i-th host of a test network.
func host(i int) addr.Addr {
	return addr.Addr{IP: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 8000}
}

// member returns the configuration of a node that listens on the i-th host and
// knows the given others.
func member(netw *mem.Network, i int, seeds ...int) Config {
	cfg := Config{
		Dialect:   toy.New(toy.Config{}),
		Self:      dialect.Self{Network: network, Nonce: uint64(i)},
		Transport: netw.From(host(i)),
		Listen:    []addr.Addr{host(i)},
		Core:      core.Config{PerGroup: -1, PerHost: -1, Backoff: time.Second},
	}
	for _, s := range seeds {
		cfg.Seeds = append(cfg.Seeds, host(s))
	}
	return cfg
}

// running is a node and the way to end it.
type running struct {
	*Node
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // what Run returned
}

// stop ends the node and waits for it.
func (r *running) stop() error {
	r.cancel()
	<-r.ended
	return r.err
}

// run starts a node and returns it once it is ready. If the test does not end
// it, its cleanup does, and then Run must return nil.
func run(t testing.TB, cfg Config, tweaks ...func(*Node)) *running {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.poison = true
	for _, f := range tweaks {
		f(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Node: n, cancel: cancel, ended: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(r.ended)
		r.err = n.Run(ctx)
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		wg.Wait()
	})
	select {
	case <-n.Ready():
	case <-r.ended:
		t.Fatalf("run: %v", r.err)
	}
	return r
}

// only waits until the node has exactly one link and returns it.
func (r *running) only(t testing.TB) *Link {
	t.Helper()
	synctest.Wait()
	var links []*Link
	for range 100 {
		if links = slices.Collect(r.Links()); len(links) == 1 {
			return links[0]
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%d links, want 1", len(links))
	return nil
}

// two starts two nodes that are connected, the second having dialed, and
// returns the second's link too.
func two(t testing.TB, a, b Config) (na, nb *running, l *Link) {
	t.Helper()
	na, nb = run(t, a), run(t, b)
	l = nb.only(t)
	na.only(t)
	return na, nb, l
}

// raw connects to the i-th host without a node.
func raw(t testing.TB, netw *mem.Network, i int) net.Conn {
	t.Helper()
	c, err := netw.From(host(250)).Dial(t.Context(), host(i))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// app returns an application message.
func app(body string) dialect.Message {
	return dialect.Message{Type: toy.App, For: dialect.ToApp, Body: []byte(body)}
}

// wantEnded checks why the last link that ended did.
func (r *running) wantEnded(t testing.TB, kind, why string) {
	t.Helper()
	synctest.Wait()
	e := r.Ended(1)
	if len(e) == 0 || e[0].Kind != kind || !strings.Contains(e[0].Why, why) {
		t.Errorf("ended: %+v, want one of kind %s because of %q", e, kind, why)
	}
}
