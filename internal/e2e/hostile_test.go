package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/fault"
	"parley/node"
	"parley/route"
	"parley/stats"
	"parley/transport/mem"
)

const (
	openLimit = 10 * time.Second
	cheap     = 4 << 20   // bytes that one attack may cost in allocations over its whole life
	honest    = 256 << 10 // bytes that a second of honest traffic, and of looking at it, may cost besides
	bulky     = 96 << 20  // the same for one that sends tens of megabytes, which it also has to make
	every     = 50 * time.Millisecond
	nonce     = 0x1122334455667788
)

// host returns the address of the i-th machine.
func host(i int) addr.Addr {
	return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{9, byte(i), 7, 1}), 8108))
}

// app counts numbered messages and, if it relays, passes them on.
type app struct {
	n     *node.Node
	relay bool
	next  uint64 // what is due; messages must come in order
	wrong atomic.Uint64
	got   atomic.Uint64
	links atomic.Int64
}

func (a *app) Peer(_ *node.Link, up bool, _ error) {
	if up {
		a.links.Add(1)
	} else {
		a.links.Add(-1)
	}
}

func (a *app) Note(*node.Link, any) {}

func (a *app) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		if len(m.Body) != 8 {
			continue // an attacker's
		}
		if binary.BigEndian.Uint64(m.Body) != a.next {
			a.wrong.Add(1)
		}
		a.next++
		a.got.Add(1)
		if a.relay {
			a.n.Broadcast(m, route.All(), l)
		}
	}
}

// world is a victim with an honest neighbor on either side.
type world struct {
	t      *testing.T
	net    *mem.Network
	victim *node.Node
	apps   [3]*app
	sent   uint64
	wg     sync.WaitGroup
}

func newWorld(ctx context.Context, t *testing.T) *world {
	w := &world{t: t, net: mem.New(5 * time.Millisecond)}
	w.victim = w.add(ctx, 1, nonce, core.Config{Outbound: 8, Always: []addr.Addr{host(0), host(2)}})
	w.add(ctx, 0, 1, core.Config{Outbound: -1})
	w.add(ctx, 2, 2, core.Config{Outbound: -1})
	for _, a := range w.apps {
		for a.links.Load() == 0 {
			time.Sleep(every)
		}
	}
	return w
}

func (w *world) add(ctx context.Context, i int, nonce uint64, c core.Config) *node.Node {
	d, err := factom.New(factom.Config{NodeID: uint32(i)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.apps[i] = &app{relay: i == 1}
	n, err := node.New(node.Config{
		Dialect: d, Handler: w.apps[i], Core: c,
		Self:      dialect.Self{Network: network, Nonce: nonce},
		Transport: w.net.From(host(i)), Listen: []addr.Addr{host(i)},
		OpenTimeout: openLimit,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.apps[i].n = n
	w.wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	<-n.Ready()
	return n
}

// chatter sends a numbered message from one honest node to the other, through
// the victim, every so often until ctx is done.
func (w *world) chatter(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		body := binary.BigEndian.AppendUint64(nil, w.sent)
		if w.apps[0].n.Broadcast(dialect.Message{Type: factom.TypeMessage, For: dialect.ToApp, Body: body}, route.All(), nil) != 1 {
			w.t.Errorf("message %d found no link", w.sent)
		}
		w.sent++
		<-tick.C
	}
}

// end waits until the victim has ended what came from a, and says how.
func (w *world) end(a addr.Addr, limit time.Duration) (stats.Ended, bool) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(every) {
		for _, e := range w.victim.Ended(8) {
			if e.Addr == a.String() {
				return e, true
			}
		}
	}
	return stats.Ended{}, false
}

// TestHostilePeers runs every attack against one live node while two honest
// nodes exchange messages through it, and looks at each attack's end, at what
// it cost, and at whether the honest ones noticed.
func TestHostilePeers(t *testing.T) { synctest.Test(t, testHostilePeers) }

func testHostilePeers(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	w := newWorld(ctx, t)
	talk, hush := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.chatter(talk) })

	for i, a := range attacks(nonce) {
		w.attack(a, host(10+i))
	}
	w.dialSelf()
	w.echo(host(200))

	hush()
	wg.Wait()
	time.Sleep(time.Second)
	for _, i := range []int{1, 2} {
		a := w.apps[i]
		if got, wrong := a.got.Load(), a.wrong.Load(); got != w.sent || wrong != 0 {
			t.Errorf("honest node %d got %d of %d messages, %d out of order", i, got, w.sent, wrong)
		}
	}
	stop()
	w.wg.Wait()
}

func (w *world) attack(a attack, from addr.Addr) {
	if a.cost == 0 {
		a.cost = cheap
	}
	start := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := w.net.From(from).Dial(w.t.Context(), host(1))
	if err != nil {
		w.t.Fatalf("%s: %v", a.name, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { a.do(c) })
	remote, err := addr.Parse(c.LocalAddr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	e, ok := w.end(remote, 3*a.within)
	c.Close()
	wg.Wait()
	runtime.ReadMemStats(&after)
	switch took := e.End.Sub(e.Start); {
	case !ok:
		w.t.Errorf("%s: the link never ended", a.name)
	case e.Kind != a.want.String():
		w.t.Errorf("%s: ended as %s (%s), want %s", a.name, e.Kind, e.Why, a.want)
	case took > a.within:
		w.t.Errorf("%s: took %v, limit %v", a.name, took, a.within)
	}
	limit := a.cost + honest*uint64(time.Since(start)/time.Second)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > limit {
		w.t.Errorf("%s: cost %d bytes of allocations, limit %d", a.name, cost, limit)
	}
}

// dialSelf tells the victim its own address, so that it dials itself.
func (w *world) dialSelf() {
	if err := w.victim.Learn([]addr.Addr{host(1)}); err != nil {
		w.t.Fatal(err)
	}
	w.wantLocal("a connection to itself", host(1))
}

// echo tells the victim of a service that returns what it is sent, which looks
// just like a connection to itself.
func (w *world) echo(at addr.Addr) {
	ln, err := w.net.From(at).Listen(w.t.Context(), at)
	if err != nil {
		w.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		var conns []net.Conn
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			conns = append(conns, c)
			wg.Go(func() { io.Copy(c, c) })
		}
		for _, c := range conns {
			c.Close()
		}
	})
	if err := w.victim.Learn([]addr.Addr{at}); err != nil {
		w.t.Fatal(err)
	}
	w.wantLocal("an echo", at)
	ln.Close()
	wg.Wait()
	s, err := w.victim.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range s.Bans {
		if b.Addr == at.String() || b.Addr == at.HostOnly().String() {
			w.t.Error("the echo earned a ban: ", fmt.Sprint(b))
		}
	}
}

func (w *world) wantLocal(what string, a addr.Addr) {
	if e, ok := w.end(a, time.Minute); !ok || e.Kind != fault.Local.String() {
		w.t.Errorf("%s: ended as %q (%s), %v; want local", what, e.Kind, e.Why, ok)
	}
}
