package btcd

import (
	"encoding/binary"
	"io"
	"reflect"
	"sync"
	"testing"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
	"parley/dialect/bitcoin"
)

// The floor is what no implementation with this API, on this wire, in Go, can leave out:
// the double SHA-256 of each payload at both ends, the bytes through the kernel, and the
// structs that a listener is given. It knows what it will read, checks nothing but the
// checksum, copies frames that were made before, sums two at a time, and sends and reads
// with as few calls as can be. Nothing is queued, timed or counted.

// batch is how many bytes are sent and read together at least.
const batch = 64 << 10

// floorWith connects a goroutine that reads with whoever sends. Messages come in pairs.
func floorWith(b *testing.B, m wire.Message, read func(payload []byte), done chan struct{}) side {
	frame := frameOf(b, m)
	dialer, listener := connection(b)
	pairs := max(1, batch/(2*len(frame)))
	_, keeps := m.(*wire.MsgBlock)
	var wg sync.WaitGroup
	wg.Go(func() { readPairs(b, listener, len(frame), pairs, keeps, read, counter(done)) })
	end := func() {
		dialer.Close()
		wg.Wait()
		listener.Close()
	}
	b.Cleanup(end)
	out := make([]byte, 0, 2*pairs*len(frame))
	flush := func() {
		wire.Sum(out)
		if _, err := dialer.Write(out); err != nil {
			b.Error(err)
		}
		out = out[:0]
	}
	return side{func() {
		if out = append(out, frame...); len(out) == cap(out) {
			flush()
		}
	}, flush, done, end}
}

// readPairs reads frames of a size until the connection ends. If messages keep their
// payload it reads each pair into memory of its own.
func readPairs(b *testing.B, r io.Reader, size, pairs int, keeps bool, read func(payload []byte), arrived func()) {
	buf := make([]byte, max(4*batch, 2*pairs*size))
	if keeps {
		buf = make([]byte, 2*size)
	}
	for have := 0; ; {
		n, err := r.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		rest := buf[:have]
		for len(rest) >= 2*size {
			p, q := rest[:size], rest[size:2*size]
			x, y := bitcoin.Checksums(p[wire.MessageHeaderSize:], q[wire.MessageHeaderSize:])
			if x != binary.LittleEndian.Uint32(p[20:]) || y != binary.LittleEndian.Uint32(q[20:]) {
				b.Error("the checksums are wrong")
			}
			for _, f := range [][]byte{p, q} {
				read(f[wire.MessageHeaderSize:])
				arrived()
			}
			rest = rest[2*size:]
		}
		if keeps && len(rest) < have {
			buf = make([]byte, 2*size)
		}
		have = copy(buf, rest)
	}
}

// What was made last is reachable, as with a listener that looks at it.
var (
	madeTx    *wire.MsgTx
	madeInv   *wire.MsgInv
	madeBlock *wire.MsgBlock
)

// tx250 has room for the transaction of txs250.
type tx250 struct {
	tx   wire.MsgTx
	in   [1]wire.TxIn
	ins  [1]*wire.TxIn
	out  [2]wire.TxOut
	outs [2]*wire.TxOut
}

// leastTx returns what makes transactions of txs250: eight in one piece of memory, and
// the bytes of those that come together in another.
func leastTx() func(payload []byte) {
	var room []tx250
	var bytes []byte
	return func(payload []byte) {
		if len(room) == 0 {
			room = make([]tx250, 8)
		}
		if cap(bytes)-len(bytes) < len(payload) {
			bytes = make([]byte, 0, 4<<10)
		}
		bytes = append(bytes, payload...)
		b := bytes[len(bytes)-len(payload):]
		t := &room[0]
		room = room[1:]
		leastIn(&t.in[0], b[5:], 131)
		leastOut(&t.out[0], b[178:])
		leastOut(&t.out[1], b[212:])
		t.ins[0], t.outs[0], t.outs[1] = &t.in[0], &t.out[0], &t.out[1]
		t.tx.Version, t.tx.LockTime = int32(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[246:])
		t.tx.TxIn, t.tx.TxOut = t.ins[:], t.outs[:]
		madeTx = &t.tx
	}
}

// leastIn makes an input with a script of so many bytes.
func leastIn(in *wire.TxIn, b []byte, script int) {
	in.PreviousOutPoint.Hash = chainhash.Hash(b)
	in.PreviousOutPoint.Index = binary.LittleEndian.Uint32(b[32:])
	in.SignatureScript = b[37 : 37+script : 37+script]
	in.Sequence = binary.LittleEndian.Uint32(b[37+script:])
}

// leastOut makes an output with a script of 25 bytes.
func leastOut(out *wire.TxOut, b []byte) {
	out.Value, out.PkScript = int64(binary.LittleEndian.Uint64(b)), b[9:34:34]
}

// leastInv makes the inventory of invs, in two pieces of memory.
func leastInv(payload []byte) {
	const size = 4 + chainhash.HashSize
	all, list := make([]wire.InvVect, 1000), make([]*wire.InvVect, 1000)
	for i := range all {
		b := payload[3+i*size:][:size]
		all[i].Type, all[i].Hash = wire.InvType(binary.LittleEndian.Uint32(b)), chainhash.Hash(b[4:])
		list[i] = &all[i]
	}
	madeInv = &wire.MsgInv{InvList: list}
}

// leastBlock makes the block of megabyte, in an array for each of what there is.
func leastBlock(payload []byte) {
	const n, head, size = blockTxs, 80 + 3, 226
	txs, list := make([]wire.MsgTx, n), make([]*wire.MsgTx, n)
	in, ins := make([]wire.TxIn, n), make([]*wire.TxIn, n)
	out, outs := make([]wire.TxOut, 2*n), make([]*wire.TxOut, 2*n)
	for i := range txs {
		b := payload[head+i*size:][:size]
		tx := &txs[i]
		leastIn(&in[i], b[5:], 107)
		leastOut(&out[2*i], b[154:])
		leastOut(&out[2*i+1], b[188:])
		list[i], ins[i], outs[2*i], outs[2*i+1] = tx, &in[i], &out[2*i], &out[2*i+1]
		tx.Version, tx.LockTime = int32(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[size-4:])
		tx.TxIn, tx.TxOut = ins[i:i+1:i+1], outs[2*i:2*i+2:2*i+2]
	}
	madeBlock = &wire.MsgBlock{Transactions: list}
}

// TestFloor compares what the floor makes with what the decoder does, so that the floor
// is one.
func TestFloor(t *testing.T) {
	tx, _ := txs250()
	inv, _ := invs()
	block, _ := megabyte()
	for _, m := range []wire.Message{tx, inv, block} {
		frame, err := wire.AppendMessage(nil, m, wire.AddrV2Version, wire.SimNet, wire.BaseEncoding|wire.BitcoinForm)
		if err != nil {
			t.Fatal(err)
		}
		payload := frame[wire.MessageHeaderSize:]
		want, err := wire.DecodePayload(m.Command(), payload, wire.AddrV2Version, wire.BaseEncoding|wire.BitcoinForm)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		switch want := want.(type) {
		case *wire.MsgTx:
			leastTx()(payload)
			got = madeTx
		case *wire.MsgInv:
			leastInv(payload)
			got = madeInv
		case *wire.MsgBlock:
			leastBlock(payload)
			madeBlock.Header = want.Header
			got = madeBlock
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the floor makes something else than the decoder", m.Command())
		}
	}
}
