package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
)

var local = addr.Addr{IP: netip.MustParseAddr("127.0.0.1")}

// tally counts messages and wakes whoever waits for a number of them.
type tally struct {
	count  atomic.Int64
	target atomic.Int64
	done   chan struct{} // capacity 1
}

func (c *tally) add(n int) {
	if now := c.count.Add(int64(n)); now >= c.target.Load() {
		select {
		case c.done <- struct{}{}:
		default:
		}
	}
}

func (c *tally) wait(n int64) {
	c.target.Store(n)
	for c.count.Load() < n {
		<-c.done
	}
}

// onLoopback returns the configuration of a node on loopback.
func onLoopback(h Handler) Config {
	return Config{
		Dialect: toy.New(toy.Config{MaxBody: 2 << 20}),
		Self:    dialect.Self{Network: network},
		Core:    core.Config{PerGroup: -1, PerHost: -1, Inbound: 10_000},
		Handler: h,
		Listen:  []addr.Addr{local},
	}
}

var sizes = []struct {
	name string
	size int
}{{"32B", 32}, {"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}}

// BenchmarkStream sends one way between two nodes over TCP on loopback.
func BenchmarkStream(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) { benchmarkStream(b, s.size) })
	}
}

func benchmarkStream(b *testing.B, size int) {
	got := &tally{done: make(chan struct{}, 1)}
	unpoison := func(n *Node) { n.poison = false }
	up := make(chan *Link, 1)
	a := run(b, onLoopback(events{receive: func(_ *Link, ms []dialect.Message) { got.add(len(ms)) }}), unpoison)
	cfg := onLoopback(events{peer: func(l *Link, isUp bool, _ error) {
		if isUp {
			up <- l
		}
	}})
	cfg.Seeds, cfg.Listen = a.Listening(), nil
	run(b, cfg, unpoison)
	l := <-up
	m := dialect.Message{Type: toy.App, Body: make([]byte, size)}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		if err := l.Send(context.Background(), m); err != nil {
			b.Fatal(err)
		}
		sent++
	}
	got.wait(sent)
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkRaw is what BenchmarkStream is held against: the same frames through
// one connection, written in batches and read with a buffer.
func BenchmarkRaw(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) { benchmarkRaw(b, s.size) })
	}
}

func benchmarkRaw(b *testing.B, size int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	got := &tally{done: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { readRaw(ln, got) })
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	w := bufio.NewWriterSize(c, 64<<10)
	frame := make([]byte, 5+size)
	binary.LittleEndian.PutUint32(frame, uint32(size))
	b.SetBytes(int64(size))
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		if _, err := w.Write(frame); err != nil {
			b.Fatal(err)
		}
		sent++
	}
	w.Flush()
	got.wait(sent)
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "msgs/s")
}

func readRaw(ln net.Listener, got *tally) {
	c, err := ln.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	body := make([]byte, 2<<20)
	var head [5]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		if _, err := io.ReadFull(r, body[:binary.LittleEndian.Uint32(head[:])]); err != nil {
			return
		}
		got.add(1)
	}
}

// BenchmarkPingPong measures one message there and one back.
func BenchmarkPingPong(b *testing.B) {
	back := make(chan struct{}, 1)
	unpoison := func(n *Node) { n.poison = false }
	up := make(chan *Link, 1)
	a := run(b, onLoopback(events{receive: func(l *Link, ms []dialect.Message) {
		for _, m := range ms {
			l.Queue(m, nil)
		}
	}}), unpoison)
	cfg := onLoopback(events{
		peer: func(l *Link, isUp bool, _ error) {
			if isUp {
				up <- l
			}
		},
		receive: func(*Link, []dialect.Message) { back <- struct{}{} },
	})
	cfg.Seeds, cfg.Listen = a.Listening(), nil
	run(b, cfg, unpoison)
	l := <-up
	m := dialect.Message{Type: toy.App, Body: make([]byte, 32)}
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		l.Queue(m, nil)
		<-back
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// BenchmarkIdleLinks measures what a link costs that does nothing: memory of
// heap and stacks, and goroutines, for one end of it. Two nodes hold 500 links
// to each other; their dialect has no identities, so that they may, and no
// state of its own.
func BenchmarkIdleLinks(b *testing.B) {
	const links = 500
	var mem, routines float64
	for b.Loop() {
		mem, routines = idleLinks(b, links)
	}
	b.ReportMetric(mem, "B/link")
	b.ReportMetric(routines, "goroutines/link")
}

func idleLinks(b *testing.B, links int) (mem, routines float64) {
	tweak := func(n *Node) {
		n.quiet = 100 * time.Millisecond
		n.accept.init(-1, 1)
	}
	cfg := onLoopback(nil)
	cfg.Dialect = plain{}
	ups := &tally{done: make(chan struct{}, 1)}
	cfg.Handler = events{peer: func(_ *Link, up bool, _ error) {
		if up {
			ups.add(1)
		}
	}}
	near, far := run(b, cfg, tweak), run(b, cfg, tweak)
	before, gBefore := usage(), runtime.NumGoroutine()
	for range links {
		c, err := net.Dial("tcp", far.Listening()[0].String())
		if err != nil {
			b.Fatal(err)
		}
		l, err := near.Attach(b.Context(), c, true)
		if err != nil {
			b.Fatal(err)
		}
		l.Queue(dialect.Message{Type: 1, Body: make([]byte, 100)}, nil)
	}
	ups.wait(int64(2 * links))
	<-time.After(500 * time.Millisecond) // they go quiet
	after, gAfter := usage(), runtime.NumGoroutine()
	return (after - before) / float64(2*links), float64(gAfter-gBefore) / float64(2*links)
}

// usage returns the bytes in use on the heap and by stacks.
func usage() float64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkBroadcast sends 1 KiB to 32 peers; a message counts once it is with
// all of them.
func BenchmarkBroadcast(b *testing.B) {
	const peers = 32
	unpoison := func(n *Node) { n.poison = false }
	got, ups := &tally{done: make(chan struct{}, 1)}, &tally{done: make(chan struct{}, 1)}
	a := run(b, onLoopback(events{peer: func(*Link, bool, error) { ups.add(1) }}), unpoison)
	cfg := onLoopback(events{receive: func(_ *Link, ms []dialect.Message) { got.add(len(ms)) }})
	cfg.Seeds, cfg.Listen = a.Listening(), nil
	for range peers {
		run(b, cfg, unpoison)
	}
	ups.wait(peers)
	m := dialect.Message{Type: toy.App, Body: make([]byte, 1<<10)}
	b.SetBytes(peers << 10)
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		if sent%1024 == 0 {
			got.wait(sent * peers) // a window, so that no outbox overflows
		}
		if n := a.Broadcast(m, route.All(), nil); n != peers {
			b.Fatalf("queued on %d links", n)
		}
		sent++
	}
	got.wait(sent * peers)
	b.ReportMetric(float64(sent*peers)/b.Elapsed().Seconds(), "deliveries/s")
}
