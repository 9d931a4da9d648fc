package wire

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"parley/compat/soter/chainhash"
	bin "parley/wire"
)

const (
	// MaxBlockPayload is the bytes of a block at most.
	MaxBlockPayload = 4_000_000

	// maxTxPerBlock is how many transactions of least size fit in a block,
	// and one.
	maxTxPerBlock = MaxBlockPayload/minTx + 1
)

// Parent is a block that another one of Soter's graph builds on.
type Parent struct {
	Hash chainhash.Hash
	Data [32]byte
}

// ParentSubHeader has the blocks that a block of Soter builds on. Its hash does not
// cover it. soterd declares a limit of eight parents and does not check it, nor does
// this package.
type ParentSubHeader struct {
	Version int32
	Size    int32     // number of parents that was read; written is how many there are
	Parents []*Parent // none of them nil
}

// VerificationSubHeader has the proof of work of a block of Soter, a cycle in a
// graph. The block's hash does not cover it.
type VerificationSubHeader struct {
	Version     int32
	Size        int32 // number of nonces that was read; written is how many there are
	CycleNonces []uint32
}

// MsgBlock is a block. One that was read has all its transactions in a few arrays
// and their scripts in the payload, so as long as one of them is kept, all are.
type MsgBlock struct {
	Header       BlockHeader
	Parents      ParentSubHeader       // Soter's form only
	Verification VerificationSubHeader // Soter's form only
	Transactions []*MsgTx              // none of them nil
}

// TxLoc says where a transaction is in the bytes of a block.
type TxLoc struct {
	TxStart int
	TxLen   int
}

// NewMsgBlock returns a block without transactions.
func NewMsgBlock(blockHeader *BlockHeader) *MsgBlock { return &MsgBlock{Header: *blockHeader} }

// AddTransaction adds a transaction. The error is always nil.
func (m *MsgBlock) AddTransaction(tx *MsgTx) error {
	m.Transactions = append(m.Transactions, tx)
	return nil
}

// ClearTransactions takes all transactions out.
func (m *MsgBlock) ClearTransactions() { m.Transactions = nil }

// BlockHash returns the hash of the header.
func (m *MsgBlock) BlockHash() chainhash.Hash { return m.Header.BlockHash() }

// TxHashes returns the hashes of the transactions in their order. The error is
// always nil.
func (m *MsgBlock) TxHashes() ([]chainhash.Hash, error) {
	hs := make([]chainhash.Hash, len(m.Transactions))
	for i, tx := range m.Transactions {
		hs[i] = tx.TxHash()
	}
	return hs, nil
}

// Serialize writes the block in Soter's form with witness data.
func (m *MsgBlock) Serialize(w io.Writer) error { return m.BtcEncode(w, 0, WitnessEncoding) }

// SerializeNoWitness writes the block in Soter's form without witness data.
func (m *MsgBlock) SerializeNoWitness(w io.Writer) error { return m.BtcEncode(w, 0, BaseEncoding) }

// Deserialize reads what Serialize writes.
func (m *MsgBlock) Deserialize(r io.Reader) error { return m.BtcDecode(r, 0, WitnessEncoding) }

// DeserializeNoWitness reads what SerializeNoWitness writes.
func (m *MsgBlock) DeserializeNoWitness(r io.Reader) error { return m.BtcDecode(r, 0, BaseEncoding) }

// DeserializeTxLoc is Deserialize that also says where the transactions are, counted
// from the front of the block.
func (m *MsgBlock) DeserializeTxLoc(r *bytes.Buffer) ([]TxLoc, error) {
	whole := r.Len()
	before := r.Bytes()
	if err := m.Deserialize(r); err != nil {
		return nil, err
	}
	d := newDecoder(before[:whole-r.Len()], true)
	defer d.free()
	(&MsgBlock{}).readHead(d, form{enc: WitnessEncoding})
	locs := make([]TxLoc, d.txCount())
	size := whole - r.Len()
	for i := range locs {
		at := size - d.Len()
		d.scan(true, &txCounts{})
		locs[i] = TxLoc{TxStart: at, TxLen: size - d.Len() - at}
	}
	return locs, nil
}

// SerializeSize returns how many bytes Serialize writes.
func (m *MsgBlock) SerializeSize() int { return m.size(form{enc: WitnessEncoding}) }

// SerializeSizeStripped returns how many bytes SerializeNoWitness writes.
func (m *MsgBlock) SerializeSizeStripped() int { return m.size(form{enc: BaseEncoding}) }

// BtcDecode implements [Message].
func (m *MsgBlock) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgBlock) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgBlock) Command() string { return CmdBlock }

// MaxPayloadLength implements [Message].
func (m *MsgBlock) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdBlock) }

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
		if err := tx.check(f.witness()); err != nil {
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
	b := e.b
	for _, tx := range m.Transactions {
		b = tx.append(b, f.witness())
	}
	e.b = b
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
	c := txCounts{}
	for range n {
		d.scan(f.witness(), &c)
	}
	if n == 0 || d.Err() != nil {
		return
	}
	txs, list := make([]MsgTx, n), make([]*MsgTx, n)
	room := newTxRoom(&c)
	b := d.keep(at.Take(at.Len() - d.Len()))
	for i := range txs {
		list[i] = &txs[i]
		b = room.fill(b, &txs[i], f.witness())
	}
	m.Transactions = list
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
