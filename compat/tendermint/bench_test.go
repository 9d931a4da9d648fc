package p2p

import (
	"crypto/rand"
	"net"
	"sync"
	"testing"
	"time"
)

// coupled returns two Switches of CometBFT on TCP, and the peer through which the
// first sends to the second.
func coupled(b *testing.B, receivers int) (from *Switch, to []*Switch) {
	b.Helper()
	config := func(n int) Config {
		return Config{
			Protocol: CometBFT, Key: testKey(n), Network: "bench", NoPex: true, AllowDuplicateIP: true,
			MaxNumOutboundPeers: -1, Listen: []string{"127.0.0.1:0"},
			Channels: []*ChannelDescriptor{{Id: app, Overflow: Wait, SendQueueCapacity: 4096}},
		}
	}
	run := func(c Config) *Switch {
		sw, err := NewSwitchConfig(c)
		if err == nil {
			err = sw.Start()
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(sw.Stop)
		return sw
	}
	from = run(config(1))
	for i := range receivers {
		c := config(2 + i)
		c.PersistentPeers = []string{from.Listening()[0].String()}
		to = append(to, run(c))
	}
	for count(from) < receivers {
		gap()
	}
	return from, to
}

// BenchmarkStream sends messages one way through both Switches, sealed.
func BenchmarkStream(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"32B", 32}, {"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			from, to := coupled(b, 1)
			p := from.Peers().List()[0]
			body := make([]byte, size.n)
			rand.Read(body)
			done := make(chan int)
			total := 0
			go func() {
				n := 0
				for {
					in, ok := to[0].Receive(app)
					if !ok || len(in.Bytes) == 1 {
						done <- n
						return
					}
					n++
				}
			}()
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				if !p.Send(app, Raw(body)) {
					b.Fatal("not sent")
				}
				total++
			}
			p.Send(app, Raw("e"))
			if n := <-done; n != total {
				b.Errorf("%d of %d arrived", n, total)
			}
		})
	}
}

// BenchmarkRaw is what BenchmarkStream is held against: as many bytes on TCP, in
// writes of 64 KiB.
func BenchmarkRaw(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 64<<10)
		for err == nil {
			_, err = c.Read(buf)
		}
	})
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	body := make([]byte, 64<<10)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := c.Write(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPingPong sends a message of 32 bytes there and back, agent to agent.
func BenchmarkPingPong(b *testing.B) {
	from, to := coupled(b, 1)
	p, q := from.Peers().List()[0], to[0].Peers().List()[0]
	var wg sync.WaitGroup
	defer wg.Wait()
	defer to[0].Stop()
	wg.Go(func() {
		for in, ok := to[0].Receive(app); ok; in, ok = to[0].Receive(app) {
			q.Send(app, Raw(in.Bytes))
		}
	})
	body := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		p.Send(app, Raw(body))
		from.Receive(app)
	}
}

// BenchmarkBroadcast sends a message of 1 KiB to 32 peers.
func BenchmarkBroadcast(b *testing.B) {
	const peers = 32
	from, to := coupled(b, peers)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, sw := range to {
		defer sw.Stop()
	}
	got := make(chan struct{}, 1<<16)
	for _, sw := range to {
		wg.Go(func() {
			for _, ok := sw.Receive(app); ok; _, ok = sw.Receive(app) {
				got <- struct{}{}
			}
		})
	}
	body := make([]byte, 1<<10)
	b.SetBytes(peers << 10)
	b.ReportAllocs()
	inFlight := 0
	for b.Loop() {
		if ok, _ := from.Broadcast(app, Raw(body)); ok != peers {
			b.Fatalf("%d took it", ok)
		}
		for inFlight += peers; inFlight > 64*peers; inFlight-- {
			<-got
		}
	}
	for ; inFlight > 0; inFlight-- {
		<-got
	}
}

// gap lets others run.
func gap() { <-time.After(time.Millisecond) }
