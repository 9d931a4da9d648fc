package p2p

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/bench/measure"
	"parley/bench/raw"
)

var benchSizes = []int{32, 1 << 10, 64 << 10, 1 << 20}

// benchBytes is how much of one size is sent in one turn.
const benchBytes = 32 << 20

// BenchmarkOneWay is the drop-in's own path, BlockingSend, the wire, Reader, in
// turns with bare frames through TCP. Wall and CPU are shares: of raw's rate,
// and how many times raw's processor time. Figures are medians of the turns.
func BenchmarkOneWay(b *testing.B) {
	for _, v := range []uint16{9, 10, 11} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("v%d/%d", v, size), func(b *testing.B) { oneWay(b, v, size) })
		}
	}
}

func oneWay(b *testing.B, version uint16, size int) {
	to, from := pair(b, numbered(local(version), 1), numbered(local(version), 2))
	s, err := raw.NewStream(size)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	hash := only(b, from).Hash
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 131 >> 3)
	}
	n := min(max(benchBytes/size, 64), 400000)
	send := func() {
		var wg sync.WaitGroup
		wg.Go(func() {
			for range n {
				if p := <-to.Reader(); len(p.Payload) != size {
					b.Errorf("%d bytes arrived, want %d", len(p.Payload), size)
				}
			}
		})
		for range n {
			from.BlockingSend(NewParcel(hash, body))
		}
		wg.Wait()
	}
	warm(send)
	var t turns
	for b.Loop() {
		base := measure.Start()
		if err := errors.Join(s.Send(n), s.Wait()); err != nil {
			b.Fatal(err)
		}
		cost := base.Cost()
		ours := measure.Start()
		send()
		t.add(n, cost, ours.Cost())
	}
	t.report(b)
	if lost := from.GetInfo().Dropped + to.GetInfo().Dropped; lost != 0 {
		b.Errorf("%d lost", lost)
	}
}

// warm repeats what is to be measured until buffers have grown and the network
// has seen its rate.
func warm(do func()) {
	for begin := time.Now(); time.Since(begin) < 5*tick/2; {
		do()
	}
}

// turns are the figures of several turns.
type turns struct{ rate, cpu, allocs, wall, more []float64 }

func (t *turns) add(n int, base, ours measure.Cost) {
	t.rate = append(t.rate, float64(n)/ours.Elapsed.Seconds())
	t.cpu = append(t.cpu, float64(ours.CPU.Microseconds())/float64(n))
	t.allocs = append(t.allocs, float64(ours.Allocs)/float64(n))
	t.wall = append(t.wall, 100*base.Elapsed.Seconds()/ours.Elapsed.Seconds())
	t.more = append(t.more, ours.CPU.Seconds()/base.CPU.Seconds())
}

func (t *turns) report(b *testing.B) {
	b.ReportMetric(0, "ns/op")
	for unit, all := range map[string][]float64{"msg/s": t.rate, "cpu-µs/msg": t.cpu, "allocs/msg": t.allocs, "%raw": t.wall, "xraw-cpu": t.more} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], unit)
	}
}

// benchPeers is to how many networks a broadcast goes, and benchRounds how many
// there are in a turn.
const (
	benchPeers  = 32
	benchRounds = 2000
)

// BenchmarkBroadcast sends 1 KiB to 32 networks, whose applications read it, in
// turns with bare frames to as many connections that are read to nowhere.
func BenchmarkBroadcast(b *testing.B) {
	for _, v := range []uint16{9, 10, 11} {
		b.Run(fmt.Sprintf("v%d", v), func(b *testing.B) { broadcast(b, v) })
	}
}

func broadcast(b *testing.B, version uint16) {
	c := local(version)
	c.MaxPeers, c.MaxIncoming = 100, 100
	from := start(b, numbered(c, 1))
	c.Special = at(from)
	c.TargetPeers = 1
	to := make([]*Network, benchPeers)
	for i := range to {
		to[i] = start(b, numbered(c, i+2))
	}
	eventually(b, "all are connected", func() bool { return from.Total() == benchPeers })
	body := make([]byte, 1<<10)
	fan, err := raw.NewFan(benchPeers, len(body))
	if err != nil {
		b.Fatal(err)
	}
	defer fan.Close()
	send := func() {
		var wg sync.WaitGroup
		for _, n := range to {
			wg.Go(func() {
				for range benchRounds {
					<-n.Reader()
				}
			})
		}
		for range benchRounds {
			from.BlockingSend(NewParcel(FullBroadcast, body))
		}
		wg.Wait()
	}
	warm(send)
	var t turns
	for b.Loop() {
		base := measure.Start()
		if err := errors.Join(fan.Send(benchRounds), fan.Wait()); err != nil {
			b.Fatal(err)
		}
		cost := base.Cost()
		ours := measure.Start()
		send()
		t.add(benchPeers*benchRounds, cost, ours.Cost())
	}
	t.report(b)
}

// BenchmarkIdle reports what a connected peer costs a network that does nothing,
// both ends counted.
func BenchmarkIdle(b *testing.B) {
	const peers = 100
	for b.Loop() {
		c := local(11)
		c.MaxPeers, c.MaxIncoming = 2*peers, 2*peers
		hub := start(b, numbered(c, 1))
		before := measure.Hold()
		probes(b, hub, peers)
		eventually(b, "all are connected", func() bool { return hub.Total() == peers })
		held := measure.Hold().Sub(before)
		b.ReportMetric(float64(held.Bytes)/peers, "B/peer")
		b.ReportMetric(float64(held.Goroutines)/peers, "goroutines/peer")
		hub.Stop()
	}
}

// probes connects so many peers that say nothing after the handshake.
func probes(b *testing.B, hub *Network, count int) {
	for i := range count {
		c := dialRaw(b, hub)
		conf := numbered(local(11), i+10)
		p, err := NewProtocol(11, &conf, c)
		if err != nil {
			b.Fatal(err)
		}
		h := &Handshake{Network: conf.Network, Version: 11, Type: TypeHandshake, NodeID: conf.NodeID, ListenPort: "1000", Loopback: uint64(i + 1)}
		if err := p.SendHandshake(h); err != nil {
			b.Fatal(err)
		}
		if _, err := p.ReadHandshake(); err != nil {
			b.Fatal(err)
		}
	}
}
