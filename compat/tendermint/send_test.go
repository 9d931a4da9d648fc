package p2p

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// A lone message leaves at once: there is no flush timer, so the time that it takes
// is that of the network.
func TestLoneMessageLeavesAtOnce(t *testing.T) { synctest.Test(t, testLone) }

func testLone(t *testing.T) {
	const latency = 10 * time.Millisecond
	netw := mem.New(latency)
	d := func() []*ChannelDescriptor { return []*ChannelDescriptor{{Id: app}} }
	a, b := joined(t, netw, nil, d)
	for range 20 {
		settled(7 * time.Second)
		began := time.Now()
		if !only(t, a).Send(app, Raw("ping")) {
			t.Fatal("not sent")
		}
		in, _ := b.Receive(app)
		in.MConn.Peer.Send(app, Raw("pong"))
		a.Receive(app)
		if rtt := time.Since(began); rtt != 2*latency {
			t.Fatalf("there and back took %v, the network %v", rtt, 2*latency)
		}
	}
}

// A channel that is full takes nothing from others: while blocks wait for a peer
// that does not read, there is room for votes, and Send gives up after its time.
func TestFullChannelLeavesRoom(t *testing.T) { synctest.Test(t, testFullChannel) }

func testFullChannel(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	c := comet(t, netw, 1, &ChannelDescriptor{Id: app, SendQueueCapacity: 1000}, &ChannelDescriptor{Id: 0x31})
	a := start(t, c)
	if _, _, err := visit(t, netw, 3); err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	p := only(t, a)
	blocks := 0
	for p.CanSend(app) && p.TrySend(app, Raw(make([]byte, 50_000))) {
		blocks++
		synctest.Wait()
	}
	if most := defaultQueueBytes/50_000 + 10; blocks < most/2 || blocks > most {
		t.Errorf("%d blocks wait, want about %d", blocks, most)
	}
	began := time.Now()
	if p.Send(app, Raw(make([]byte, 50_000))) || time.Since(began) != sendTimeout {
		t.Errorf("Send gave up after %v", time.Since(began))
	}
	for range defaultSendQueue {
		if !p.CanSend(0x31) || !p.TrySend(0x31, Raw("vote")) {
			t.Fatal("no room for a vote")
		}
	}
	if p.CanSend(0x31) || p.TrySend(0x31, Raw("one too many")) {
		t.Error("more votes wait than may")
	}
	if _, lost := p.Dropped(); lost < 2 {
		t.Errorf("%d are counted", lost)
	}
}

// Whoever waits in Send goes on as soon as there is room, while the others' channels
// are as full as ever: room comes back message by message.
func TestRoomComesBackUnderLoad(t *testing.T) { synctest.Test(t, testRoom) }

func testRoom(t *testing.T) {
	netw := mem.New(time.Millisecond)
	r := newTape(&ChannelDescriptor{Id: app}, &ChannelDescriptor{Id: 0x31, DefaultPriority: 10})
	ca := comet(t, netw, 1, &ChannelDescriptor{Id: app}, &ChannelDescriptor{Id: 0x31, DefaultPriority: 10})
	cb := comet(t, netw, 2)
	cb.Transport = strip{cb.Transport, 1 << 20}
	cb.PersistentPeers = []string{place(1)}
	a, b := start(t, ca), prepare(t, cb)
	b.AddReactor("tape", r)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	p := only(t, a)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p.Send(app, Raw(make([]byte, 100_000))) {
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	settled(10 * time.Second)
	for range 10 * defaultSendQueue {
		if !p.Send(0x31, stamp(t)) {
			t.Fatal("a vote was not taken")
		}
	}
	settled(2 * time.Second)
	if n := r.counted(0x31); n != 10*defaultSendQueue {
		t.Errorf("%d votes came", n)
	}
	close(stop)
	<-done
}
