package p2p

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport/mem"
)

// tape is a reactor that notes what comes when, and may be slow on a channel.
type tape struct {
	*BaseReactor
	channels []*ChannelDescriptor
	slow     map[byte]time.Duration

	mu    sync.Mutex
	bytes map[byte]int
	count map[byte]int
	last  map[byte]time.Duration // the longest that a message that carries its time was under way
	added int
	gone  int
}

func newTape(channels ...*ChannelDescriptor) *tape {
	r := &tape{channels: channels, slow: map[byte]time.Duration{}, bytes: map[byte]int{}, count: map[byte]int{}, last: map[byte]time.Duration{}}
	r.BaseReactor = NewBaseReactor("tape", r)
	return r
}

func (r *tape) GetChannels() []*ChannelDescriptor { return r.channels }

func (r *tape) AddPeer(*Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added++
}

func (r *tape) RemovePeer(*Peer, interface{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone++
}

func (r *tape) Receive(e Envelope) {
	r.mu.Lock()
	d := r.slow[e.ChannelID]
	r.mu.Unlock()
	time.Sleep(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[e.ChannelID]++
	r.bytes[e.ChannelID] += len(e.Message)
	if len(e.Message) == stampSize {
		var sent time.Time
		if sent.UnmarshalBinary(e.Message) == nil {
			r.last[e.ChannelID] = max(r.last[e.ChannelID], time.Since(sent))
		}
	}
}

func (r *tape) counted(ch byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[ch]
}

func (r *tape) latest(ch byte) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[ch]
}

func (r *tape) met() (added, gone int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.added, r.gone
}

// stampSize is how long a message is that carries the time it was sent.
const stampSize = 15

func stamp(t testing.TB) Raw {
	t.Helper()
	b, err := time.Now().UTC().MarshalBinary()
	if err != nil || len(b) != stampSize {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	return b
}

// Through the whole stack, with three channels always full, each second of a
// connection is divided by priority, within a tenth, and a lone message on the channel
// of the highest priority passes the backlog of the others.
func TestChannelsShareByPriority(t *testing.T) { synctest.Test(t, testShares) }

func testShares(t *testing.T) {
	const rate = 5_120_000
	netw := mem.New(time.Millisecond)
	channels := func() (ds []*ChannelDescriptor) {
		for _, p := range []int{1, 5, 10} {
			ds = append(ds, &ChannelDescriptor{Id: byte(0x20 + p), DefaultPriority: p, RecvQueueBytes: 64 << 20, RecvQueueCapacity: 1 << 20})
		}
		return ds
	}
	r := newTape(channels()...)
	ca, cb := comet(t, netw, 1, channels()...), comet(t, netw, 2)
	cb.Transport = strip{cb.Transport, rate}
	cb.PersistentPeers = []string{place(1)}
	a := start(t, ca)
	b := prepare(t, cb)
	b.AddReactor("tape", r)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	settled(time.Second)
	p := only(t, a)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	body := Raw(make([]byte, 2000))
	for _, d := range channels() {
		wg.Go(func() {
			for p.Send(d.Id, body) {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	settled(3 * time.Second) // buffers fill
	for second := range 5 {
		before := r.snapshot()
		time.Sleep(time.Second)
		all, now := 0, r.snapshot()
		for _, d := range channels() {
			now[d.Id] -= before[d.Id]
			all += now[d.Id]
		}
		if all < rate*8/10 {
			t.Errorf("second %d: %d bytes came, want about %d", second, all, rate)
		}
		for _, d := range channels() {
			got, want := float64(now[d.Id])/float64(all), float64(d.DefaultPriority)/16
			if got < 0.9*want || got > 1.1*want {
				t.Errorf("second %d: channel %#x got %.4f of the bandwidth, want %.4f", second, d.Id, got, want)
			}
		}
	}
}

func (r *tape) snapshot() map[byte]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[byte]int{}
	for ch, n := range r.bytes {
		m[ch] = n
	}
	return m
}

// A reactor that sleeps for a minute with each message of one channel delays that
// channel alone: on another messages of the same peer arrive at once, pings are
// answered, the connection stays, and what is dropped is counted.
func TestSlowReactor(t *testing.T) { synctest.Test(t, testSlowReactor) }

func testSlowReactor(t *testing.T) {
	const slow, quick = 0x30, 0x22
	netw := mem.New(10 * time.Millisecond)
	r := newTape(&ChannelDescriptor{Id: slow}, &ChannelDescriptor{Id: quick, DefaultPriority: 10})
	r.slow[slow] = time.Minute
	ended := make(chan error, 1)
	a, b := joined(t, netw, func(a, b *Switch) {
		a.AddReactor("tape", r)
		b.declare(&ChannelDescriptor{Id: slow})
		b.declare(&ChannelDescriptor{Id: quick})
		b.cfg.PingInterval, b.cfg.PongTimeout = 5*time.Second, 2*time.Second
		b.gone = func(_ *Peer, why error) { ended <- why }
	}, func() []*ChannelDescriptor { return nil })
	p := only(t, b)
	tx := Raw(make([]byte, 1000))
	sent := 0
	for range 600 { // ten minutes
		for range 20 {
			if p.TrySend(slow, tx) {
				sent++
			}
		}
		if !p.TrySend(quick, stamp(t)) {
			t.Fatal("a vote is not taken")
		}
		time.Sleep(time.Second)
	}
	synctest.Wait()
	if len(ended) > 0 || count(b) != 1 {
		t.Fatalf("the connection ended: %v", <-ended)
	}
	if n, late := r.counted(quick), r.latest(quick); n != 600 || late > 50*time.Millisecond {
		t.Errorf("%d of 600 votes came, after %v at most", n, late)
	}
	n, dropped := r.counted(slow), a.DroppedMessages(slow)
	if n < 9 || n > 10 {
		t.Errorf("%d slow messages were dealt with, want 9 or 10", n)
	}
	if want := sent - n - 1 - leastRecvQueue; int(dropped) != want {
		t.Errorf("%d of %d messages were dropped, want %d", dropped, sent, want)
	}
	if got, _ := only(t, a).Dropped(); got != dropped {
		t.Errorf("the peer counts %d", got)
	}
	r.mu.Lock()
	r.slow[slow] = 0
	r.mu.Unlock()
	settled(2 * time.Minute)
	if n := r.counted(slow); n != sent-int(dropped) {
		t.Errorf("%d of %d messages that were kept arrived", n, sent-int(dropped))
	}
}

// With Wait, nothing is lost: the peer that sends too much waits, and nobody else.
func TestSlowReactorThatLosesNothing(t *testing.T) { synctest.Test(t, testWaits) }

func testWaits(t *testing.T) {
	const slow = 0x30
	netw := mem.New(10 * time.Millisecond)
	r := newTape(&ChannelDescriptor{Id: slow, Overflow: Wait, RecvQueueBytes: 100 << 10})
	r.slow[slow] = 10 * time.Millisecond
	_, b := joined(t, netw, func(a, b *Switch) {
		a.AddReactor("tape", r)
		b.declare(&ChannelDescriptor{Id: slow})
	}, func() []*ChannelDescriptor { return nil })
	c := comet(t, netw, 3, &ChannelDescriptor{Id: slow})
	c.PersistentPeers = []string{place(1)}
	other := start(t, c)
	settled(time.Second)
	const messages = 3000
	done := make(chan bool)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		ok := true
		p := b.Peers().Get(idOf(comet(t, netw, 1)))
		for range messages {
			ok = p.Send(slow, Raw(make([]byte, 10_000))) && ok
		}
		done <- ok
	})
	settled(time.Second)
	if !other.Peers().Get(idOf(comet(t, netw, 1))).TrySend(slow, stamp(t)) {
		t.Fatal("not taken")
	}
	if !<-done {
		t.Error("a message was not taken")
	}
	settled(time.Minute)
	if n, late := r.counted(slow), r.latest(slow); n != messages+1 || late > 100*time.Millisecond {
		t.Errorf("%d of %d messages arrived, that of the other peer after %v", n, messages+1, late)
	}
}

// A listener that does not read holds up neither peers nor other listeners; it is
// told of those that are there when it reads, not of those that came and went.
func TestStalledListener(t *testing.T) { synctest.Test(t, testStalledListener) }

func testStalledListener(t *testing.T) {
	netw := mem.New(10 * time.Millisecond)
	d := func() *ChannelDescriptor { return &ChannelDescriptor{Id: 0x30} }
	a := prepare(t, comet(t, netw, 1, d()))
	stalled, reads := make(chan interface{}), make(chan interface{}, 1000)
	a.AddEventListener("stalled", stalled)
	a.AddEventListener("reads", reads)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	const visits = 20
	for i := range visits {
		c := comet(t, netw, 2+i, d())
		c.PersistentPeers = []string{place(1)}
		sw := start(t, c)
		settled(time.Second)
		if count(a) != 1 || !only(t, a).TrySend(0x30, Raw("hello")) {
			t.Fatalf("visitor %d is not a peer", i)
		}
		if in, ok := sw.Receive(0x30); !ok || string(in.Bytes) != "hello" {
			t.Fatalf("visitor %d got %q", i, in.Bytes)
		}
		if i < visits-1 {
			sw.Stop()
			settled(time.Second)
		}
	}
	if n := len(reads); n != 2*visits-1 {
		t.Errorf("the listener that reads was told %d times, want %d", n, 2*visits-1)
	}
	// The first was on its way to it all the time.
	var told []string
	for range 3 {
		switch e := (<-stalled).(type) {
		case SwitchEventNewPeer:
			told = append(told, "+"+e.Peer.Key)
		case SwitchEventDonePeer:
			told = append(told, "-"+e.Peer.Key)
		}
	}
	settled(time.Second)
	first, last := comet(t, netw, 2), comet(t, netw, 1+visits)
	want := []string{"+" + idOf(first), "-" + idOf(first), "+" + idOf(last)}
	for i := range want {
		if told[i] != want[i] {
			t.Errorf("event %d is %s, want %s", i, told[i], want[i])
		}
	}
	if n := a.MissedEvents("stalled"); n != visits-2 {
		t.Errorf("%d peers were missed, want %d", n, visits-2)
	}
	close(stalled) // as agents do that stop
	a.Stop()
}
