package chaincfg

import (
	"encoding/hex"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

// The coinbase of the first block, which all networks here share with Bitcoin.
const (
	genesisScript = "04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73"
	genesisKey    = "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac"
	genesisReward = 50 * 100_000_000
)

// genesis returns a first block. Soter's have sub-headers of version 1 without
// anything in them.
func genesis(seconds int64, bits, nonce uint32, bitcoin bool) *wire.MsgBlock {
	tx := wire.NewMsgTx(1)
	out := wire.NewOutPoint(&chainhash.Hash{}, 0xffffffff)
	tx.AddTxIn(wire.NewTxIn(out, bytesOf(genesisScript), nil))
	tx.AddTxOut(wire.NewTxOut(genesisReward, bytesOf(genesisKey)))
	root := tx.TxHash()
	b := &wire.MsgBlock{
		Header: wire.BlockHeader{
			Version:    1,
			MerkleRoot: root,
			Timestamp:  time.Unix(seconds, 0),
			Bits:       bits,
			Nonce:      nonce,
		},
		Transactions: []*wire.MsgTx{tx},
	}
	if !bitcoin {
		b.Parents.Version, b.Verification.Version = 1, 1
	}
	return b
}

// bytesOf reads one of the constants above.
func bytesOf(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// hashOf reads a hash in the tables of networks.
func hashOf(s string) *chainhash.Hash {
	h, err := chainhash.NewHashFromStr(s)
	if err != nil {
		panic(err)
	}
	return h
}
