package btcd

import (
	"cmp"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	theirpeer "github.com/btcsuite/btcd/peer"
	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// lot is how many messages are counted together.
const lot = 10

// side is one implementation with itself: what is measured is both ends together.
type side struct {
	send  func()        // queues a message
	flush func()        // sends what is queued, where that has to be said
	got   chan struct{} // one for each lot that arrived
	end   func()        // disconnects, and waits until nothing runs any more
}

// await waits for a lot.
func (s side) await() {
	select {
	case <-s.got:
		return
	default:
	}
	s.flush()
	<-s.got
}

// counter returns what to call for each message that arrived.
func counter(got chan struct{}) func() {
	n := 0
	return func() {
		if n++; n%lot == 0 {
			got <- struct{}{}
		}
	}
}

// oursWith connects two peers of ours.
func oursWith(b *testing.B, m wire.Message, done chan struct{}) side {
	arrived := counter(done)
	in := peer.NewInboundPeer(ourConfig(peer.MessageListeners{
		OnTx:    func(*peer.Peer, *wire.MsgTx) { arrived() },
		OnInv:   func(*peer.Peer, *wire.MsgInv) { arrived() },
		OnBlock: func(*peer.Peer, *wire.MsgBlock, []byte) { arrived() },
	}))
	dialer, listener := connection(b)
	verack := make(chan struct{})
	out, err := peer.NewOutboundPeer(ourConfig(peer.MessageListeners{
		OnVerAck: func(*peer.Peer, *wire.MsgVerAck) { close(verack) },
	}), listener.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	in.AssociateConnection(listener)
	out.AssociateConnection(dialer)
	await(b, "verack", verack)
	end := disconnect(in, out)
	b.Cleanup(end)
	return side{func() { out.QueueMessage(m, nil) }, func() {}, done, end}
}

// disconnect returns what ends two peers and waits until nothing of them runs.
func disconnect(in, out interface {
	Disconnect()
	WaitForDisconnect()
}) func() {
	return func() {
		in.Disconnect()
		out.Disconnect()
		in.WaitForDisconnect()
		out.WaitForDisconnect()
	}
}

// theirsWith connects two peers of btcd's.
func theirsWith(b *testing.B, m theirwire.Message, done chan struct{}) side {
	arrived := counter(done)
	in := theirpeer.NewInboundPeer(theirConfig(theirpeer.MessageListeners{
		OnTx:    func(*theirpeer.Peer, *theirwire.MsgTx) { arrived() },
		OnInv:   func(*theirpeer.Peer, *theirwire.MsgInv) { arrived() },
		OnBlock: func(*theirpeer.Peer, *theirwire.MsgBlock, []byte) { arrived() },
	}))
	dialer, listener := connection(b)
	verack := make(chan struct{})
	out, err := theirpeer.NewOutboundPeer(theirConfig(theirpeer.MessageListeners{
		OnVerAck: func(*theirpeer.Peer, *theirwire.MsgVerAck) { close(verack) },
	}), listener.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	in.AssociateConnection(listener)
	out.AssociateConnection(dialer)
	await(b, "verack", verack)
	end := disconnect(in, out)
	b.Cleanup(end)
	return side{func() { out.QueueMessage(m, nil) }, func() {}, done, end}
}

// run sends so many lots one way and waits until they arrived, with a window of them
// under way at most.
func (s side) run(lots, window int) {
	for k := range lots {
		if k >= window {
			s.await()
		}
		for range lot {
			s.send()
		}
	}
	for range min(lots, window) {
		s.await()
	}
}

// result is what one implementation took for a round.
type result struct {
	took   time.Duration
	cpu    time.Duration // of both ends, and steadier than took on a busy machine
	allocs uint64
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(s side, lots, window int) result {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), cpuTime()
	s.run(lots, window)
	took, used := time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	return result{took, used, after.Mallocs - before.Mallocs}
}

// against runs rounds of both implementations and of the floor in turns and reports the
// medians, for each message, and by how much ours and the floor are faster than btcd's.
func against(b *testing.B, ours, theirs, least side, lots, window int) {
	sides := []side{ours, theirs, least}
	results := make([][]result, len(sides))
	for _, s := range sides {
		s.run(lots/10+1, window)
	}
	for b.Loop() {
		for i, s := range sides {
			results[i] = append(results[i], measure(s, lots, window))
		}
	}
	took := func(r result) float64 { return float64(r.took) }
	cpu := func(r result) float64 { return float64(r.cpu) }
	allocs := func(r result) float64 { return float64(r.allocs) }
	n := float64(lots * lot)
	for i, name := range []string{"ours", "btcd", "floor"} {
		b.ReportMetric(middle(results[i], took)/n, name+"-ns/msg")
		b.ReportMetric(middle(results[i], cpu)/n, name+"-cpu-ns/msg")
		b.ReportMetric(middle(results[i], allocs)/n, name+"-allocs/msg")
	}
	for _, f := range []struct {
		unit string
		of   func(result) float64
	}{{"faster", took}, {"less-cpu", cpu}} {
		yours := middle(results[1], f.of)
		b.ReportMetric(yours/middle(results[0], f.of), "times-"+f.unit)
		b.ReportMetric(yours/middle(results[2], f.of), "floor-times-"+f.unit)
	}
	b.ReportMetric(0, "ns/op")
}

// middle returns the median of a figure.
func middle(rs []result, of func(result) float64) float64 {
	slices.SortFunc(rs, func(a, b result) int { return cmp.Compare(of(a), of(b)) })
	return of(rs[len(rs)/2])
}

// BenchmarkHandshake dials, goes through the handshake, and closes.
func BenchmarkHandshake(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	at := ln.Addr().String()
	shake := func(makePair func(verack chan struct{}) (in, out interface {
		AssociateConnection(net.Conn)
		Disconnect()
		WaitForDisconnect()
	})) time.Duration {
		verack := make(chan struct{}, 2)
		start := time.Now()
		in, out := makePair(verack)
		c, err := net.Dial("tcp", at)
		if err != nil {
			b.Fatal(err)
		}
		out.AssociateConnection(c)
		if c, err = ln.Accept(); err != nil {
			b.Fatal(err)
		}
		in.AssociateConnection(c)
		<-verack
		<-verack
		took := time.Since(start)
		in.Disconnect()
		out.Disconnect()
		in.WaitForDisconnect()
		out.WaitForDisconnect()
		return took
	}
	type life = interface {
		AssociateConnection(net.Conn)
		Disconnect()
		WaitForDisconnect()
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, shake(func(verack chan struct{}) (life, life) {
			cfg := ourConfig(peer.MessageListeners{OnVerAck: func(*peer.Peer, *wire.MsgVerAck) { verack <- struct{}{} }})
			out, _ := peer.NewOutboundPeer(cfg, at)
			return peer.NewInboundPeer(cfg), out
		}))
		theirs = append(theirs, shake(func(verack chan struct{}) (life, life) {
			cfg := theirConfig(theirpeer.MessageListeners{OnVerAck: func(*theirpeer.Peer, *theirwire.MsgVerAck) { verack <- struct{}{} }})
			out, _ := theirpeer.NewOutboundPeer(cfg, at)
			return theirpeer.NewInboundPeer(cfg), out
		}))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	m, n := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(float64(m.Microseconds()), "ours-µs")
	b.ReportMetric(float64(n.Microseconds()), "btcd-µs")
	b.ReportMetric(float64(n)/float64(m), "times-faster")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdle connects five hundred pairs and looks at what one peer takes.
func BenchmarkIdle(b *testing.B) {
	const pairs = 500
	usage := func() (bytes uint64, goroutines int) {
		for range 3 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()
	}
	report := func(who string, connect func(b *testing.B) side) {
		before, routines := usage()
		sides := make([]side, pairs)
		for i := range sides {
			sides[i] = connect(b)
		}
		<-time.After(11 * time.Second) // by then what is left over from the handshake is gone
		after, now := usage()
		b.ReportMetric(float64(after-before)/(2*pairs), who+"-bytes/peer")
		b.ReportMetric(float64(now-routines)/(2*pairs), who+"-goroutines/peer")
		for _, s := range sides {
			s.end()
		}
	}
	for b.Loop() {
		report("ours", func(b *testing.B) side { return oursWith(b, nil, nil) })
		report("btcd", func(b *testing.B) side { return theirsWith(b, nil, nil) })
	}
	b.ReportMetric(0, "ns/op")
}
