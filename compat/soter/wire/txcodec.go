package wire

import (
	"encoding/binary"
	"fmt"
	"math"

	"parley/compat/soter/chainhash"
	bin "parley/wire"
)

// Least bytes of what is in a transaction, and of what a block of Soter has
// besides transactions.
const (
	minIn     = chainhash.HashSize + 4 + 1 + 4
	minOut    = 8 + 1
	minTx     = 4 + 1 + 1 + 4
	parent    = chainhash.HashSize + 32
	subHeader = 4 + 4
)

// Limits of soter.md section 2, in entries and bytes.
const (
	maxTxIn         = MaxMessagePayload/minIn + 1
	maxTxOut        = MaxMessagePayload/minOut + 1
	maxWitnessItems = 500_000
	maxWitnessItem  = 11_000
	witnessFlag     = 1
)

// txCounts says how much room transactions take.
type txCounts struct{ ins, outs, items int }

// isWitness takes the two bytes that tell of witness data, if they are there.
func isWitness(r *bin.Reader, allowed bool) bool {
	at := *r
	if !allowed || at.Byte() != 0 || at.Err() != nil {
		return false
	}
	if flag := at.Byte(); at.Err() == nil && flag != witnessFlag {
		r.Fail(fmt.Errorf("witness flag: %d, want %d", flag, witnessFlag))
		return false
	}
	*r = at
	return true
}

// scan goes over one transaction, checks all that there is to check, and adds to
// the counts. It allocates nothing.
func (d *decoder) scan(witness bool, c *txCounts) {
	at := d.Reader
	if n := skim(at.Rest(), witness, c); n > 0 {
		d.Take(n)
		return
	}
	d.explain(witness)
	d.Fail(bin.ErrShort)
}

// explain goes over a transaction that skim found wrong, and fails with what is
// wrong with it.
func (d *decoder) explain(witness bool) {
	d.Take(4)
	witness = isWitness(&d.Reader, witness)
	ins := d.CompactCount("inputs", minIn, maxTxIn)
	for range ins {
		d.Take(chainhash.HashSize + 4)
		d.CompactBytes("signature script bytes", MaxMessagePayload)
		d.Take(4)
	}
	for range d.CompactCount("outputs", minOut, maxTxOut) {
		d.Take(8)
		d.CompactBytes("script bytes", MaxMessagePayload)
	}
	for range ins {
		if !witness {
			break
		}
		for range d.CompactCount("witness items", 1, maxWitnessItems) {
			d.CompactBytes("witness item bytes", maxWitnessItem)
		}
	}
	d.Take(4)
}

// skim returns how many bytes a transaction takes at the front of b, and adds to the
// counts, if everything about it is within its limits; else it returns 0.
// Reading blocks spends its time here and in fill, so both go by index.
func skim(b []byte, witness bool, c *txCounts) int {
	if len(b) < minTx || len(b) > math.MaxInt32 {
		return 0
	}
	i := 4
	if witness = witness && b[i] == 0; witness {
		if b[i+1] != witnessFlag {
			return 0
		}
		i += 2
	}
	ins, i := compact(b, i)
	if ins < 0 || ins > maxTxIn {
		return 0
	}
	for range ins {
		n := 0
		if n, i = compact(b, i+chainhash.HashSize+4); n < 0 || n > MaxMessagePayload {
			return 0
		}
		i += n + 4
	}
	outs, i := compact(b, i)
	if outs < 0 || outs > maxTxOut {
		return 0
	}
	for range outs {
		n := 0
		if n, i = compact(b, i+8); n < 0 || n > MaxMessagePayload {
			return 0
		}
		i += n
	}
	items := 0
	if witness {
		if items, i = skimWitness(b, i, ins); items < 0 {
			return 0
		}
	}
	if i += 4; i > len(b) {
		return 0
	}
	c.ins, c.outs, c.items = c.ins+ins, c.outs+outs, c.items+items
	return i
}

// skimWitness goes over the witness data of so many inputs and returns the number
// of items, or -1, and where it ends.
func skimWitness(b []byte, i, ins int) (items, end int) {
	for range ins {
		count := 0
		if count, i = compact(b, i); count < 0 || count > maxWitnessItems {
			return -1, i
		}
		for range count {
			n := 0
			if n, i = compact(b, i); n < 0 || n > maxWitnessItem {
				return -1, i
			}
			i += n
		}
		items += count
	}
	return items, i
}

// compact reads a compact integer at b[i] and returns it and where it ends. It is -1
// if it is not there, not in its shortest form, or more than the bytes in b.
func compact(b []byte, i int) (v, end int) {
	if uint(i) < uint(len(b)) && b[i] < 0xfd {
		return int(b[i]), i + 1
	}
	return compactWide(b, i)
}

func compactWide(b []byte, i int) (v, end int) {
	least := 0
	switch {
	case i+3 <= len(b) && b[i] == 0xfd:
		v, least, end = int(binary.LittleEndian.Uint16(b[i+1:])), 0xfd, i+3
	case i+5 <= len(b) && b[i] == 0xfe:
		v, least, end = int(binary.LittleEndian.Uint32(b[i+1:])), math.MaxUint16+1, i+5
	default:
		return -1, i
	}
	if v < least || v > len(b) {
		return -1, i
	}
	return v, end
}

// txRoom is the room of transactions that were counted, and how much of it is used.
// Taking some moves numbers, not slices: while the collector marks, each pointer that
// is written costs time.
type txRoom struct {
	ins   []TxIn
	inp   []*TxIn
	outs  []TxOut
	outp  []*TxOut
	items [][]byte

	in, out, item int
}

func newTxRoom(c *txCounts) *txRoom {
	r := &txRoom{
		ins: make([]TxIn, c.ins), inp: make([]*TxIn, c.ins),
		outs: make([]TxOut, c.outs), outp: make([]*TxOut, c.outs),
	}
	if c.items > 0 {
		r.items = make([][]byte, c.items)
	}
	return r
}

// take cuts a string of bytes with its length before it off the front of b.
func take(b []byte) (s, rest []byte) {
	n, i := compact(b, 0)
	return b[i : i+n : i+n], b[i+n:]
}

// fill reads a transaction that was gone over, and returns what is behind it.
func (room *txRoom) fill(b []byte, tx *MsgTx, witness bool) []byte {
	tx.Version = int32(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if witness = witness && b[0] == 0; witness {
		b = b[2:]
	}
	n, i := compact(b, 0)
	b = b[i:]
	if n > 0 {
		from, to := room.in, room.in+n
		room.in = to
		ins, list := room.ins[from:to], room.inp[from:to:to]
		for i := range ins {
			b = ins[i].fill(b)
			list[i] = &ins[i]
		}
		tx.TxIn = list
	}
	n, i = compact(b, 0)
	b = b[i:]
	if n > 0 {
		from, to := room.out, room.out+n
		room.out = to
		outs, list := room.outs[from:to], room.outp[from:to:to]
		for i := range outs {
			outs[i].Value = int64(binary.LittleEndian.Uint64(b))
			outs[i].PkScript, b = take(b[8:])
			list[i] = &outs[i]
		}
		tx.TxOut = list
	}
	if witness {
		b = room.fillWitness(b, tx.TxIn)
	}
	tx.LockTime = binary.LittleEndian.Uint32(b)
	return b[4:]
}

func (t *TxIn) fill(b []byte) []byte {
	t.PreviousOutPoint.Hash = chainhash.Hash(b[:chainhash.HashSize])
	t.PreviousOutPoint.Index = binary.LittleEndian.Uint32(b[chainhash.HashSize:])
	t.SignatureScript, b = take(b[chainhash.HashSize+4:])
	t.Sequence = binary.LittleEndian.Uint32(b)
	return b[4:]
}

func (room *txRoom) fillWitness(b []byte, ins []*TxIn) []byte {
	for _, in := range ins {
		n, i := compact(b, 0)
		b = b[i:]
		if n == 0 {
			continue
		}
		from, to := room.item, room.item+n
		room.item = to
		in.Witness = room.items[from:to:to]
		for i := range in.Witness {
			in.Witness[i], b = take(b)
		}
	}
	return b
}

func (m *MsgTx) read(d *decoder, f form) {
	*m = MsgTx{}
	at := d.Reader
	c := txCounts{}
	d.scan(f.witness(), &c)
	if d.Err() != nil {
		return
	}
	b := d.keep(at.Take(at.Len() - d.Len()))
	newTxRoom(&c).fill(b, m, f.witness())
}

// plainTx is a transaction with room for what the plainest ones have, in one piece, and
// usualTx one with room for most.
type plainTx struct {
	tx   MsgTx
	ins  [1]TxIn
	inp  [1]*TxIn
	outs [2]TxOut
	outp [2]*TxOut
}

type usualTx struct {
	tx    MsgTx
	ins   [2]TxIn
	inp   [2]*TxIn
	outs  [2]TxOut
	outp  [2]*TxOut
	items [4][]byte
}

// isPlain reports whether a plainTx has room for a transaction.
func (c *txCounts) isPlain() bool { return c.ins <= 1 && c.outs <= 2 && c.items == 0 }

// fill reads a transaction that was gone over.
func (u *plainTx) fill(b []byte, witness bool) *MsgTx {
	room := txRoom{ins: u.ins[:], inp: u.inp[:], outs: u.outs[:], outp: u.outp[:]}
	room.fill(b, &u.tx, witness)
	return &u.tx
}

// maxTogether is how many plain transactions are made in one piece of memory.
const maxTogether = 8

// plain reads a payload if it is a plain transaction without fault, else it returns nil.
// If there is no room left it makes some for the messages in the bytes behind too. It
// does without a decoder, which would take a third longer.
func (s *Stream) plain(payload []byte, more int) *MsgTx {
	c := txCounts{}
	if len(payload) > s.limit || skim(payload, s.f.witness(), &c) == 0 || !c.isPlain() {
		return nil
	}
	if len(s.txs) == 0 {
		s.txs = make([]plainTx, min(1+more/(headerSize+len(payload)), maxTogether))
	}
	u := &s.txs[0]
	s.txs = s.txs[1:]
	return u.fill(payload, s.f.witness())
}

// newTx reads a transaction, a usual one into one piece of memory.
func (d *decoder) newTx(f form) *MsgTx {
	at := d.Reader
	c := txCounts{}
	d.scan(f.witness(), &c)
	if d.Err() != nil {
		return nil
	}
	var room txRoom
	var m *MsgTx
	switch {
	case c.isPlain():
		return new(plainTx).fill(at.Rest(), f.witness())
	case c.ins <= 2 && c.outs <= 2 && c.items <= 4:
		u := &usualTx{}
		m, room = &u.tx, txRoom{ins: u.ins[:], inp: u.inp[:], outs: u.outs[:], outp: u.outp[:], items: u.items[:]}
	default:
		m, room = &MsgTx{}, *newTxRoom(&c)
	}
	room.fill(at.Rest(), m, f.witness())
	return m
}
