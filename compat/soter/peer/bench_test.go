package peer_test

import (
	"testing"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// BenchmarkOneWay sends messages one way, with so many under way at most. What it
// reports is of both ends together.
func BenchmarkOneWay(b *testing.B) {
	script := make([]byte, 131)
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{1}, 0), script, nil))
	tx.AddTxOut(wire.NewTxOut(1, script[:25]))
	tx.AddTxOut(wire.NewTxOut(1, script[:25]))
	inv := wire.NewMsgInv()
	for k := range 1000 {
		inv.AddInvVect(wire.NewInvVect(wire.InvTypeTx, &chainhash.Hash{byte(k), byte(k >> 8)}, 0))
	}
	block := wire.NewMsgBlock(&wire.BlockHeader{Timestamp: time.Unix(1, 0)})
	for range 4000 {
		block.AddTransaction(tx)
	}
	for _, c := range []struct {
		name   string
		msg    wire.Message
		lot    int // messages that are counted together
		window int // lots
	}{
		{"tx", tx, 100, 100}, {"inv", inv, 10, 20}, {"block", block, 1, 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			got, n := make(chan struct{}, c.window), 0
			arrived := func() {
				if n++; n%c.lot == 0 {
					got <- struct{}{}
				}
			}
			_, out := connect(b, config(peer.MessageListeners{
				OnTx:    func(*peer.Peer, *wire.MsgTx) { arrived() },
				OnInv:   func(*peer.Peer, *wire.MsgInv) { arrived() },
				OnBlock: func(*peer.Peer, *wire.MsgBlock, []byte) { arrived() },
			}), config(peer.MessageListeners{}))
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				out.QueueMessage(c.msg, nil)
				if sent++; sent%c.lot == 0 && sent > c.lot*c.window {
					<-got
				}
			}
		})
	}
}
