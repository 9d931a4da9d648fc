package peer_test

import (
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// TestQueueOrder sends in order, whatever waits for it.
func TestQueueOrder(t *testing.T) {
	const n = 3000
	got := make(chan int64, n)
	in, out := connect(t,
		config(peer.MessageListeners{OnFeeFilter: func(_ *peer.Peer, m *wire.MsgFeeFilter) { got <- m.MinFee }}),
		config(peer.MessageListeners{}))
	done := make(chan struct{}, n)
	for k := range n {
		d := done
		if k%3 == 0 {
			d = nil
		}
		out.QueueMessage(wire.NewMsgFeeFilter(int64(k)), d)
	}
	for k := range int64(n) {
		if v := await(t, "message", got); v != k {
			t.Fatalf("message %d is %d", k, v)
		}
	}
	for range n * 2 / 3 {
		await(t, "signal", done)
	}
	if len(done) != 0 {
		t.Errorf("%d signals too many", len(done))
	}
	if !in.Connected() {
		t.Error("not connected")
	}
}

// TestFullDuplex sends both ways at once from several goroutines.
func TestFullDuplex(t *testing.T) {
	const senders, each = 4, 500
	var wg sync.WaitGroup
	wg.Add(2 * senders * each)
	cfg := config(peer.MessageListeners{OnTx: func(*peer.Peer, *wire.MsgTx) { wg.Done() }})
	in, out := connect(t, cfg, cfg)
	var queued sync.WaitGroup
	for _, p := range []*peer.Peer{in, out} {
		for range senders {
			queued.Go(func() {
				for range each {
					p.QueueMessage(someTx(), nil)
				}
			})
		}
	}
	queued.Wait()
	wg.Wait()
}

// someTx returns a transaction of about 250 bytes.
func someTx() *wire.MsgTx {
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{1}, 0), make([]byte, 107), nil))
	tx.AddTxOut(wire.NewTxOut(1, make([]byte, 25)))
	tx.AddTxOut(wire.NewTxOut(2, make([]byte, 32)))
	return tx
}

// TestMessageIsCopied sends what a message was when it was queued.
func TestMessageIsCopied(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		m := wire.NewMsgFeeFilter(1)
		p.QueueMessage(m, nil)
		m.MinFee = 2
		if got := r.want(wire.CmdFeeFilter).(*wire.MsgFeeFilter); got.MinFee != 1 {
			t.Errorf("fee %d", got.MinFee)
		}
	})
}

// TestQueuedEarly keeps messages until the handshake is over: one of soterd's could
// leave before our verack, and the 51st blocked.
func TestQueuedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		r := against(t, p, &chaincfg.SimNetParams)
		done := make(chan struct{}, 100)
		for n := range 100 {
			p.QueueMessage(wire.NewMsgFeeFilter(int64(n)), done)
		}
		r.shake(wire.ProtocolVersion)
		for n := range int64(100) {
			if m := r.want(wire.CmdFeeFilter).(*wire.MsgFeeFilter); m.MinFee != n {
				t.Fatalf("message %d is %d", n, m.MinFee)
			}
		}
		synctest.Wait()
		if len(done) != 100 {
			t.Errorf("%d signals", len(done))
		}
	})
}

// TestTooMuchEarly bounds what waits for the handshake.
func TestTooMuchEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		against(t, p, &chaincfg.SimNetParams)
		done := make(chan struct{}, 2000)
		for range 2000 {
			p.QueueMessage(wire.NewMsgFeeFilter(1), done)
		}
		p.WaitForDisconnect()
		synctest.Wait()
		if len(done) != 2000 {
			t.Errorf("%d signals, want one for each message", len(done))
		}
	})
}

// TestDoneWithFailedHandshake is a defect of soter.md 1.6: messages that waited for a
// handshake that failed never had their done channels signalled.
func TestDoneWithFailedHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		r := against(t, p, &chaincfg.SimNetParams)
		done := make(chan struct{})
		for range 60 {
			p.QueueMessage(wire.NewMsgVerAck(), done)
		}
		r.conn.Close()
		for range 60 {
			<-done
		}
		p.WaitForDisconnect()
		synctest.Wait()
		select {
		case <-done:
			t.Error("more signals than messages")
		default:
		}
	})
}

// TestDoneOnDisconnect signals every done channel exactly once, whether the message
// was written or not, and however late somebody receives.
func TestDoneOnDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(peer.MessageListeners{})
		p := newOutbound(t, cfg)
		dialer, listener := pipe()
		r := &remote{t: t, net: cfg.ChainParams, conn: listener, got: make(chan wire.Message, 10)}
		p.AssociateConnection(dialer)
		var shaking sync.WaitGroup
		shaking.Go(func() {
			for range 2 { // version and verack, and nothing else is read
				_, m, _, _ := wire.ReadMessageN(listener, wire.ProtocolVersion, wire.SimNet)
				r.got <- m
			}
		})
		r.shake(wire.ProtocolVersion)
		shaking.Wait()
		dones := make([]chan struct{}, 5000)
		for n := range dones {
			dones[n] = make(chan struct{}, n%2)
			p.QueueMessage(wire.NewMsgFeeFilter(1), dones[n])
		}
		p.Disconnect()
		p.WaitForDisconnect()
		for n := range dones {
			<-dones[n]
		}
		synctest.Wait()
		for n, done := range dones {
			select {
			case <-done:
				t.Fatalf("done channel %d had two signals", n)
			default:
			}
		}
		listener.Close()
	})
}

// TestDoneUnread does not stop a peer: soterd's waited for whoever asked.
func TestDoneUnread(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		done := make(chan struct{})
		p.QueueMessage(wire.NewMsgFeeFilter(1), done)
		p.QueueMessage(wire.NewMsgFeeFilter(2), nil)
		r.want(wire.CmdFeeFilter)
		r.want(wire.CmdFeeFilter)
		<-done
	})
}

// TestNotReading is the defect of soter.md 0.8: what waited for a remote that does not
// read grew without a limit, and nothing ended it.
func TestNotReading(t *testing.T) {
	const limit = 1 << 20
	for name, c := range map[string]struct {
		wait    time.Duration
		want    time.Duration
		payload int
	}{
		"at the limit":   {-1, 0, 2 * limit},
		"after a moment": {3 * time.Second, 3 * time.Second, 2 * limit},
		"too slow":       {time.Hour, 20 * time.Second, limit / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := config(peer.MessageListeners{})
				cfg.MaxSendQueue, cfg.QueueWait = limit, c.wait
				p := newOutbound(t, cfg)
				mute := shakenAndMute(t, p)
				start := time.Now()
				queued := 0
				for ; queued < c.payload && p.Connected(); queued += 1000 {
					p.QueueMessage(wire.NewMsgAlert(make([]byte, 1000), nil), nil)
				}
				p.WaitForDisconnect()
				if took := time.Since(start); took != c.want {
					t.Errorf("dropped after %v, want %v", took, c.want)
				}
				if queued > limit+4000 {
					t.Errorf("%d bytes were queued, limit %d", queued, limit)
				}
				mute.Close()
			})
		})
	}
}

// shakenAndMute connects a peer to a remote that reads no more than version and verack.
func shakenAndMute(t *testing.T, p *peer.Peer) *conn {
	dialer, listener := pipe()
	p.AssociateConnection(dialer)
	r := &remote{t: t, net: &chaincfg.SimNetParams, conn: listener, got: make(chan wire.Message, 2)}
	var reads sync.WaitGroup
	reads.Go(func() {
		for range 2 {
			_, m, _, _ := wire.ReadMessageN(listener, wire.ProtocolVersion, wire.SimNet)
			r.got <- m
		}
	})
	r.shake(wire.ProtocolVersion)
	reads.Wait()
	return listener
}

// TestNotReadingAndRefused is the other half of it: a remote that does not read and
// has something refused held the reading goroutine for ever, with no timer running.
func TestNotReadingAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		mute := shakenAndMute(t, p)
		r := &remote{t: t, net: &chaincfg.SimNetParams, conn: mute}
		start := time.Now()
		r.send(r.version(wire.ProtocolVersion, 0))
		p.WaitForDisconnect()
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("ended after %v", took)
		}
		mute.Close()
	})
}

// TestBackPressure lets a sender be faster than the remote reads, far beyond the limit.
func TestBackPressure(t *testing.T) {
	const n = 20_000
	got := make(chan struct{}, n)
	inCfg := config(peer.MessageListeners{OnTx: func(*peer.Peer, *wire.MsgTx) { got <- struct{}{} }})
	outCfg := config(peer.MessageListeners{})
	outCfg.MaxSendQueue = 64 << 10
	outCfg.QueueWait = patience
	_, out := connect(t, inCfg, outCfg)
	tx := someTx()
	for range n {
		out.QueueMessage(tx, nil)
	}
	for range n {
		await(t, "transaction", got)
	}
}

// TestSlowReader does not drop a remote that reads, however slowly, as long as it takes
// something of even a long message while somebody waits for room.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(peer.MessageListeners{})
		cfg.MaxSendQueue = 1 << 20
		p := newOutbound(t, cfg)
		slow := shakenAndMute(t, p)
		var reads sync.WaitGroup
		reads.Go(func() {
			b := make([]byte, 32<<10)
			for {
				time.Sleep(50 * time.Millisecond)
				if _, err := io.ReadFull(slow, b); err != nil {
					return
				}
			}
		})
		b := wire.NewMsgBlock(wire.NewBlockHeader(1, &chainhash.Hash{}, &chainhash.Hash{}, 1, 1))
		for range 3000 {
			b.AddTransaction(someTx())
		}
		for range 10 {
			p.QueueMessage(b, nil)
		}
		if !p.Connected() {
			t.Error("it was dropped")
		}
		gone(p)
		slow.Close()
		reads.Wait()
	})
}

// TestUnsendable is a message that cannot be encoded: it ends the peer, after what was
// queued before it, and signals its done channel.
func TestUnsendable(t *testing.T) {
	var failed error
	cfg := config(peer.MessageListeners{})
	cfg.Listeners.OnWrite = func(_ *peer.Peer, n int, m wire.Message, err error) {
		if m.Command() == wire.CmdFilterAdd {
			failed = err
			if n != 0 {
				t.Errorf("%d bytes of it were written", n)
			}
		}
	}
	bubble(t, cfg, func(t *testing.T, p *peer.Peer, r *remote) {
		done := make(chan struct{})
		p.QueueMessage(wire.NewMsgFeeFilter(1), nil)
		p.QueueMessage(wire.NewMsgFilterAdd(make([]byte, 521)), done)
		<-done
		r.want(wire.CmdFeeFilter)
		r.wantEnd()
		p.WaitForDisconnect()
		if failed == nil {
			t.Error("OnWrite was not told")
		}
	})
}

// TestWitnessEncoding sends and reads both encodings.
func TestWitnessEncoding(t *testing.T) {
	got := make(chan *wire.MsgTx, 2)
	inCfg := config(peer.MessageListeners{OnTx: func(_ *peer.Peer, m *wire.MsgTx) { got <- m }})
	outCfg := config(peer.MessageListeners{})
	outCfg.Services = wire.SFNodeWitness
	_, out := connect(t, inCfg, outCfg)
	tx := someTx()
	tx.TxIn[0].Witness = wire.TxWitness{{1, 2, 3}, {4}}
	out.QueueMessageWithEncoding(tx, nil, wire.WitnessEncoding)
	out.QueueMessage(tx, nil)
	if m := await(t, "transaction", got); !m.HasWitness() || m.WitnessHash() != tx.WitnessHash() {
		t.Errorf("with the witness encoding it is %+v", m)
	}
	if m := await(t, "transaction", got); m.HasWitness() || m.TxHash() != tx.TxHash() {
		t.Errorf("with the base encoding it is %+v", m)
	}
}

// TestLargeInventory is the defect of soter.md 0.6: more than 45,000 entries could not
// be sent.
func TestLargeInventory(t *testing.T) {
	got := make(chan int, 1)
	_, out := connect(t,
		config(peer.MessageListeners{OnInv: func(_ *peer.Peer, m *wire.MsgInv) { got <- len(m.InvList) }}),
		config(peer.MessageListeners{}))
	m := wire.NewMsgInvSizeHint(wire.MaxInvPerMsg)
	for n := range wire.MaxInvPerMsg {
		m.AddInvVect(inv(wire.InvTypeTx, n))
	}
	out.QueueMessage(m, nil)
	if n := await(t, "inventory", got); n != wire.MaxInvPerMsg {
		t.Errorf("%d entries arrived", n)
	}
}

// TestIdleGoroutines counts two for each connected peer, one if it is idle, and none for
// one that is gone.
func TestIdleGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := running()
		var ps []*peer.Peer
		for range 20 {
			cfg := config(peer.MessageListeners{})
			in, out := peer.NewInboundPeer(cfg), newOutbound(t, cfg)
			dialer, listener := pipe()
			in.AssociateConnection(listener)
			out.AssociateConnection(dialer)
			ps = append(ps, in, out)
		}
		synctest.Wait()
		if got := running() - before; got != 2*len(ps) {
			t.Errorf("%d goroutines for %d peers, want 2 each", got, len(ps))
		}
		time.Sleep(time.Minute)
		if got := running() - before; got != len(ps) {
			t.Errorf("%d goroutines for %d idle peers, want 1 each", got, len(ps))
		}
		done := make(chan struct{})
		ps[0].QueueMessage(wire.NewMsgPing(1), done)
		<-done
		synctest.Wait()
		if ps[0].LastPingNonce() != 0 {
			t.Error("a ping of an idle peer has no answer")
		}
		gone(ps...)
		synctest.Wait()
		if got := running() - before; got != 0 {
			t.Errorf("%d goroutines are left", got)
		}
	})
}

// running returns how many goroutines there are in methods of peers.
func running() (n int) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "peer.(*Peer).run") || strings.Contains(stack, "peer.(*Peer).write") {
			n++
		}
	}
	return n
}
