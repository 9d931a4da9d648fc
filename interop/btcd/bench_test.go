package btcd

import (
	"bytes"
	"cmp"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	theirpeer "github.com/btcsuite/btcd/peer"
	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// lot is how many messages are counted together.
const lot = 10

// side is one implementation with itself: what is measured is both ends together.
type side struct {
	send func()        // queues a message
	got  chan struct{} // one for each lot that arrived
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
	b.Cleanup(func() {
		in.Disconnect()
		out.Disconnect()
		in.WaitForDisconnect()
		out.WaitForDisconnect()
	})
	return side{func() { out.QueueMessage(m, nil) }, done}
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
	b.Cleanup(func() {
		in.Disconnect()
		out.Disconnect()
		in.WaitForDisconnect()
		out.WaitForDisconnect()
	})
	return side{func() { out.QueueMessage(m, nil) }, done}
}

// run sends so many lots one way and waits until they arrived, with a window of them
// under way at most.
func (s side) run(lots, window int) {
	for k := range lots {
		if k >= window {
			<-s.got
		}
		for range lot {
			s.send()
		}
	}
	for range min(lots, window) {
		<-s.got
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

// against runs rounds of both implementations in turns and reports the medians, for
// each message, and by how much ours is faster.
func against(b *testing.B, ours, theirs side, lots, window int) {
	var a, z []result
	ours.run(lots/10+1, window)
	theirs.run(lots/10+1, window)
	for b.Loop() {
		a = append(a, measure(ours, lots, window))
		z = append(z, measure(theirs, lots, window))
	}
	n := float64(lots * lot)
	took := func(r result) float64 { return float64(r.took) }
	cpu := func(r result) float64 { return float64(r.cpu) }
	allocs := func(r result) float64 { return float64(r.allocs) }
	b.ReportMetric(middle(a, took)/n, "ours-ns/msg")
	b.ReportMetric(middle(z, took)/n, "btcd-ns/msg")
	b.ReportMetric(middle(a, cpu)/n, "ours-cpu-ns/msg")
	b.ReportMetric(middle(z, cpu)/n, "btcd-cpu-ns/msg")
	b.ReportMetric(middle(a, allocs)/n, "ours-allocs/msg")
	b.ReportMetric(middle(z, allocs)/n, "btcd-allocs/msg")
	b.ReportMetric(middle(z, took)/middle(a, took), "times-faster")
	b.ReportMetric(middle(z, cpu)/middle(a, cpu), "times-less-cpu")
	b.ReportMetric(0, "ns/op")
}

// middle returns the median of a figure.
func middle(rs []result, of func(result) float64) float64 {
	slices.SortFunc(rs, func(a, b result) int { return cmp.Compare(of(a), of(b)) })
	return of(rs[len(rs)/2])
}

// txs250 returns the same transaction of 250 bytes twice.
func txs250() (*wire.MsgTx, *theirwire.MsgTx) {
	script := make([]byte, 131)
	tx, theirTx := wire.NewMsgTx(1), theirwire.NewMsgTx(1)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{1}, 0), script, nil))
	theirTx.AddTxIn(theirwire.NewTxIn(&theirwire.OutPoint{}, script, nil))
	for range 2 {
		tx.AddTxOut(wire.NewTxOut(1, script[:25]))
		theirTx.AddTxOut(theirwire.NewTxOut(1, script[:25]))
	}
	return tx, theirTx
}

// BenchmarkTx sends transactions of 250 bytes one way.
func BenchmarkTx(b *testing.B) {
	const window = 1000
	tx, theirTx := txs250()
	if n, m := tx.SerializeSize(), theirTx.SerializeSize(); n != 250 || m != n {
		b.Fatalf("the transactions have %d and %d bytes", n, m)
	}
	against(b, oursWith(b, tx, make(chan struct{}, window)), theirsWith(b, theirTx, make(chan struct{}, window)), 5000, window)
}

// invs returns the same inventory of a thousand entries twice.
func invs() (*wire.MsgInv, *theirwire.MsgInv) {
	m, n := wire.NewMsgInv(), theirwire.NewMsgInv()
	for k := range 1000 {
		h := chainhash.Hash{byte(k), byte(k >> 8)}
		m.AddInvVect(wire.NewInvVect(wire.InvTypeTx, &h, 0))
		n.AddInvVect(&theirwire.InvVect{Type: theirwire.InvTypeTx, Hash: [32]byte(h)})
	}
	return m, n
}

// BenchmarkInv sends inventory of a thousand entries one way.
func BenchmarkInv(b *testing.B) {
	const window = 20
	m, n := invs()
	against(b, oursWith(b, m, make(chan struct{}, window)), theirsWith(b, n, make(chan struct{}, window)), 200, window)
}

// megabyte returns the same block of nearly 1 MiB twice.
func megabyte() (*wire.MsgBlock, *theirwire.MsgBlock) {
	m, n := wire.NewMsgBlock(&wire.BlockHeader{Timestamp: time.Unix(1, 0)}), theirwire.NewMsgBlock(&theirwire.BlockHeader{})
	for k := range 4639 {
		tx, theirTx := txs()
		tx.TxIn[0].Witness, theirTx.TxIn[0].Witness = nil, nil
		tx.LockTime, theirTx.LockTime = uint32(k), uint32(k)
		m.AddTransaction(tx)
		n.AddTransaction(theirTx)
	}
	return m, n
}

// BenchmarkBlock sends blocks of 1 MiB one way.
func BenchmarkBlock(b *testing.B) {
	const window = 1
	m, n := megabyte()
	if s := n.SerializeSize(); s < 1_000_000 || s > 1<<20 {
		b.Fatalf("the block has %d bytes", s)
	}
	against(b, oursWith(b, m, make(chan struct{}, window)), theirsWith(b, n, make(chan struct{}, window)), 3, window)
}

// decode reads the payload of a message, both implementations in turns, and reports
// medians of CPU time.
func decode(b *testing.B, m wire.Message, theirs func() theirwire.Message) {
	command := m.Command()
	frame, err := wire.AppendMessage(nil, m, wire.AddrV2Version, wire.SimNet, wire.BaseEncoding|wire.BitcoinForm)
	if err != nil {
		b.Fatal(err)
	}
	payload := frame[wire.MessageHeaderSize:]
	var ours, btcds []float64
	round := func(f func()) float64 {
		start := cpuTime()
		for range 20 {
			f()
		}
		return float64(cpuTime()-start) / 20
	}
	for b.Loop() {
		ours = append(ours, round(func() {
			if _, err := wire.DecodePayload(command, payload, wire.AddrV2Version, wire.WitnessEncoding|wire.BitcoinForm); err != nil {
				b.Fatal(err)
			}
		}))
		btcds = append(btcds, round(func() {
			if err := theirs().BtcDecode(bytes.NewBuffer(payload), wire.AddrV2Version, theirwire.WitnessEncoding); err != nil {
				b.Fatal(err)
			}
		}))
	}
	slices.Sort(ours)
	slices.Sort(btcds)
	mine, yours := ours[len(ours)/2], btcds[len(btcds)/2]
	b.ReportMetric(mine, "ours-cpu-ns/msg")
	b.ReportMetric(yours, "btcd-cpu-ns/msg")
	b.ReportMetric(yours/mine, "times-less-cpu")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDecode reads messages without a connection and without a checksum.
func BenchmarkDecode(b *testing.B) {
	b.Run("tx", func(b *testing.B) {
		m, _ := txs250()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgTx{} })
	})
	b.Run("inv", func(b *testing.B) {
		m, _ := invs()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgInv{} })
	})
	b.Run("block", func(b *testing.B) {
		m, _ := megabyte()
		decode(b, m, func() theirwire.Message { return &theirwire.MsgBlock{} })
	})
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
		for range pairs {
			connect(b)
		}
		<-time.After(11 * time.Second) // by then what is left over from the handshake is gone
		after, now := usage()
		b.ReportMetric(float64(after-before)/(2*pairs), who+"-bytes/peer")
		b.ReportMetric(float64(now-routines)/(2*pairs), who+"-goroutines/peer")
	}
	for b.Loop() {
		report("ours", func(b *testing.B) side { return oursWith(b, nil, nil) })
		report("btcd", func(b *testing.B) side { return theirsWith(b, nil, nil) })
	}
	b.ReportMetric(0, "ns/op")
}
