package btcd

import (
	"net"
	"testing"
	"time"

	theirhash "github.com/btcsuite/btcd/chainhash/v2"
	theirpeer "github.com/btcsuite/btcd/peer"
	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// TestHandshake compares what each side learned with what the other is.
func TestHandshake(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		p := meet(t, dialing, ourConfig(peer.MessageListeners{}), theirConfig(theirpeer.MessageListeners{}))
		if v, w := p.ours.ProtocolVersion(), p.theirs.ProtocolVersion(); v != 70016 || w != v {
			t.Errorf("protocol versions %d and %d, want 70016", v, w)
		}
		if got, want := p.theirs.UserAgent(), wire.DefaultUserAgent+"parley:0.1.0/"; got != want {
			t.Errorf("btcd was told %q, want %q", got, want)
		}
		if got := p.ours.UserAgent(); got == "" || p.ours.Services() != wire.SFNodeNetwork|wire.SFNodeWitness {
			t.Errorf("we were told %q, %v", got, p.ours.Services())
		}
		if !p.ours.VerAckReceived() || !p.theirs.VerAckReceived() || !p.ours.IsWitnessEnabled() || !p.theirs.IsWitnessEnabled() {
			t.Error("the handshake is not complete")
		}
		if !p.theirs.WantsAddrV2() {
			t.Error("btcd was not told that we understand addrv2")
		}
	})
}

// TestPing measures the round trip on both sides.
func TestPing(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		ourPong, theirPong := make(chan uint64, 1), make(chan uint64, 1)
		p := meet(t, dialing,
			ourConfig(peer.MessageListeners{OnPong: func(_ *peer.Peer, m *wire.MsgPong) { ourPong <- m.Nonce }}),
			theirConfig(theirpeer.MessageListeners{OnPong: func(_ *theirpeer.Peer, m *theirwire.MsgPong) { theirPong <- m.Nonce }}))
		p.ours.QueueMessage(wire.NewMsgPing(11), nil)
		p.theirs.QueueMessage(theirwire.NewMsgPing(12), nil)
		if n := await(t, "pong of btcd", ourPong); n != 11 {
			t.Errorf("btcd answered %d", n)
		}
		if n := await(t, "pong of ours", theirPong); n != 12 {
			t.Errorf("we answered %d", n)
		}
		if p.ours.LastPingNonce() != 0 || p.ours.LastPingMicros() <= 0 {
			t.Errorf("the round trip took %d µs", p.ours.LastPingMicros())
		}
	})
}

// TestAddr sends addresses both ways, in both forms from btcd.
func TestAddr(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		ourAddr, ourV2 := make(chan *wire.MsgAddr, 1), make(chan *wire.MsgAddrV2, 1)
		theirAddr, asked := make(chan *theirwire.MsgAddr, 1), make(chan struct{}, 1)
		p := meet(t, dialing,
			ourConfig(peer.MessageListeners{
				OnAddr:   func(_ *peer.Peer, m *wire.MsgAddr) { ourAddr <- m },
				OnAddrV2: func(_ *peer.Peer, m *wire.MsgAddrV2) { ourV2 <- m },
			}),
			theirConfig(theirpeer.MessageListeners{
				OnAddr:    func(_ *theirpeer.Peer, m *theirwire.MsgAddr) { theirAddr <- m },
				OnGetAddr: func(*theirpeer.Peer, *theirwire.MsgGetAddr) { asked <- struct{}{} },
			}))
		p.ours.QueueMessage(wire.NewMsgGetAddr(), nil)
		await(t, "getaddr", asked)
		ip, seen := net.IPv4(198, 51, 100, 7), time.Unix(1_600_000_000, 0)

		p.ours.PushAddrMsg([]*wire.NetAddress{wire.NewNetAddressTimestamp(seen, wire.SFNodeNetwork, ip, 8333)})
		m := await(t, "addr of ours", theirAddr)
		if a := m.AddrList[0]; !a.IP.Equal(ip) || a.Port != 8333 || !a.Timestamp.Equal(seen) || a.Services != theirwire.SFNodeNetwork {
			t.Errorf("btcd got %+v", a)
		}
		p.theirs.PushAddrMsg([]*theirwire.NetAddress{theirwire.NewNetAddressTimestamp(seen, theirwire.SFNodeNetwork, ip, 8333)})
		o := await(t, "addr of btcd", ourAddr)
		if a := o.AddrList[0]; !a.IP.Equal(ip) || a.Port != 8333 || !a.Timestamp.Equal(seen) || a.Services != wire.SFNodeNetwork {
			t.Errorf("we got %+v", a)
		}
		p.theirs.PushAddrV2Msg([]*theirwire.NetAddressV2{theirwire.NetAddressV2FromBytes(seen, theirwire.SFNodeNetwork, ip.To4(), 8333)})
		v2 := await(t, "addrv2 of btcd", ourV2)
		if a := v2.AddrList[0]; !a.IP().Equal(ip) || a.Port != 8333 || !a.Timestamp.Equal(seen) {
			t.Errorf("we got %+v", a)
		}
	})
}

// txs returns the same transaction twice.
func txs() (*wire.MsgTx, *theirwire.MsgTx) {
	script, key := make([]byte, 107), make([]byte, 25)
	witness := [][]byte{make([]byte, 71), make([]byte, 33)}
	a, b := wire.NewMsgTx(2), theirwire.NewMsgTx(2)
	a.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{1}, 3), script, witness))
	b.AddTxIn(theirwire.NewTxIn(theirwire.NewOutPoint(&theirhash.Hash{1}, 3), script, witness))
	for n := range int64(2) {
		a.AddTxOut(wire.NewTxOut(n, key))
		b.AddTxOut(theirwire.NewTxOut(n, key))
	}
	return a, b
}

// blocks returns the same block of n transactions twice.
func blocks(n int) (*wire.MsgBlock, *theirwire.MsgBlock) {
	a := wire.NewMsgBlock(wire.NewBlockHeader(1, &chainhash.Hash{2}, &chainhash.Hash{3}, 4, 5))
	b := theirwire.NewMsgBlock(theirwire.NewBlockHeader(1, &theirhash.Hash{2}, &theirhash.Hash{3}, 4, 5))
	b.Header.Timestamp = a.Header.Timestamp
	for range n {
		x, y := txs()
		a.AddTransaction(x)
		b.AddTransaction(y)
	}
	return a, b
}

// TestRelayToBtcd announces a transaction and a block; btcd asks for them and gets them.
func TestRelayToBtcd(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		tx, theirTx := txs()
		block, theirBlock := blocks(3)
		gotTx, gotBlock := make(chan *theirwire.MsgTx, 1), make(chan *theirwire.MsgBlock, 1)
		ourCfg := ourConfig(peer.MessageListeners{
			OnGetData: func(p *peer.Peer, m *wire.MsgGetData) {
				for _, v := range m.InvList {
					switch {
					case v.Type == wire.InvTypeWitnessTx && v.Hash == tx.TxHash():
						p.QueueMessageWithEncoding(tx, nil, wire.WitnessEncoding)
					case v.Type == wire.InvTypeWitnessBlock && v.Hash == block.BlockHash():
						p.QueueMessageWithEncoding(block, nil, wire.WitnessEncoding)
					}
				}
			},
		})
		ourCfg.TrickleInterval = 10 * time.Millisecond
		p := meet(t, dialing, ourCfg, theirConfig(theirpeer.MessageListeners{
			OnInv: func(p *theirpeer.Peer, m *theirwire.MsgInv) {
				ask := theirwire.NewMsgGetData()
				for _, v := range m.InvList {
					ask.AddInvVect(theirwire.NewInvVect(v.Type|theirwire.InvWitnessFlag, &v.Hash))
				}
				p.QueueMessage(ask, nil)
			},
			OnTx:    func(_ *theirpeer.Peer, m *theirwire.MsgTx) { gotTx <- m },
			OnBlock: func(_ *theirpeer.Peer, m *theirwire.MsgBlock, _ []byte) { gotBlock <- m },
		}))
		h := tx.TxHash()
		p.ours.QueueInventory(wire.NewInvVect(wire.InvTypeTx, &h, 0))
		if m := await(t, "transaction", gotTx); m.WitnessHash() != theirTx.WitnessHash() {
			t.Errorf("btcd got %+v", m)
		}
		h = block.BlockHash()
		p.ours.QueueInventory(wire.NewInvVect(wire.InvTypeBlock, &h, 0))
		m := await(t, "block", gotBlock)
		if m.BlockHash() != theirBlock.BlockHash() || len(m.Transactions) != 3 ||
			m.Transactions[2].WitnessHash() != theirBlock.Transactions[2].WitnessHash() {
			t.Errorf("btcd got %+v", m)
		}
	})
}

// TestRelayFromBtcd is the other way round.
func TestRelayFromBtcd(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		tx, theirTx := txs()
		block, theirBlock := blocks(3)
		gotTx, gotBlock := make(chan *wire.MsgTx, 1), make(chan *wire.MsgBlock, 1)
		theirCfg := theirConfig(theirpeer.MessageListeners{
			OnGetData: func(p *theirpeer.Peer, m *theirwire.MsgGetData) {
				for _, v := range m.InvList {
					switch v.Type {
					case theirwire.InvTypeWitnessTx:
						p.QueueMessageWithEncoding(theirTx, nil, theirwire.WitnessEncoding)
					case theirwire.InvTypeWitnessBlock:
						p.QueueMessageWithEncoding(theirBlock, nil, theirwire.WitnessEncoding)
					}
				}
			},
		})
		theirCfg.TrickleInterval = 10 * time.Millisecond
		p := meet(t, dialing, ourConfig(peer.MessageListeners{
			OnInv: func(p *peer.Peer, m *wire.MsgInv) {
				ask := wire.NewMsgGetData()
				for _, v := range m.InvList {
					ask.AddInvVect(wire.NewInvVect(v.Type|wire.InvWitnessFlag, &v.Hash, 0))
				}
				p.QueueMessage(ask, nil)
			},
			OnTx:    func(_ *peer.Peer, m *wire.MsgTx) { gotTx <- m },
			OnBlock: func(_ *peer.Peer, m *wire.MsgBlock, _ []byte) { gotBlock <- m },
		}), theirCfg)
		h := theirTx.TxHash()
		p.theirs.QueueInventory(theirwire.NewInvVect(theirwire.InvTypeTx, &h))
		if m := await(t, "transaction", gotTx); m.WitnessHash() != tx.WitnessHash() {
			t.Errorf("we got %+v", m)
		}
		h = theirBlock.BlockHash()
		p.theirs.QueueInventory(theirwire.NewInvVect(theirwire.InvTypeBlock, &h))
		m := await(t, "block", gotBlock)
		if m.BlockHash() != block.BlockHash() || len(m.Transactions) != 3 || m.Transactions[2].WitnessHash() != block.Transactions[2].WitnessHash() {
			t.Errorf("we got %+v", m)
		}
	})
}

// TestHeaders asks for headers, each side the other.
func TestHeaders(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		block, theirBlock := blocks(0)
		ours, theirs := make(chan *wire.MsgHeaders, 1), make(chan *theirwire.MsgHeaders, 1)
		p := meet(t, dialing,
			ourConfig(peer.MessageListeners{
				OnGetHeaders: func(p *peer.Peer, m *wire.MsgGetHeaders) {
					if len(m.BlockLocatorHashes) != 2 || *m.BlockLocatorHashes[1] != (chainhash.Hash{8}) || m.HashStop != (chainhash.Hash{9}) {
						t.Errorf("we were asked %+v", m)
					}
					answer := wire.NewMsgHeaders()
					answer.AddBlockHeader(&block.Header)
					p.QueueMessage(answer, nil)
				},
				OnHeaders: func(_ *peer.Peer, m *wire.MsgHeaders) { ours <- m },
			}),
			theirConfig(theirpeer.MessageListeners{
				OnGetHeaders: func(p *theirpeer.Peer, m *theirwire.MsgGetHeaders) {
					if len(m.BlockLocatorHashes) != 2 || *m.BlockLocatorHashes[1] != (theirhash.Hash{8}) || m.HashStop != (theirhash.Hash{9}) {
						t.Errorf("btcd was asked %+v", m)
					}
					answer := theirwire.NewMsgHeaders()
					answer.AddBlockHeader(&theirBlock.Header)
					p.QueueMessage(answer, nil)
				},
				OnHeaders: func(_ *theirpeer.Peer, m *theirwire.MsgHeaders) { theirs <- m },
			}))
		ask := wire.NewMsgGetHeaders()
		ask.AddBlockLocatorHash(&chainhash.Hash{7})
		ask.AddBlockLocatorHash(&chainhash.Hash{8})
		ask.HashStop = chainhash.Hash{9}
		p.ours.QueueMessage(ask, nil)
		if m := await(t, "headers of btcd", ours); len(m.Headers) != 1 || m.Headers[0].BlockHash() != block.BlockHash() {
			t.Errorf("we got %+v", m)
		}
		p.theirs.PushGetHeadersMsg([]*theirhash.Hash{{7}, {8}}, &theirhash.Hash{9})
		if m := await(t, "headers of ours", theirs); len(m.Headers) != 1 || m.Headers[0].BlockHash() != theirBlock.BlockHash() {
			t.Errorf("btcd got %+v", m)
		}
	})
}

// TestReject refuses something, each side the other.
func TestReject(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		ours, theirs := make(chan *wire.MsgReject, 1), make(chan *theirwire.MsgReject, 1)
		p := meet(t, dialing,
			ourConfig(peer.MessageListeners{OnReject: func(_ *peer.Peer, m *wire.MsgReject) { ours <- m }}),
			theirConfig(theirpeer.MessageListeners{OnReject: func(_ *theirpeer.Peer, m *theirwire.MsgReject) { theirs <- m }}))
		p.ours.PushRejectMsg(wire.CmdTx, wire.RejectDust, "dust", &chainhash.Hash{1}, true)
		p.theirs.PushRejectMsg("block", theirwire.RejectDuplicate, "again", &theirhash.Hash{2}, true)
		if m := await(t, "reject of btcd", ours); m.Cmd != "block" || m.Code != wire.RejectDuplicate || m.Reason != "again" || m.Hash != (chainhash.Hash{2}) {
			t.Errorf("we got %+v", m)
		}
		if m := await(t, "reject of ours", theirs); m.Cmd != "tx" || m.Code != theirwire.RejectDust || m.Reason != "dust" || m.Hash != (theirhash.Hash{1}) {
			t.Errorf("btcd got %+v", m)
		}
	})
}

// TestMalformed ends the connection when btcd sends a command with a payload that is
// none, with a reject that btcd understands.
func TestMalformed(t *testing.T) {
	bothRoles(t, func(t *testing.T, dialing bool) {
		rejects := make(chan *theirwire.MsgReject, 1)
		p := meet(t, dialing, ourConfig(peer.MessageListeners{}),
			theirConfig(theirpeer.MessageListeners{OnReject: func(_ *theirpeer.Peer, m *theirwire.MsgReject) { rejects <- m }}))
		p.theirs.QueueMessage(badTx{}, nil)
		if m := await(t, "reject", rejects); m.Code != theirwire.RejectMalformed {
			t.Errorf("btcd got %+v", m)
		}
		p.ours.WaitForDisconnect()
	})
}
