package p2p

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"parley/bench/raw"
)

var benchSizes = []int{32, 1 << 10, 64 << 10, 1 << 20}

// BenchmarkOneWay is the drop-in's own path: BlockingSend, the wire, Reader.
func BenchmarkOneWay(b *testing.B) {
	for _, v := range []uint16{9, 10, 11} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("v%d/%d", v, size), func(b *testing.B) { oneWay(b, v, size) })
		}
	}
}

func oneWay(b *testing.B, version uint16, size int) {
	c := local(version)
	to, from := pair(b, numbered(c, 1), numbered(c, 2))
	hash := only(b, from).Hash
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 131 >> 3)
	}
	var wg sync.WaitGroup
	got := 0
	wg.Go(func() {
		for p := range to.Reader() {
			if len(p.Payload) != size {
				b.Errorf("%d bytes arrived, want %d", len(p.Payload), size)
			}
			if got++; got == b.N {
				return
			}
		}
	})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		from.BlockingSend(NewParcel(hash, body))
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkRaw is what plain Go can do in the same process.
func BenchmarkRaw(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := raw.NewStream(size)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ResetTimer()
			if err := s.Send(b.N); err != nil {
				b.Fatal(err)
			}
			if err := s.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkBroadcast sends 1 KiB to 32 networks, whose applications read it.
func BenchmarkBroadcast(b *testing.B) {
	for _, v := range []uint16{9, 10, 11} {
		b.Run(fmt.Sprintf("v%d", v), func(b *testing.B) {
			c := local(v)
			c.MaxPeers, c.MaxIncoming = 100, 100
			from := start(b, numbered(c, 1))
			c.Special = at(from)
			c.TargetPeers = 1
			var wg sync.WaitGroup
			for i := range 32 {
				n := start(b, numbered(c, i+2))
				wg.Go(func() {
					for got := 0; got < b.N; got++ {
						<-n.Reader()
					}
				})
			}
			eventually(b, "all are connected", func() bool { return from.Total() == 32 })
			body := make([]byte, 1<<10)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				from.BlockingSend(NewParcel(FullBroadcast, body))
			}
			wg.Wait()
			b.ReportMetric(32*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkIdle reports what a connected peer costs a network that does nothing,
// both ends counted.
func BenchmarkIdle(b *testing.B) {
	const peers = 100
	for b.Loop() {
		c := local(11)
		c.MaxPeers, c.MaxIncoming = 2*peers, 2*peers
		hub := start(b, numbered(c, 1))
		memory := func() (bytes, goroutines float64) {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc + m.StackInuse), float64(runtime.NumGoroutine())
		}
		m0, g0 := memory()
		probes(b, hub, peers)
		eventually(b, "all are connected", func() bool { return hub.Total() == peers })
		m1, g1 := memory()
		b.ReportMetric((m1-m0)/peers, "B/peer")
		b.ReportMetric((g1-g0)/peers, "goroutines/peer")
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
