package peer_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// bubble runs f under virtual time with a peer that is connected to a remote.
func bubble(t *testing.T, cfg *peer.Config, f func(t *testing.T, p *peer.Peer, r *remote)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, cfg)
		r := against(t, p, cfg.ChainParams)
		r.shake(wire.ProtocolVersion)
		f(t, p, r)
	})
}

// ended returns after how many seconds from now a peer ends.
func ended(p *peer.Peer) int {
	start := time.Now()
	p.WaitForDisconnect()
	return int(time.Since(start).Seconds())
}

// keepTalking sends something every minute, so that a peer has no silence to complain
// of. It returns what ends that.
func (r *remote) keepTalking(p *peer.Peer) (stop func()) {
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(7 * time.Second) // not when deadlines are looked at
		for p.Connected() {
			r.send(wire.NewMsgFeeFilter(1))
			time.Sleep(time.Minute)
		}
	})
	return wg.Wait
}

// TestPings sees a ping every two minutes, and times the answers.
func TestPings(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		start := time.Now()
		seen := map[uint64]bool{}
		for n := range 3 {
			ping := r.want(wire.CmdPing).(*wire.MsgPing)
			if after := time.Since(start); after != time.Duration(n+1)*2*time.Minute {
				t.Errorf("ping %d after %v", n, after)
			}
			if seen[ping.Nonce] || ping.Nonce == 0 {
				t.Errorf("nonce %d again", ping.Nonce)
			}
			seen[ping.Nonce] = true
			synctest.Wait()
			if p.LastPingNonce() != ping.Nonce || !p.LastPingTime().Equal(time.Now()) {
				t.Errorf("nonce %d at %v, want %d", p.LastPingNonce(), p.LastPingTime(), ping.Nonce)
			}
			time.Sleep(5 * time.Millisecond)
			r.send(wire.NewMsgPong(ping.Nonce+1), wire.NewMsgPong(ping.Nonce))
			synctest.Wait()
			if p.LastPingNonce() != 0 || p.LastPingMicros() != 5000 {
				t.Errorf("after the pong the nonce is %d, %d µs, want 0, 5000", p.LastPingNonce(), p.LastPingMicros())
			}
		}
	})
}

// TestOwnPing times pings of the application too.
func TestOwnPing(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		p.QueueMessage(wire.NewMsgPing(99), nil)
		if n := r.want(wire.CmdPing).(*wire.MsgPing).Nonce; n != 99 {
			t.Errorf("nonce %d", n)
		}
		time.Sleep(time.Second)
		r.send(wire.NewMsgPong(99))
		synctest.Wait()
		if p.LastPingMicros() != 1e6 {
			t.Errorf("%d µs, want a second", p.LastPingMicros())
		}
	})
}

// TestPong answers pings, and only of versions that have pong.
func TestPong(t *testing.T) {
	got := make(chan uint64, 1)
	cfg := config(peer.MessageListeners{OnPing: func(_ *peer.Peer, m *wire.MsgPing) { got <- m.Nonce }})
	bubble(t, cfg, func(t *testing.T, p *peer.Peer, r *remote) {
		r.send(wire.NewMsgPing(5))
		if n := r.want(wire.CmdPong).(*wire.MsgPong).Nonce; n != 5 {
			t.Errorf("nonce %d", n)
		}
		if n := <-got; n != 5 {
			t.Errorf("OnPing got %d", n)
		}
	})
}

// TestIdle ends a peer after five minutes of silence.
func TestIdle(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		if s := ended(p); s != 300 {
			t.Errorf("ended after %d s, want 300", s)
		}
	})
}

// TestStall ends a peer that does not answer requests; behaviour_stall.
func TestStall(t *testing.T) {
	var stop chainhash.Hash
	for name, c := range map[string]struct {
		ask    wire.Message
		answer wire.Message
		want   int
	}{
		"mempool":          {wire.NewMsgMemPool(), nil, 44},
		"getblocks":        {wire.NewMsgGetBlocks(&stop), nil, 44},
		"getdata":          {wire.NewMsgGetData(), nil, 44},
		"getheaders":       {wire.NewMsgGetHeaders(), nil, 104},
		"version":          {versionToQueue(), nil, 44},
		"ping":             {wire.NewMsgPing(1), nil, 1000},
		"getaddr":          {wire.NewMsgGetAddr(), nil, 1000},
		"getdata answered": {wire.NewMsgGetData(), wire.NewMsgNotFound(), 1000},
		"headers answered": {wire.NewMsgGetHeaders(), wire.NewMsgHeaders(), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
				defer r.keepTalking(p)()
				time.Sleep(time.Second)
				p.QueueMessage(c.ask, nil)
				time.AfterFunc(1000*time.Second, p.Disconnect)
				if c.answer != nil {
					r.want(c.ask.Command())
					r.send(c.answer)
				}
				if s := ended(p); s != c.want {
					t.Errorf("ended after %d s, want %d", s, c.want)
				}
			})
		})
	}
}

func versionToQueue() *wire.MsgVersion {
	na := &wire.NetAddress{}
	return wire.NewMsgVersion(na, na, 1, 0)
}

// TestDisableStallHandler lets a remote take its time.
func TestDisableStallHandler(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	cfg.DisableStallHandler = true
	bubble(t, cfg, func(t *testing.T, p *peer.Peer, r *remote) {
		defer r.keepTalking(p)()
		p.QueueMessage(wire.NewMsgMemPool(), nil)
		time.AfterFunc(1000*time.Second, p.Disconnect)
		if s := ended(p); s != 1000 {
			t.Errorf("ended after %d s", s)
		}
	})
}

// TestLongListener blames nobody for silence while a listener runs.
func TestLongListener(t *testing.T) {
	cfg := config(peer.MessageListeners{OnFeeFilter: func(*peer.Peer, *wire.MsgFeeFilter) { time.Sleep(7 * time.Minute) }})
	bubble(t, cfg, func(t *testing.T, p *peer.Peer, r *remote) {
		p.QueueMessage(wire.NewMsgMemPool(), nil)
		r.send(wire.NewMsgFeeFilter(1))
		time.Sleep(7*time.Minute - time.Second)
		if !p.Connected() {
			t.Error("the peer was ended while its listener ran")
		}
		p.Disconnect()
	})
}

// TestVerAckDeadline is the defect of soter.md 0.3: a remote that never sends verack
// stayed until it was idle.
func TestVerAckDeadline(t *testing.T) {
	for _, params := range []*chaincfg.Params{&chaincfg.SimNetParams, &chaincfg.BitcoinSimNetParams} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config(peer.MessageListeners{})
			cfg.ChainParams = params
			p := peer.NewInboundPeer(cfg)
			r := against(t, p, params)
			r.send(r.version(wire.ProtocolVersion, 0))
			r.want(wire.CmdVersion)
			if s := ended(p); s != 30 {
				t.Errorf("ended after %d s, want 30", s)
			}
		})
	}
}

// TestHandshakeDeadline ends a silent connection; hostile_silence.
func TestHandshakeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := peer.NewInboundPeer(config(peer.MessageListeners{}))
		against(t, p, &chaincfg.SimNetParams)
		if s := ended(p); s != 30 {
			t.Errorf("ended after %d s, want 30", s)
		}
	})
}

// inv returns an announcement of the kind with a number.
func inv(typ wire.InvType, n int) *wire.InvVect {
	return wire.NewInvVect(typ, &chainhash.Hash{byte(n), byte(n >> 8), byte(n >> 16)}, 0)
}

// wantInv reads an announcement of so many.
func (r *remote) wantInv(n int) []*wire.InvVect {
	r.t.Helper()
	m := r.want(wire.CmdInv).(*wire.MsgInv)
	if len(m.InvList) != n {
		r.t.Fatalf("inventory of %d, want %d", len(m.InvList), n)
	}
	return m.InvList
}

// TestTrickle announces transactions together at the next tick, a thousand in a
// message; behaviour_trickle.
func TestTrickle(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		start := time.Now()
		time.Sleep(time.Second)
		for n := range 2500 {
			p.QueueInventory(inv(wire.InvTypeTx, n))
		}
		for _, n := range []int{1000, 1000, 500} {
			r.wantInv(n)
			if after := time.Since(start); after != 10*time.Second {
				t.Errorf("announced after %v, want 10s", after)
			}
		}
	})
}

// TestTrickleInterval is Config.TrickleInterval.
func TestTrickleInterval(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	cfg.TrickleInterval = 3 * time.Second
	bubble(t, cfg, func(t *testing.T, p *peer.Peer, r *remote) {
		start := time.Now()
		p.QueueInventory(inv(wire.InvTypeTx, 1))
		r.wantInv(1)
		if after := time.Since(start); after != 3*time.Second {
			t.Errorf("announced after %v", after)
		}
	})
}

// TestBlocksAtOnce announces blocks without waiting, each in a message of its own.
func TestBlocksAtOnce(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		start := time.Now()
		for _, typ := range []wire.InvType{wire.InvTypeBlock, wire.InvTypeWitnessBlock} {
			p.QueueInventory(wire.NewInvVect(typ, &chainhash.Hash{1}, 12))
			if v := r.wantInv(1); v[0].Height != 12 || v[0].Type != typ {
				t.Errorf("announced %+v", v[0])
			}
		}
		if after := time.Since(start); after != 0 {
			t.Errorf("announced after %v", after)
		}
	})
}

// TestKnownInventory is not announced: whoever made the struct, soter.md 0.10, and
// whether it became known before or after it was queued, or before the handshake.
func TestKnownInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		p.AddKnownInventory(inv(wire.InvTypeTx, 1))
		r := against(t, p, &chaincfg.SimNetParams)
		r.shake(wire.ProtocolVersion)
		synctest.Wait()
		p.AddKnownInventory(inv(wire.InvTypeTx, 2))
		for n := range 5 {
			p.QueueInventory(inv(wire.InvTypeTx, n))
			p.QueueInventory(inv(wire.InvTypeTx, n))
		}
		p.AddKnownInventory(inv(wire.InvTypeTx, 3))
		if vs := r.wantInv(2); vs[0].Hash[0] != 0 || vs[1].Hash[0] != 4 {
			t.Errorf("announced %v, %v", vs[0], vs[1])
		}
		p.QueueInventory(inv(wire.InvTypeTx, 4))
		higher := inv(wire.InvTypeTx, 4)
		higher.Height = 1
		p.QueueInventory(higher)
		if vs := r.wantInv(1); vs[0].Height != 1 {
			t.Errorf("announced %v: another height is other inventory", vs[0])
		}
	})
}

// TestKnownInventoryForgets the oldest beyond a thousand.
func TestKnownInventoryForgets(t *testing.T) {
	bubble(t, config(peer.MessageListeners{}), func(t *testing.T, p *peer.Peer, r *remote) {
		for n := range 1001 {
			p.AddKnownInventory(inv(wire.InvTypeTx, n))
		}
		p.QueueInventory(inv(wire.InvTypeTx, 0))
		p.QueueInventory(inv(wire.InvTypeTx, 1))
		if vs := r.wantInv(1); vs[0].Hash[0] != 0 {
			t.Errorf("announced %v", vs[0])
		}
	})
}

// TestInventoryOnVerAck announces what a listener for verack queues, on both kinds of
// networks.
func TestInventoryOnVerAck(t *testing.T) {
	for _, params := range []*chaincfg.Params{&chaincfg.SimNetParams, &chaincfg.BitcoinSimNetParams} {
		synctest.Test(t, func(t *testing.T) {
			got := make(chan int, 1)
			inCfg := config(peer.MessageListeners{OnInv: func(_ *peer.Peer, m *wire.MsgInv) { got <- len(m.InvList) }})
			outCfg := config(peer.MessageListeners{OnVerAck: func(p *peer.Peer, _ *wire.MsgVerAck) {
				p.QueueInventory(inv(wire.InvTypeBlock, 1))
			}})
			inCfg.ChainParams, outCfg.ChainParams = params, params
			shaken(t, inCfg, outCfg)
			if n := <-got; n != 1 {
				t.Errorf("%d were announced", n)
			}
		})
	}
}
