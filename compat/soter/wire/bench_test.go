package wire

import (
	"bytes"
	"io"
	"testing"

	"parley/compat/soter/chainhash"
)

// txOf returns a transaction with one input and two outputs, as most have, of so
// many bytes.
func txOf(t testing.TB, size int, seed byte) *MsgTx {
	t.Helper()
	tx := NewMsgTx(TxVersion)
	tx.AddTxIn(NewTxIn(&OutPoint{Hash: counting(seed)}, []byte{}, nil))
	tx.AddTxOut(NewTxOut(1, make([]byte, 25)))
	tx.AddTxOut(NewTxOut(2, make([]byte, 25)))
	tx.TxIn[0].SignatureScript = make([]byte, size-tx.SerializeSize())
	if over := tx.SerializeSize() - size; over > 0 { // the length takes more bytes
		tx.TxIn[0].SignatureScript = tx.TxIn[0].SignatureScript[over:]
	}
	if n := tx.SerializeSize(); n != size {
		t.Fatalf("transaction of %d bytes, want %d", n, size)
	}
	return tx
}

// blockOf returns a block with transactions of 250 bytes that has about so many
// bytes, and the proof of work and two parents that Soter's have.
func blockOf(t testing.TB, size int) *MsgBlock {
	t.Helper()
	b := &MsgBlock{Header: BlockHeader{Version: 1, Timestamp: epoch2020}}
	b.Parents = ParentSubHeader{Version: 1, Size: 2, Parents: []*Parent{{Hash: counting(1)}, {Hash: counting(2)}}}
	b.Verification = VerificationSubHeader{Version: 1, Size: 20, CycleNonces: make([]uint32, 20)}
	for i := range size / 250 {
		b.Transactions = append(b.Transactions, txOf(t, 250, byte(i)))
	}
	return b
}

func invOf(n int) *MsgInv {
	m := NewMsgInv()
	for i := range n {
		m.InvList = append(m.InvList, NewInvVect(InvTypeTx, &chainhash.Hash{byte(i), byte(i >> 8)}, 0))
	}
	return m
}

func frameOf(t testing.TB, m Message) []byte {
	t.Helper()
	b, err := AppendMessage(nil, m, ProtocolVersion, SimNet, WitnessEncoding)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func benchmark(b *testing.B, m Message) {
	whole := frameOf(b, m)
	b.Run("read", func(b *testing.B) {
		r := bytes.NewReader(whole)
		b.SetBytes(int64(len(whole)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(whole)
			if _, _, err := ReadMessage(r, ProtocolVersion, SimNet); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		payload := whole[headerSize:]
		b.SetBytes(int64(len(payload)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodePayload(m.Command(), payload, ProtocolVersion, WitnessEncoding); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(whole)))
		b.ReportAllocs()
		for b.Loop() {
			if err := WriteMessage(io.Discard, m, ProtocolVersion, SimNet); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(whole) - headerSize))
		b.ReportAllocs()
		for b.Loop() {
			if err := m.BtcEncode(io.Discard, ProtocolVersion, WitnessEncoding); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTx250(b *testing.B)     { benchmark(b, txOf(b, 250, 1)) }
func BenchmarkBlock1MiB(b *testing.B) { benchmark(b, blockOf(b, 1<<20)) }
func BenchmarkInv1000(b *testing.B)   { benchmark(b, invOf(1000)) }
