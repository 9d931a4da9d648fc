package btcd

import (
	"testing"
	"time"

	theirwire "github.com/btcsuite/btcd/wire/v2"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

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
	against(b, oursWith(b, tx, make(chan struct{}, window)), theirsWith(b, theirTx, make(chan struct{}, window)),
		floorWith(b, tx, leastTx(), make(chan struct{}, window)), 5000, window)
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
	against(b, oursWith(b, m, make(chan struct{}, window)), theirsWith(b, n, make(chan struct{}, window)),
		floorWith(b, m, leastInv, make(chan struct{}, window)), 200, window)
}

// blockTxs is how many transactions of btcd's tests make nearly 1 MiB.
const blockTxs = 4639

// megabyte returns the same block of nearly 1 MiB twice.
func megabyte() (*wire.MsgBlock, *theirwire.MsgBlock) {
	m, n := wire.NewMsgBlock(&wire.BlockHeader{Timestamp: time.Unix(1, 0)}), theirwire.NewMsgBlock(&theirwire.BlockHeader{})
	for k := range blockTxs {
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
	against(b, oursWith(b, m, make(chan struct{}, window)), theirsWith(b, n, make(chan struct{}, window)),
		floorWith(b, m, leastBlock, make(chan struct{}, window)), 3, window)
}
