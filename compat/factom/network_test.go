package p2p

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/transport/mem"
)

func TestSendAndReceive(t *testing.T) {
	a, b := pair(t, numbered(local(11), 1), numbered(local(11), 2))
	for i, send := range []func(*Network, *Parcel){(*Network).Send, (*Network).BlockingSend, func(n *Network, p *Parcel) { n.ToNetwork.Send(p) }} {
		for _, target := range []string{Broadcast, FullBroadcast, RandomPeer, "", only(t, b).Hash} {
			text := fmt.Sprint(i, target)
			send(b, NewParcel(target, []byte(text)))
			p := next(t, a)
			if string(p.Payload) != text || p.Address != only(t, a).Hash || !p.IsApplicationMessage() {
				t.Fatalf("got %s from %q, want %s", p.Payload, p.Address, text)
			}
			a.BlockingSend(NewParcel(p.Address, []byte("back")))
			if p := next(t, b); string(p.Payload) != "back" {
				t.Fatalf("got %s back", p.Payload)
			}
		}
	}
	a.Send(NewParcel("nobody", []byte("x")))
	eventually(t, "what nobody gets is counted", func() bool { return a.GetInfo().Dropped == 1 })
}

// What a peer sent is not broadcast to it, but sent to it by its hash.
func TestResendFilter(t *testing.T) {
	a, b := pair(t, numbered(local(10), 1), numbered(local(10), 2))
	b.BlockingSend(NewParcel(Broadcast, []byte("news")))
	hash := next(t, a).Address
	a.BlockingSend(NewParcel(Broadcast, []byte("news")))
	a.BlockingSend(NewParcel(FullBroadcast, []byte("news")))
	a.BlockingSend(NewParcel(hash, []byte("news")))
	a.BlockingSend(NewParcel(Broadcast, []byte("other")))
	for _, want := range []string{"news", "other"} {
		if p := next(t, b); string(p.Payload) != want {
			t.Errorf("got %q, want %q", p.Payload, want)
		}
	}
	none(t, b)
}

// A network whose port is taken says so.
func TestRunReportsATakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := local(10)
	_, c.ListenPort, _ = net.SplitHostPort(ln.Addr().String())
	n, err := NewNetwork(c)
	if err != nil {
		t.Fatal(err)
	}
	if n.Run() == nil {
		t.Error("runs where another listens")
	}
	n.Stop()
	if _, open := <-n.Reader(); open {
		t.Error("the reader is open after Stop")
	}
}

func TestRunAndStopOnce(t *testing.T) {
	n := start(t, local(10))
	if err := n.Run(); !errors.Is(err, ErrRan) {
		t.Errorf("ran twice: %v", err)
	}
	var stopped atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := n.Stop(); err == nil {
				stopped.Add(1)
			} else if !errors.Is(err, ErrStopped) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if stopped.Load() != 1 {
		t.Errorf("stopped %d times", stopped.Load())
	}
	if err := n.Run(); !errors.Is(err, ErrStopped) {
		t.Errorf("ran after Stop: %v", err)
	}
	for range n.Reader() {
		t.Error("something was received")
	}
	n.Send(NewParcel(Broadcast, []byte("x")))
	n.BlockingSend(NewParcel(Broadcast, []byte("x")))
	n.Ban("nobody")
	n.Disconnect("nobody")
	n.SetSpecial("1.2.3.4:5")
}

func TestMetrics(t *testing.T) { synctest.Test(t, testMetrics) }

func testMetrics(t *testing.T) {
	netw := mem.New(time.Millisecond)
	a := virtual(t, netw, 1, local(11))
	c := local(11)
	c.Special = place(1)
	b := virtual(t, netw, 2, c)
	time.Sleep(1500 * time.Millisecond)
	hooked := make(chan map[string]PeerMetrics, 1)
	b.SetMetricsHook(func(pm map[string]PeerMetrics) {
		select {
		case hooked <- pm:
		default:
		}
	})
	for range 100 {
		b.BlockingSend(NewParcel(FullBroadcast, make([]byte, 1000)))
	}
	time.Sleep(time.Second)
	if i := b.GetInfo(); i.Peers != 1 || i.Sending < 100 || i.Upload < 100e3 || i.Dropped != 0 {
		t.Errorf("b: %+v", i)
	}
	if i := a.GetInfo(); i.Receiving < 100 || i.Download < 100e3 {
		t.Errorf("a: %+v", i)
	}
	m := (<-hooked)["10.0.0.1:8108 00000001"]
	if m.MessagesSent < 100 || m.BytesSent < 100e3 || m.MPSUp < 100 || m.BPSUp < 100e3 || m.Incoming || m.PeerType != "special_config" || m.ConnectionState != "v11" || m.PeerAddress != "10.0.0.1" || m.PeerQuality != 0 {
		t.Errorf("%+v", m)
	}
	m = a.GetPeerMetrics()["10.0.0.2:8108 00000002"]
	if m.MessagesReceived < 100 || !m.Incoming || m.PeerType != "regular" || m.MomentConnected.IsZero() || m.LastReceive.IsZero() {
		t.Errorf("%+v", m)
	}
	if p := only(t, a); p.LastSendAge() > 2*time.Second || p.SendFillRatio() != 0 {
		t.Errorf("age %v, ratio %v", p.LastSendAge(), p.SendFillRatio())
	}
	b.SetMetricsHook(nil)
}

func TestSpecialPeers(t *testing.T) { synctest.Test(t, testSpecialPeers) }

// Special peers are dialed beyond the target, get every broadcast, can be
// replaced at run time, and a list that can not be read changes nothing.
func testSpecialPeers(t *testing.T) {
	netw := mem.New(time.Millisecond)
	for i := 1; i <= 4; i++ {
		virtual(t, netw, i, local(10))
	}
	c := local(10)
	c.TargetPeers, c.Fanout, c.Special = 1, 1, place(1)+","+place(2)
	n := virtual(t, netw, 9, c)
	time.Sleep(5 * time.Second)
	special := func() (count int) {
		for _, m := range n.GetPeerMetrics() {
			if m.PeerType == "special_config" {
				count++
			}
		}
		return count
	}
	if n.Total() != 2 || special() != 2 {
		t.Errorf("%d peers, %d special, want 2", n.Total(), special())
	}
	n.SetSpecial(place(1) + ";" + place(2) + ";" + place(3) + ";10.0.0.4")
	time.Sleep(5 * time.Second)
	if n.Total() != 4 || special() != 4 {
		t.Errorf("%d peers, %d special, want 4", n.Total(), special())
	}
	n.SetSpecial("10.0.0.1:http")
	time.Sleep(5 * time.Second)
	if special() != 4 {
		t.Errorf("%d special after a bad list, want 4", special())
	}
	n.SetSpecial("")
	time.Sleep(5 * time.Second)
	if special() != 0 || n.Total() != 4 {
		t.Errorf("%d peers, %d special, want 4, 0", n.Total(), special())
	}
}

func TestBroadcastTargets(t *testing.T) { synctest.Test(t, testBroadcastTargets) }

// A broadcast goes to every special peer and Fanout others, a full one to all.
func testBroadcastTargets(t *testing.T) {
	netw := mem.New(time.Millisecond)
	c := local(10)
	c.TargetPeers, c.Fanout, c.Special = 1, 3, place(1)+","+place(2)
	var all []*Network
	for i := 1; i <= 10; i++ {
		x := local(10)
		if x.TargetPeers = 1; i > 2 {
			x.Special = place(99)
		}
		all = append(all, virtual(t, netw, i, x))
	}
	n := virtual(t, netw, 99, c)
	time.Sleep(10 * time.Second)
	if n.Total() != 10 {
		t.Fatalf("%d peers, want 10", n.Total())
	}
	got := func() (total, special int) {
		time.Sleep(time.Second)
		for i, x := range all {
			for len(x.FromNetwork) > 0 {
				<-x.Reader()
				if total++; i < 2 {
					special++
				}
			}
		}
		return total, special
	}
	for range 5 {
		n.BlockingSend(NewParcel(Broadcast, []byte("x")))
		if total, special := got(); total != 5 || special != 2 {
			t.Errorf("broadcast: %d got it, %d of them special, want 5, 2", total, special)
		}
	}
	n.Send(NewParcel(FullBroadcast, []byte("x")))
	if total, _ := got(); total != 10 {
		t.Errorf("full broadcast: %d got it, want 10", total)
	}
	n.Send(NewParcel(RandomPeer, []byte("x")))
	if total, _ := got(); total != 1 {
		t.Errorf("random: %d got it, want 1", total)
	}
}

func TestRounds(t *testing.T) { synctest.Test(t, testRounds) }

// Rounds drop random peers but no special ones.
func testRounds(t *testing.T) {
	netw := mem.New(time.Millisecond)
	c := local(10)
	c.RoundTime, c.DropTo, c.TargetPeers, c.Special = 10*time.Minute, 3, 1, place(1)
	n := virtual(t, netw, 99, c)
	for i := 1; i <= 8; i++ {
		x := local(10)
		x.TargetPeers, x.RedialInterval = 1, 24*time.Hour
		if i > 1 {
			x.SeedURL = write(t, place(99))
		}
		virtual(t, netw, i, x)
	}
	time.Sleep(time.Minute)
	if n.Rounds() != 0 || n.Total() != 8 {
		t.Fatalf("%d rounds, %d peers, want 0, 8", n.Rounds(), n.Total())
	}
	low := n.Total()
	for range 5 * 60 * 10 {
		time.Sleep(200 * time.Millisecond)
		low = min(low, n.Total())
	}
	if n.Rounds() != 1 {
		t.Errorf("%d rounds in 11 minutes, want 1", n.Rounds())
	}
	if low != 3 || n.peers.Get("10.0.0.1:8108 00000001") == nil {
		t.Errorf("dropped to %d, want 3 with the special one: %v", low, n.peers.Slice())
	}
}

func TestStalledPeer(t *testing.T) { synctest.Test(t, testStalledPeer) }

// A peer that takes nothing holds up broadcasts once, for ten seconds. Others
// get everything, and it is served again once it reads.
func testStalledPeer(t *testing.T) {
	netw := mem.New(time.Millisecond)
	c := local(11)
	c.ChannelCapacity = 1 // a queue of 1 MiB
	n := virtual(t, netw, 1, c)
	c.Special = place(1)
	healthy := virtual(t, netw, 2, c)
	from, _ := addr.Parse(place(3))
	to, _ := addr.Parse(place(1))
	conn, err := netw.From(from).Dial(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	stalled := meet(t, conn, n, 11, "8108", 3)
	time.Sleep(2 * time.Second)
	const count = 4000
	var wg sync.WaitGroup
	got := 0
	wg.Go(func() {
		for range count {
			next(t, healthy)
			got++
		}
	})
	begin := time.Now()
	for range count {
		n.BlockingSend(NewParcel(FullBroadcast, make([]byte, 1<<10)))
	}
	if d := time.Since(begin); d < stallTime || d > stallTime+5*time.Second {
		t.Errorf("all took %v, want a little over %v", d, stallTime)
	}
	wg.Wait()
	p := n.peers.Get(stalled.hash)
	if m := p.GetMetrics(); m.Dropped == 0 || m.Dropped >= count || n.GetInfo().Dropped != m.Dropped {
		t.Errorf("%d dropped for it, %d in all", m.Dropped, n.GetInfo().Dropped)
	}
	wg.Go(func() {
		for {
			if _, err := stalled.Receive(); err != nil {
				return
			}
		}
	})
	time.Sleep(5 * time.Second)
	before := p.GetMetrics().Dropped
	n.BlockingSend(NewParcel(FullBroadcast, []byte("again")))
	if p.GetMetrics().Dropped != before || p.stalled.Load() {
		t.Error("not served again")
	}
	conn.Close()
	wg.Wait()
}

// BlockingSend ends when the network stops or the peer leaves.
func TestBlockingSendEnds(t *testing.T) {
	for _, leave := range []bool{true, false} {
		c := local(10)
		c.ChannelCapacity = 1
		n := start(t, c)
		v := visit(t, n, 10, "1", 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 100 {
				n.BlockingSend(NewParcel(v.hash, make([]byte, 1<<20)))
			}
		})
		eventually(t, "the queue is full", func() bool { return n.peers.Get(v.hash).SendFillRatio() > 0.5 })
		if leave {
			v.conn.Close()
		} else if err := n.Stop(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

func TestBanOfAName(t *testing.T) { synctest.Test(t, testBanOfAName) }

// A peer that was dialed by name is banned by name and by address.
func testBanOfAName(t *testing.T) {
	netw := mem.New(time.Millisecond)
	here, _ := addr.Parse(place(1))
	netw.Name("one.example", here)
	a := virtual(t, netw, 1, local(10))
	c := local(10)
	c.Special, c.TargetPeers = "one.example:8108", 1
	n := virtual(t, netw, 2, c)
	time.Sleep(3 * time.Second)
	n.Ban("one.example:8108 00000001")
	time.Sleep(time.Minute)
	if n.Total() != 0 || a.Total() != 0 {
		t.Errorf("%d and %d peers after the ban", n.Total(), a.Total())
	}
	s, err := n.node.Snapshot(t.Context())
	if err != nil || len(s.Bans) != 2 || s.Bans[0].Addr != "10.0.0.1" || s.Bans[1].Addr != "one.example" {
		t.Errorf("bans %+v, %v", s.Bans, err)
	}
}

func TestSpecialByName(t *testing.T) { synctest.Test(t, testSpecialByName) }

// A special peer that is given by name is recognized in a connection that exists
// to the address it leads to, which stays as it is.
func testSpecialByName(t *testing.T) {
	netw := mem.New(time.Millisecond)
	here, err := addr.Parse(place(1))
	if err != nil {
		t.Fatal(err)
	}
	netw.Name("one.example", here)
	virtual(t, netw, 1, local(10))
	c := local(11)
	c.Special = place(1)
	b := virtual(t, netw, 2, c)
	time.Sleep(time.Second)
	p := only(t, b)
	b.SetSpecial("")
	if m := p.GetMetrics(); m.PeerType != "regular" {
		t.Errorf("still %s", m.PeerType)
	}
	b.SetSpecial("one.example:8108")
	time.Sleep(time.Minute)
	if m := only(t, b).GetMetrics(); only(t, b) != p || m.PeerType != "special_config" {
		t.Errorf("%s, the same connection: %v", m.PeerType, only(t, b) == p)
	}
}
