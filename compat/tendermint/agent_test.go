package p2p

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/fault"
	"parley/transport/mem"
)

// patience is how long a test in real time waits for what must happen, far more
// than it takes.
const patience = 3 * time.Minute

// receive returns the next message on a channel.
func receive(t *testing.T, sw *Switch, ch byte) InboundBytes {
	t.Helper()
	got := make(chan InboundBytes, 1)
	go func() {
		if in, ok := sw.Receive(ch); ok {
			got <- in
		}
	}()
	select {
	case in := <-got:
		return in
	case <-time.After(patience):
		t.Fatal("no message arrives")
	}
	return InboundBytes{}
}

func nextEvent(t *testing.T, ch <-chan interface{}) interface{} {
	t.Helper()
	select {
	case e := <-ch:
		return e
	case <-time.After(patience):
		t.Fatal("nothing is told")
	}
	return nil
}

// agents returns two Switches of 2014, with the channels 0 to 2, that one
// connection joins.
func agents(t *testing.T, events chan interface{}) (dialing, listening *Switch, l Listener) {
	t.Helper()
	descs := func() []*ChannelDescriptor { return []*ChannelDescriptor{{Id: 0}, {Id: 1}, {Id: 2, MaxMessage: 100}} }
	dialing, listening = NewSwitch(descs()), NewSwitch(descs())
	listening.AddEventListener("test", events)
	for _, sw := range []*Switch{dialing, listening} {
		if err := sw.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(sw.Stop)
	}
	l = NewDefaultListener("tcp", "127.0.0.1:0")
	t.Cleanup(l.Stop)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if _, err := listening.AddPeerWithConnection(<-l.Connections(), false); err != nil {
			t.Error(err)
		}
	})
	if _, err := dialing.DialPeerWithAddress(l.ExternalAddress()); err != nil {
		t.Fatal(err)
	}
	return dialing, listening, l
}

// The life of two agents' Switches, on TCP.
func TestAgents(t *testing.T) {
	events := make(chan interface{})
	a, b, l := agents(t, events)
	came, ok := nextEvent(t, events).(SwitchEventNewPeer)
	pa, pb := only(t, a), only(t, b)
	if !ok || came.Peer != pb || pb.IsOutbound() || !pa.IsOutbound() || !pa.IsRunning() {
		t.Errorf("told of %v", came)
	}
	if pa.Key != l.ExternalAddress().String() || !pa.SocketAddr().Equals(l.ExternalAddress()) || pa.ID() != "" || pa.NodeInfo() != nil {
		t.Errorf("the peer's key is %q", pa.Key)
	}
	if _, err := a.DialPeerWithAddress(l.ExternalAddress()); !errors.Is(err, ErrSwitchDuplicatePeer) {
		t.Errorf("dialed twice: %v", err)
	}
	(<-l.Connections()).Close()
	if a.IsDialing(l.ExternalAddress()) {
		t.Error("it is not dialing")
	}
	if ok, failed := a.Broadcast(1, TypedMessage{7, Raw("all")}); ok != 1 || failed != 0 {
		t.Errorf("broadcast to %d and %d", ok, failed)
	}
	if in := receive(t, b, 1); string(in.Bytes) != "\aall" || in.MConn.Peer != pb {
		t.Errorf("got %q of %v", in.Bytes, in.MConn)
	}
	if !pb.Send(0, Raw("")) || len(receive(t, a, 0).Bytes) != 0 {
		t.Error("an empty message got lost")
	}
	if !pb.CanSend(2) || pb.Send(2, Raw(make([]byte, 101))) || pb.TrySend(3, Raw("x")) || pb.CanSend(3) || pb.Send(1, nil) {
		t.Error("what cannot be sent was taken")
	}
	if pb.Set("k", 5); pb.Get("k") != 5 || pb.Get("other") != nil || pb.Equals(pa) || !pb.Equals(pb) {
		t.Error("what is kept with a peer is not there")
	}
	b.StopPeerForError(pb, "bad message")
	gone, ok := nextEvent(t, events).(SwitchEventDonePeer)
	if err, is := gone.Error.(error); !ok || gone.Peer != pb || !is || !strings.Contains(err.Error(), "bad message") {
		t.Errorf("told that it went for %v", gone.Error)
	}
	if pb.TrySend(1, Raw("x")) || pb.Send(1, Raw("x")) || pb.CanSend(1) || pb.IsRunning() {
		t.Error("a peer that is gone takes messages")
	}
	if ok, failed := b.Broadcast(1, Raw("nobody")); ok+failed != 0 || b.Peers().Has(pb.Key) {
		t.Errorf("still there for a broadcast: %d, %d", ok, failed)
	}
}

// What a Switch that was stopped, or not started, answers.
func TestNotRunning(t *testing.T) {
	sw := NewSwitch([]*ChannelDescriptor{{Id: 1}})
	c, other := net.Pipe()
	if _, err := sw.AddPeerWithConnection(c, true); !errors.Is(err, ErrSwitchNotRunning) {
		t.Errorf("before Start: %v", err)
	}
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is left open")
	}
	if err := sw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := sw.Start(); !errors.Is(err, ErrSwitchStarted) {
		t.Errorf("started twice: %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, ok := sw.Receive(1); ok {
			t.Error("received something")
		}
	})
	sw.Stop()
	wg.Wait()
	sw.Stop()
	if _, err := sw.DialPeerWithAddress(NewNetAddressString("127.0.0.1:1")); !errors.Is(err, ErrSwitchNotRunning) {
		t.Errorf("after Stop: %v", err)
	}
	for what, f := range map[string]func(){
		"a channel that does not exist": func() { sw.Receive(9) },
		"a channel that is there twice": func() { NewSwitch([]*ChannelDescriptor{{Id: 1}, {Id: 1}}) },
		"an agent that comes too late":  func() { NewPEXAgent(sw, NewAddrBook("")) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}

// A connection that stands alone.
func TestMConnection(t *testing.T) {
	l := NewDefaultListener("tcp", "127.0.0.1:0")
	defer l.Stop()
	c, err := l.ExternalAddress().Dial()
	if err != nil {
		t.Fatal(err)
	}
	why := make(chan interface{}, 1)
	descs := func() []*ChannelDescriptor { return []*ChannelDescriptor{{Id: 5}} }
	a := NewMConnection(c, descs(), func(r interface{}) { why <- r })
	b := NewMConnection(<-l.Connections(), descs(), nil)
	a.Start()
	b.Start()
	defer a.Stop()
	if !b.Send(5, Raw("hello")) || !b.CanSend(5) {
		t.Fatal("not sent")
	}
	if in, ok := a.Receive(5); !ok || string(in.Bytes) != "hello" {
		t.Errorf("got %q", in.Bytes)
	}
	if !a.RemoteAddress.Equals(l.ExternalAddress()) || !strings.Contains(a.String(), l.ExternalAddress().String()) {
		t.Errorf("it is %v", a)
	}
	b.Stop()
	if e, ok := nextEvent(t, why).(error); !ok || errors.Is(e, fault.Protocol) {
		t.Errorf("it ended with %v", e)
	}
}

// Agents of 2014 that know one of them find the others, and its book fills.
func TestPEXAgent(t *testing.T) { synctest.Test(t, testPEXAgent) }

func testPEXAgent(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	var all []*Switch
	var pexs []*PEXAgent
	var books []*AddrBook
	for n := range 4 {
		c := comet(t, netw, n, &ChannelDescriptor{Id: PexCh}, &ChannelDescriptor{Id: 1})
		c.Protocol, c.MaxNumOutboundPeers, c.NoPex = September2014, -1, true
		sw, book := prepare(t, c), NewAddrBook("")
		book.AddOurAddress(NewNetAddressString(place(n)))
		if n > 0 {
			book.AddAddress(NewNetAddressString(place(0)), NewNetAddressString(place(0)))
		}
		p := NewPEXAgent(sw, book)
		if n%2 == 0 {
			p.Start()
		}
		if err := sw.Start(); err != nil {
			t.Fatal(err)
		}
		if n%2 == 1 {
			p.Start()
		}
		all, pexs, books = append(all, sw), append(pexs, p), append(books, book)
	}
	settled(10 * time.Minute)
	for n, sw := range all {
		met := map[string]bool{}
		for _, p := range sw.Peers().List() {
			met[p.RemoteIP().String()] = true
		}
		if len(met) != 3 || met[sw.address().IP.String()] || books[n].Size() < 2 {
			t.Errorf("node %d met %v, and knows %d", n, met, books[n].Size())
		}
	}
	pexs[1].Stop()
	p := all[1].Peers().List()[0]
	pexs[1].SendAddrs(p, []*NetAddress{NewNetAddressString("8.8.8.8:1")})
	pexs[1].RequestPEX(p)
	settled(time.Second)
	told := false
	for _, b := range books {
		for _, a := range b.dialable() {
			told = told || a.String() == "8.8.8.8:1"
		}
	}
	if !told {
		t.Error("the address that was told is in no book")
	}
}
