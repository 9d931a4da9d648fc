package wire

import (
	"encoding/binary"
	"fmt"
	"slices"

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

// size returns how many bytes the block takes.
func (m *MsgBlock) size(f form) int {
	n := MaxBlockHeaderPayload + bin.CompactLen(uint64(len(m.Transactions)))
	if f.soter() {
		n += subHeader + parent*len(m.Parents.Parents)
		n += subHeader + 4*len(m.Verification.CycleNonces)
	}
	for _, tx := range m.Transactions {
		n += tx.size(f.witness())
	}
	return n
}

func (m *MsgBlock) write(e *encoder, f form) {
	for _, tx := range m.Transactions {
		if err := tx.check(); err != nil {
			e.fail(err)
			return
		}
	}
	e.b = slices.Grow(e.b, min(m.size(f), MaxBlockPayload))
	e.header(&m.Header)
	if f.soter() {
		m.writeSubHeaders(e)
	}
	e.count("transactions", len(m.Transactions), maxTxPerBlock)
	for _, tx := range m.Transactions {
		tx.append(e, f.witness())
	}
}

func (m *MsgBlock) writeSubHeaders(e *encoder) {
	e.int32(m.Parents.Version)
	e.int32(int32(len(m.Parents.Parents)))
	for _, p := range m.Parents.Parents {
		if p == nil {
			e.fail(fmt.Errorf("parents: an entry is nil"))
			return
		}
		e.hash(&p.Hash)
		e.raw(p.Data[:])
	}
	e.int32(m.Verification.Version)
	e.int32(int32(len(m.Verification.CycleNonces)))
	for _, n := range m.Verification.CycleNonces {
		e.uint32(n)
	}
}

// read counts before it makes room, so that the room is exactly as large as what is
// there.
func (m *MsgBlock) read(d *decoder, f form) {
	*m = MsgBlock{}
	m.readHead(d, f)
	n := d.txCount()
	at := d.Reader
	c := txCounts{txs: n}
	for range n {
		d.scan(f.witness(), &c)
	}
	if n == 0 || d.Err() != nil {
		return
	}
	room := newTxRoom(&c)
	bytes := bin.NewReader(d.keep(at.Take(at.Len() - d.Len())))
	m.Transactions = room.ptrs
	for i := range room.txs {
		room.ptrs[i] = &room.txs[i]
		room.fill(&bytes, &room.txs[i], f.witness())
	}
}

// readHead reads what is before the transactions.
func (m *MsgBlock) readHead(d *decoder, f form) {
	d.header(&m.Header)
	if !f.soter() {
		return
	}
	m.Parents.Version = d.int32()
	if n := d.signedCount("parents", parent); n > 0 {
		all := make([]Parent, n)
		m.Parents.Size, m.Parents.Parents = int32(n), make([]*Parent, n)
		for i := range all {
			d.hash(&all[i].Hash)
			copy(all[i].Data[:], d.Take(len(all[i].Data)))
			m.Parents.Parents[i] = &all[i]
		}
	}
	m.Verification.Version = d.int32()
	if n := d.signedCount("cycle nonces", 4); n > 0 {
		m.Verification.Size, m.Verification.CycleNonces = int32(n), make([]uint32, n)
		for i := range m.Verification.CycleNonces {
			m.Verification.CycleNonces[i] = d.Uint32LE()
		}
	}
}

// signedCount reads a count with a sign of entries of a size. A negative one is
// none, soter.md section 2.
func (d *decoder) signedCount(what string, size int) int {
	n := int(d.int32())
	if n > d.Len()/size {
		d.Fail(fmt.Errorf("%s: %d in %d bytes: %w", what, n, d.Len(), bin.ErrShort))
		return 0
	}
	return max(n, 0)
}

func (d *decoder) txCount() int { return d.CompactCount("transactions", minTx, maxTxPerBlock) }

// txCounts says how much room transactions take.
type txCounts struct{ txs, ins, outs, items int }

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
	r := d.Reader
	r.Take(4)
	witness = isWitness(&r, witness)
	ins := r.CompactCount("inputs", minIn, maxTxIn)
	for range ins {
		r.Take(chainhash.HashSize + 4)
		r.CompactBytes("signature script bytes", MaxMessagePayload)
		r.Take(4)
	}
	outs := r.CompactCount("outputs", minOut, maxTxOut)
	for range outs {
		r.Take(8)
		r.CompactBytes("script bytes", MaxMessagePayload)
	}
	for range ins {
		if !witness {
			break
		}
		n := r.CompactCount("witness items", 1, maxWitnessItems)
		c.items += n
		for range n {
			r.CompactBytes("witness item bytes", maxWitnessItem)
		}
	}
	r.Take(4)
	c.ins += ins
	c.outs += outs
	d.Reader = r
}

// txRoom is the room of transactions that were counted. Each takes from the front.
type txRoom struct {
	txs   []MsgTx
	ptrs  []*MsgTx
	ins   []TxIn
	inp   []*TxIn
	outs  []TxOut
	outp  []*TxOut
	items [][]byte
}

func newTxRoom(c *txCounts) *txRoom {
	r := &txRoom{
		txs: make([]MsgTx, c.txs), ptrs: make([]*MsgTx, c.txs),
		ins: make([]TxIn, c.ins), inp: make([]*TxIn, c.ins),
		outs: make([]TxOut, c.outs), outp: make([]*TxOut, c.outs),
	}
	if c.items > 0 {
		r.items = make([][]byte, c.items)
	}
	return r
}

// cut takes the first n of a slice off, with no room behind them.
func cut[T any](from *[]T, n int) []T {
	s := (*from)[:n:n]
	*from = (*from)[n:]
	return s
}

// fill reads a transaction that was scanned.
func (room *txRoom) fill(r *bin.Reader, tx *MsgTx, witness bool) {
	tx.Version = int32(r.Uint32LE())
	witness = isWitness(r, witness)
	if n := int(r.Compact()); n > 0 {
		tx.TxIn = cut(&room.inp, n)
		ins := cut(&room.ins, n)
		for i := range ins {
			in := &ins[i]
			b := r.Take(chainhash.HashSize + 4)
			in.PreviousOutPoint.Hash = chainhash.Hash(b[:chainhash.HashSize])
			in.PreviousOutPoint.Index = binary.LittleEndian.Uint32(b[chainhash.HashSize:])
			in.SignatureScript = r.CompactBytes("", MaxMessagePayload)
			in.Sequence = r.Uint32LE()
			tx.TxIn[i] = in
		}
	}
	if n := int(r.Compact()); n > 0 {
		tx.TxOut = cut(&room.outp, n)
		outs := cut(&room.outs, n)
		for i := range outs {
			outs[i].Value = int64(r.Uint64LE())
			outs[i].PkScript = r.CompactBytes("", MaxMessagePayload)
			tx.TxOut[i] = &outs[i]
		}
	}
	if witness {
		for _, in := range tx.TxIn {
			if n := int(r.Compact()); n > 0 {
				in.Witness = cut(&room.items, n)
				for i := range in.Witness {
					in.Witness[i] = r.CompactBytes("", maxWitnessItem)
				}
			}
		}
	}
	tx.LockTime = r.Uint32LE()
}

func (m *MsgTx) read(d *decoder, f form) {
	*m = MsgTx{}
	at := d.Reader
	c := txCounts{}
	d.scan(f.witness(), &c)
	if d.Err() != nil {
		return
	}
	bytes := bin.NewReader(d.keep(at.Take(at.Len() - d.Len())))
	newTxRoom(&c).fill(&bytes, m, f.witness())
}

// usualTx is a transaction with room for what most of them have, in one piece.
type usualTx struct {
	tx    MsgTx
	ins   [2]TxIn
	inp   [2]*TxIn
	outs  [2]TxOut
	outp  [2]*TxOut
	items [4][]byte
}

// newTx reads a transaction, a usual one into one piece of memory.
func (d *decoder) newTx(f form) *MsgTx {
	at := d.Reader
	c := txCounts{}
	d.scan(f.witness(), &c)
	if d.Err() != nil {
		return nil
	}
	u := (*usualTx)(nil)
	if c.ins > len(u.ins) || c.outs > len(u.outs) || c.items > len(u.items) {
		m := &MsgTx{}
		newTxRoom(&c).fill(&at, m, f.witness())
		return m
	}
	u = &usualTx{}
	room := txRoom{ins: u.ins[:], inp: u.inp[:], outs: u.outs[:], outp: u.outp[:], items: u.items[:]}
	room.fill(&at, &u.tx, f.witness())
	return &u.tx
}
