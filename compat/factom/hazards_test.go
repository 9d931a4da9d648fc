package p2p

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport/mem"
)

// Hazards of the original, numbered as its analysis does (factom-p2p 1.13,
// hazards); H3 and H6 are with the types they concern, and docs/factom.md lists all.

// H1: peers that leave while parcels are sent to them do no harm.
func TestH1PeersLeaveWhileWeSend(t *testing.T) {
	n := start(t, local(10))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, send := range []func(*Network, *Parcel){(*Network).Send, (*Network).BlockingSend} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					send(n, NewParcel(FullBroadcast, []byte("x")))
				}
			}
		})
	}
	for i := range 60 {
		v := visit(t, n, uint16(9+i%3), "1", i+1)
		if _, err := v.message(); err != nil {
			t.Fatal(err)
		}
		v.conn.Close()
	}
	close(stop)
	wg.Wait()
	eventually(t, "all are gone", func() bool { return n.Total() == 0 })
}

// H2: peer responses in a row, asked for or not, stop nothing.
func TestH2PeerResponsesInARow(t *testing.T) {
	n := start(t, local(10)) // has fewer peers than it wants, so it asks for some
	honest := visit(t, n, 10, "1", 1)
	v := visit(t, n, 10, "2", 2)
	share, err := v.MakePeerShare([]Endpoint{{"127.0.0.1", "1"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		if err := v.Send(&Parcel{ptype: TypePeerResponse, Payload: share}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		if err := honest.Send(NewParcel("", []byte{byte(i + 1)})); err != nil {
			t.Fatal(err)
		}
		if p := next(t, n); p.Payload[0] != byte(i+1) {
			t.Fatalf("got %v, want %d", p.Payload, i+1)
		}
	}
}

// H4: many known peers that come again at once replace each other in order.
func TestH4ManyReturnAtOnce(t *testing.T) {
	c := local(10)
	c.MaxPeers, c.MaxIncoming = 100, 100
	n := start(t, c)
	var conns []net.Conn
	for range 60 {
		conns = append(conns, dialRaw(t, n))
	}
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			conf := numbered(n.conf, 1+i%15) // four times the same
			p, err := NewProtocol(10, &conf, conn)
			if err != nil {
				t.Error(err)
				return
			}
			p.SendHandshake(&Handshake{Network: conf.Network, Version: 10, Type: TypeHandshake, NodeID: conf.NodeID, ListenPort: "1", Loopback: uint64(i + 1)})
			p.ReadHandshake() // or it is told that it is there already
		})
	}
	wg.Wait()
	eventually(t, "each is there once", func() bool { return n.Total() == 15 })
	v := visit(t, n, 11, "7", 7777)
	n.BlockingSend(NewParcel(v.hash, []byte("hello")))
	if p, err := v.message(); err != nil || string(p.Payload) != "hello" {
		t.Errorf("%v, %v", p, err)
	}
}

// H6: what crashed the original does not.
func TestH6NoCrash(t *testing.T) {
	c := local(10)
	c.PeerCacheFile = write(t, `{"bans":null,"peers":null}`)
	n := start(t, c)
	n.Send(nil)
	n.BlockingSend(nil)
	v := visit(t, n, 10, "1", 1)
	n.Ban(v.hash)
	if _, err := v.message(); err == nil {
		t.Error("a banned peer is connected")
	}
	if _, err := IP2Location("fe80::1%lo"); err != nil && IP2LocationQuick("fe80::1%lo") != 0 {
		t.Error("a zone was taken for an address")
	}
}

// scarce is a transport whose listener has no file descriptors left.
type scarce struct {
	*mem.Host
	tries atomic.Int32
}

func (s *scarce) Listen(ctx context.Context, at addr.Addr) (net.Listener, error) {
	ln, err := s.Host.Listen(ctx, at)
	return scarceListener{ln, s}, err
}

type scarceListener struct {
	net.Listener
	s *scarce
}

func (l scarceListener) Accept() (net.Conn, error) {
	l.s.tries.Add(1)
	return nil, errors.New("too many open files")
}

func TestH7AcceptDoesNotSpin(t *testing.T) { synctest.Test(t, testH7) }

// H7: out of file descriptors, the listener waits between attempts.
func testH7(t *testing.T) {
	netw := mem.New(0)
	n := unrun(t, netw, 1, local(10))
	s := &scarce{Host: n.wire.tcp.(*mem.Host)}
	n.wire.tcp = s
	if err := n.Run(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	n.Stop()
	if k := s.tries.Load(); k < 10 || k > 100 {
		t.Errorf("%d attempts in a minute", k)
	}
}

// H8: BlockingSend waits for a slow application instead of losing parcels, and
// they arrive in order.
func TestH8BlockingSendLosesNothing(t *testing.T) {
	for _, version := range []uint16{9, 10, 11} {
		ca, cb := numbered(local(version), 1), numbered(local(version), 2)
		ca.ChannelCapacity, cb.ChannelCapacity = 8, 8
		a, b := pair(t, ca, cb)
		const count = 300
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range count { // ten times what all queues hold
				b.BlockingSend(NewParcel(FullBroadcast, binary.BigEndian.AppendUint32(make([]byte, 64<<10), uint32(i))))
			}
		})
		eventually(t, "queues are full", func() bool { return len(a.FromNetwork) == cap(a.FromNetwork) && only(t, b).SendFillRatio() > 0.5 })
		for i := range count {
			p := next(t, a)
			if got := binary.BigEndian.Uint32(p.Payload[64<<10:]); int(got) != i {
				t.Fatalf("version %d: got parcel %d, want %d", version, got, i)
			}
		}
		wg.Wait()
		if lost := a.GetInfo().Dropped + b.GetInfo().Dropped; lost != 0 {
			t.Errorf("version %d: %d lost", version, lost)
		}
	}
}

// H9: a flood from one peer takes nothing from another.
func TestH9FloodTakesNothingFromOthers(t *testing.T) {
	n := start(t, local(10))
	flood, honest := visit(t, n, 10, "1", 1), visit(t, n, 11, "2", 2)
	var wg sync.WaitGroup
	wg.Go(func() {
		for flood.Send(NewParcel("", []byte("flood"))) == nil {
		}
	})
	eventually(t, "the flood fills the channel", func() bool { return len(n.FromNetwork) == cap(n.FromNetwork) })
	wg.Go(func() {
		for i := range 100 {
			if err := honest.Send(NewParcel("", []byte{byte(i)})); err != nil {
				t.Error(err)
			}
		}
	})
	floods := 0
	for want := 0; want < 100; {
		p := next(t, n)
		if p.Address != honest.hash {
			floods++
			continue
		}
		if int(p.Payload[0]) != want {
			t.Fatalf("got %d, want %d", p.Payload[0], want)
		}
		want++
	}
	flood.conn.Close()
	wg.Wait()
	if floods == 0 {
		t.Error("there was no flood")
	}
}

// H10: a parcel without payload, or with too much, is not sent: receivers would
// disconnect.
func TestH10EmptyParcelsAreNotSent(t *testing.T) {
	a, b := pair(t, numbered(local(11), 1), numbered(local(11), 2))
	p := only(t, b)
	for _, bad := range []*Parcel{NewParcel(Broadcast, nil), NewParcel(p.Hash, []byte{}), NewParcel(Broadcast, make([]byte, V11MaxParcelSize)), {ptype: 99, Payload: []byte("x")}} {
		b.Send(bad)
		b.BlockingSend(bad)
		p.Send(bad)
	}
	b.BlockingSend(NewParcel(Broadcast, []byte("fine")))
	if got := next(t, a); string(got.Payload) != "fine" {
		t.Errorf("got %s", got)
	}
	if i := b.GetInfo(); i.Dropped != 8 || p.GetMetrics().Dropped != 4 || b.Total() != 1 {
		t.Errorf("%d and %d counted, want 8 and 4", i.Dropped, p.GetMetrics().Dropped)
	}
}

func TestH11SimultaneousDials(t *testing.T) { synctest.Test(t, testH11) }

// H11: two networks that dial each other at the same moment are connected, once.
func testH11(t *testing.T) {
	for range 20 {
		netw := mem.New(10 * time.Millisecond)
		ca, cb := local(10), local(11)
		ca.Special, cb.Special = place(2), place(1)
		ca.RedialInterval, cb.RedialInterval = time.Hour, time.Hour
		a, b := virtual(t, netw, 1, ca), virtual(t, netw, 2, cb)
		time.Sleep(time.Second)
		if a.Total() != 1 || b.Total() != 1 {
			t.Fatalf("%d and %d peers, want 1 and 1", a.Total(), b.Total())
		}
		a.BlockingSend(NewParcel(Broadcast, []byte("x")))
		next(t, b)
		a.Stop()
		b.Stop()
	}
}

// H12: whoever is turned away is told where else to try, whichever version both
// are configured for.
func TestH12RejectsArrive(t *testing.T) {
	for _, own := range []uint16{9, 10, 11} {
		c := local(own)
		c.MaxIncoming = 1
		n := start(t, c)
		first := visit(t, n, own, "4321", 1)
		for i := range 30 {
			version := uint16(9 + i%3)
			conf := numbered(n.conf, 100+i)
			p, err := NewProtocol(version, &conf, dialRaw(t, n))
			if err != nil {
				t.Fatal(err)
			}
			h := introduce(t, p, &conf, uint64(i+10))
			if h.Type != TypeRejectAlternative || len(h.Alternatives) != 1 || h.Alternatives[0] != (Endpoint{"127.0.0.1", "4321"}) {
				t.Fatalf("listener %d, dialer %d: %+v", own, version, h)
			}
		}
		first.conn.Close()
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestH12AlternativesAreFollowed(t *testing.T) { synctest.Test(t, testH12) }

// H12: a node that is turned away tries the alternatives at once.
func testH12(t *testing.T) {
	netw := mem.New(time.Millisecond)
	full, free := local(10), local(10)
	full.MaxIncoming, full.TargetPeers, free.TargetPeers = 0, 1, 1
	free.Special = ""
	full.SeedURL = write(t, place(2))
	virtual(t, netw, 2, free)
	virtual(t, netw, 1, full)
	time.Sleep(10 * time.Second)
	c := local(10)
	c.SeedURL = write(t, place(1))
	n := virtual(t, netw, 3, c)
	time.Sleep(10 * time.Second)
	if n.peers.Get("10.0.0.2:8108 00000002") == nil {
		t.Errorf("the alternative is not a peer: %v", n.peers.Slice())
	}
}

func TestH13OneNodeUnderTwoNames(t *testing.T) { synctest.Test(t, testH13) }

// H13: a node known under two names is one peer, with one lasting connection.
func testH13(t *testing.T) {
	netw := mem.New(time.Millisecond)
	here, err := addr.Parse(place(1))
	if err != nil {
		t.Fatal(err)
	}
	netw.Name("one.example", here)
	a := virtual(t, netw, 1, local(10))
	c := local(10)
	c.Special = place(1) + ",one.example:8108"
	c.RedialInterval = time.Second
	virtual(t, netw, 2, c)
	time.Sleep(10 * time.Second)
	since := only(t, a).GetMetrics().MomentConnected
	for range 600 {
		time.Sleep(100 * time.Millisecond)
		if a.Total() != 1 {
			t.Fatalf("%d peers", a.Total())
		}
	}
	if now := only(t, a).GetMetrics().MomentConnected; now != since {
		t.Errorf("connected anew at %v, after %v", now, since)
	}
}

// H14: what was sent before Stop arrives.
func TestH14StopWritesWhatIsQueued(t *testing.T) {
	a, b := pair(t, numbered(local(10), 1), numbered(local(10), 2))
	const count = 2000
	for range count {
		b.BlockingSend(NewParcel(Broadcast, make([]byte, 1<<10)))
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range count {
			next(t, a)
		}
	})
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

// H15: who claims the hash of a connected peer does not replace it.
func TestH15ClaimedHashReplacesNobody(t *testing.T) {
	n := start(t, local(10))
	victim := visit(t, n, 10, "1", 1)
	for i := range 5 {
		conf := numbered(n.conf, 1)
		p, err := NewProtocol(10, &conf, dialRaw(t, n))
		if err != nil {
			t.Fatal(err)
		}
		err = p.SendHandshake(&Handshake{Network: conf.Network, Version: 10, Type: TypeHandshake, NodeID: 1, ListenPort: "1", Loopback: uint64(i + 50)})
		if err != nil {
			t.Fatal(err)
		}
		if h, err := p.ReadHandshake(); err == nil && h.Type != TypeRejectAlternative {
			t.Errorf("let in: %+v", h)
		}
	}
	n.BlockingSend(NewParcel(victim.hash, []byte("secret for the victim")))
	if p, err := victim.message(); err != nil || !strings.HasPrefix(string(p.Payload), "secret") {
		t.Errorf("the victim got %v, %v", p, err)
	}
}

// H16: limits count peers when they introduce themselves, so prepared sockets
// gain nothing.
func TestH16PreparedSockets(t *testing.T) {
	c := local(10)
	c.MaxIncoming, c.PeerIPLimitIncoming = 5, 0
	n := start(t, c)
	var conns []net.Conn
	for range 50 {
		conns = append(conns, dialRaw(t, n))
	}
	in := 0
	for i, conn := range conns {
		conf := numbered(n.conf, i+1)
		p, err := NewProtocol(10, &conf, conn)
		if err != nil {
			t.Fatal(err)
		}
		if h := introduce(t, p, &conf, uint64(i+1)); h.Type == TypeHandshake {
			in++
		}
	}
	if in != 5 || n.Total() > 5 {
		t.Errorf("%d got in and %d are peers, want 5", in, n.Total())
	}
}

// H17: a service that echoes our own handshake is not banned, let alone for
// fifty years.
func TestH17EchoIsNotBanned(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, version := range []uint16{9, 10, 11} {
		c := local(version)
		c.Special = ln.Addr().String()
		n := start(t, c)
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(conn, conn)
		conn.Close()
		s, err := n.node.Snapshot(t.Context())
		if err != nil || len(s.Bans) != 0 {
			t.Errorf("version %d: bans %v, %v", version, s.Bans, err)
		}
		n.Stop()
	}
}

// goroutines waits until there are at most so many.
func goroutines(t *testing.T, most int) {
	t.Helper()
	eventually(t, fmt.Sprintf("at most %d goroutines", most), func() bool { return runtime.NumGoroutine() <= most })
}
