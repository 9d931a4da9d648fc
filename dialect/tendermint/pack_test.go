package tendermint

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// flow is a saturated link: every channel always has something to send.
type flow struct {
	t    testing.TB
	p    *packer
	dec  dialect.Decoder
	size int
	wire []byte
}

func (f *flow) put(channel byte, n int) {
	f.t.Helper()
	for range n {
		if err := f.p.Put(msg(uint32(channel), make([]byte, f.size))); err != nil {
			f.t.Fatal(err)
		}
	}
}

// pack sends about n bytes and returns the channels of the messages that came, in
// order.
func (f *flow) pack(n int) (order []uint32) {
	f.t.Helper()
	wire, _, err := f.p.Pack(nil, n)
	f.wire = append(f.wire, wire...)
	if err != nil {
		f.t.Fatal(err)
	}
	ms, rest, err := readAll(f.dec, f.wire)
	if err != nil {
		f.t.Fatal(err)
	}
	f.wire = rest
	for _, m := range ms {
		order = append(order, m.Type)
	}
	return order
}

func newFlow(t testing.TB, size int, channels []Channel) *flow {
	a, b := couple(t, Config{Channels: channels, NoPEX: true})
	return &flow{t: t, p: a.Encoder.(*packer), dec: b.Decoder, size: size}
}

// Each second of a saturated link is divided by priority, within a tenth,
// whatever the sizes of messages. The wire is the sealed one.
func TestBandwidthByPriority(t *testing.T) {
	const second = 5_120_000
	channels := []Channel{{ID: 1, Priority: 1}, {ID: 2, Priority: 5}, {ID: 3, Priority: 10}}
	for _, size := range []int{200, 1000, 5000, 20_000} {
		f := newFlow(t, size, channels)
		for _, c := range channels {
			f.put(c.ID, 3*second/size)
		}
		for window := range 3 {
			got := map[uint32]int{}
			all := 0
			for range second / (64 << 10) {
				for _, c := range f.pack(64 << 10) {
					got[c] += size
					all += size
				}
			}
			for _, c := range channels {
				share, want := float64(got[uint32(c.ID)])/float64(all), float64(c.Priority)/16
				if share < 0.9*want || share > 1.1*want {
					t.Errorf("messages of %d, second %d: channel %d got %.4f of the bandwidth, want %.4f", size, window, c.ID, share, want)
				}
			}
		}
	}
}

// A message of the highest priority waits for one packet at most, and pings and
// pongs for none.
func TestUrgentMessages(t *testing.T) {
	f := newFlow(t, 100_000, []Channel{{ID: 1, Priority: 1}, {ID: 2, Priority: 1}, {ID: 3, Priority: 10}})
	f.put(1, 20)
	f.put(2, 20)
	for round := range 500 {
		f.pack(1) // one packet
		if err := f.p.Put(msg(3, []byte("urgent"))); err != nil {
			t.Fatal(err)
		}
		if round%3 == 0 {
			f.p.Put(dialect.Message{Type: TypePing})
			f.p.Put(dialect.Message{Type: TypePong})
			a, b := f.pack(1), f.pack(1)
			if len(a) != 1 || a[0] != TypePong || len(b) != 1 || b[0] != TypePing {
				t.Fatalf("round %d: pong and ping come as %v, %v", round, a, b)
			}
		}
		if got := f.pack(1); len(got) != 1 || got[0] != 3 {
			t.Fatalf("round %d: the next packet completes %v, want the urgent message", round, got)
		}
	}
}

// The order within a channel is kept, and a full last packet on a high channel
// goes out in two, because the original refuses it in one.
func TestHighChannels(t *testing.T) {
	tb := tableOf(t, 0, 0x7f, 0x80, 0xff)
	for _, channel := range []uint32{0x7f, 0x80, 0xff} {
		for _, size := range []int{1022, 1023, 1024, 1025, 2047, 2048, 2049} {
			p := newPacker(comet, tb, defaultPacket, nil, nil)
			out, err := p.Append(nil, msg(channel, stamped(1, size)))
			if err != nil {
				t.Fatal(err)
			}
			for b := out; len(b) > 0; {
				pk, n, err := comet.parse(b, defaultPacket)
				if err != nil {
					t.Fatal(err)
				}
				const most = 1034 // what the original allows, without the length in front
				if n-2 > most {
					t.Errorf("channel %#x, %d bytes: a packet of %d, limit %d", channel, size, n-2, most)
				}
				if b = b[n:]; pk.last != (len(b) == 0) {
					t.Errorf("channel %#x, %d bytes: last is %v with %d bytes left", channel, size, pk.last, len(b))
				}
			}
			ms, _, err := readAll(plainDecoder{newMux(comet, tb, defaultPacket, 1<<20)}, out)
			if err != nil || len(ms) != 1 || !bytes.Equal(ms[0].Body, stamped(1, size)) {
				t.Errorf("channel %#x, %d bytes: %v and %v", channel, size, len(ms), err)
			}
		}
	}
}

// What has no wire form is refused before anything is written, by Put as by
// Append, and what the peer does not know is not sent to it.
func TestUnsendable(t *testing.T) {
	cfg := Config{Channels: []Channel{{ID: 1, MaxMessage: 10}, {ID: 2}}, NoPEX: true}
	d, other := mustNew(t, cfg), mustNew(t, Config{Channels: []Channel{{ID: 1}, {ID: 3}}, Key: testKey(2)})
	x, y := openPair(d, other, opening(t, true, "192.0.2.2:1", 1), opening(t, false, "192.0.2.1:2", 2))
	if x.err != nil || y.err != nil {
		t.Fatal(x.err, y.err)
	}
	p := x.link.Encoder.(dialect.Packer)
	for name, m := range map[string]dialect.Message{
		"too long":         msg(1, make([]byte, 11)),
		"not the peer's":   msg(2, nil),
		"not ours":         msg(3, nil),
		"peer exchange":    msg(0, nil),
		"no channel":       msg(0x102, nil),
		"a ping with more": {Type: TypePing, Body: []byte{1}},
	} {
		if err := p.Put(m); !errors.Is(err, fault.Local) || !errors.Is(err, errUnsendable) {
			t.Errorf("%s: put gives %v", name, err)
		}
		if out, err := p.Append([]byte("x"), m); !errors.Is(err, fault.Local) || string(out) != "x" {
			t.Errorf("%s: append gives %q and %v", name, out, err)
		}
	}
	if out, more, err := p.Pack(nil, 1<<20); len(out) > 0 || more || err != nil {
		t.Errorf("%d bytes are packed, %v, %v", len(out), more, err)
	}
	if err := p.Put(msg(1, make([]byte, 10))); err != nil {
		t.Errorf("as long as it may be: %v", err)
	}
}

// A queue that was long gives its memory back, and holds on to no body that is gone.
func TestQueues(t *testing.T) {
	f := newFlow(t, 10, []Channel{{ID: 1}, {ID: 2}})
	f.put(1, 1000)
	f.put(2, 3)
	for f.p.order.Any() {
		f.pack(500)
		for i := range f.p.queues {
			q := &f.p.queues[i]
			for _, b := range q.bodies[:q.next] {
				if b.body != nil {
					t.Fatal("a body that is gone is held on to")
				}
			}
		}
	}
	f.p.Put(dialect.Message{Type: TypePing})
	f.pack(1)
	if c := cap(f.p.queues[0].bodies); c > idleQueue {
		t.Errorf("an empty queue keeps %d places", c)
	}
	f.put(1, busyQueue+1)
	f.pack(1 << 30)
	if c := cap(f.p.queues[0].bodies); c > busyQueue {
		t.Errorf("a queue that just ran empty keeps %d places", c)
	}
}

// A queue that never runs empty grows with what waits, not with what has gone.
func TestQueueThatIsNeverEmpty(t *testing.T) {
	f := newFlow(t, 1000, []Channel{{ID: 1}})
	f.put(1, 1000)
	for range 500 {
		f.pack(10_000)
		q := &f.p.queues[0]
		if waits := len(q.bodies) - q.next; waits < 900 {
			f.put(1, 1000-waits)
		}
		if c := cap(q.bodies); c > 4000 {
			t.Fatalf("%d places for 1000 bodies", c)
		}
	}
}

// A message is reported as done when its last packet is packed, however much of
// other channels still waits, in the order of its channel, and once.
func TestDoneWithOtherChannelsWaiting(t *testing.T) {
	a, _ := couple(t, Config{Channels: []Channel{{ID: 1, Priority: 1}, {ID: 2, Priority: 10}}, NoPEX: true})
	p := a.Encoder.(dialect.Tracker)
	put := func(channel uint32, size, tag int) {
		t.Helper()
		if err := p.PutAs(msg(channel, make([]byte, size)), tag); err != nil {
			t.Fatal(err)
		}
	}
	put(1, 1<<20, 7)
	p.Put(msg(2, []byte("untold")))
	put(2, 100, 3)
	put(2, 0, 4)
	put(TypePong, 0, 5)
	if _, more, err := p.Pack(nil, 8<<10); err != nil || !more {
		t.Fatalf("more is %v, with error %v", more, err)
	}
	if got := p.Done([]int{9}); !slices.Equal(got, []int{9, 5, 3, 4}) {
		t.Errorf("done are %v, want those before, then 5, 3, 4", got)
	}
	if got := p.Done(nil); len(got) != 0 {
		t.Errorf("told twice of %v", got)
	}
	if _, more, err := p.Pack(nil, 2<<20); err != nil || more {
		t.Fatalf("more is %v, with error %v", more, err)
	}
	if got := p.Done(nil); !slices.Equal(got, []int{7}) {
		t.Errorf("done are %v, want the long one alone", got)
	}
}
