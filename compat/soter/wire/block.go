package wire

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"parley/compat/soter/chainhash"
)

const (
	// MaxBlockHeaderPayload is the bytes of a block header.
	MaxBlockHeaderPayload = 80

	// MaxBlockHeadersPerMsg is the headers of one message at most.
	MaxBlockHeadersPerMsg = 2000

	// MaxBlockPayload is the bytes of a block at most.
	MaxBlockPayload = 4_000_000

	// maxTxPerBlock is how many transactions of least size fit in a block,
	// and one.
	maxTxPerBlock = MaxBlockPayload/minTx + 1
)

// BlockHeader is what a block's hash is of. Soter's sub-headers are not part of it.
type BlockHeader struct {
	Version    int32
	PrevBlock  chainhash.Hash
	MerkleRoot chainhash.Hash
	Timestamp  time.Time // in whole seconds, 1970 to 2106
	Bits       uint32
	Nonce      uint32
}

// NewBlockHeader returns a header of now.
func NewBlockHeader(version int32, prevHash, merkleRootHash *chainhash.Hash, bits uint32, nonce uint32) *BlockHeader {
	return &BlockHeader{
		Version: version, PrevBlock: *prevHash, MerkleRoot: *merkleRootHash,
		Timestamp: time.Unix(time.Now().Unix(), 0), Bits: bits, Nonce: nonce,
	}
}

// BlockHash returns the double SHA-256 of the header's 80 bytes.
func (h *BlockHeader) BlockHash() chainhash.Hash {
	e := newEncoder()
	defer e.free()
	e.header(h)
	return chainhash.DoubleHashH(e.b)
}

// BtcDecode reads 80 bytes.
func (h *BlockHeader) BtcDecode(r io.Reader, _ uint32, _ MessageEncoding) error {
	return h.Deserialize(r)
}

// BtcEncode writes 80 bytes.
func (h *BlockHeader) BtcEncode(w io.Writer, _ uint32, _ MessageEncoding) error {
	return h.Serialize(w)
}

// Deserialize reads 80 bytes and no more. Its errors are those of r.
func (h *BlockHeader) Deserialize(r io.Reader) error {
	var b [MaxBlockHeaderPayload]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	d := newDecoder(b[:], true)
	defer d.free()
	d.header(h)
	return d.Err()
}

// Serialize writes 80 bytes.
func (h *BlockHeader) Serialize(w io.Writer) error {
	e := newEncoder()
	defer e.free()
	e.header(h)
	_, err := w.Write(e.b)
	return err
}

func (e *encoder) header(h *BlockHeader) {
	e.int32(h.Version)
	e.hash(&h.PrevBlock)
	e.hash(&h.MerkleRoot)
	e.seconds(h.Timestamp)
	e.uint32(h.Bits)
	e.uint32(h.Nonce)
}

func (d *decoder) header(h *BlockHeader) {
	h.Version = d.int32()
	d.hash(&h.PrevBlock)
	d.hash(&h.MerkleRoot)
	h.Timestamp = d.seconds()
	h.Bits = d.Uint32LE()
	h.Nonce = d.Uint32LE()
}

// MsgHeaders has headers of blocks, without Soter's sub-headers.
type MsgHeaders struct {
	// Headers has at most MaxBlockHeadersPerMsg entries, none of them nil.
	Headers []*BlockHeader
}

// NewMsgHeaders returns a message without headers.
func NewMsgHeaders() *MsgHeaders { return &MsgHeaders{} }

// AddBlockHeader adds a header. It is an error if there are MaxBlockHeadersPerMsg
// already.
func (m *MsgHeaders) AddBlockHeader(bh *BlockHeader) error {
	if len(m.Headers) >= MaxBlockHeadersPerMsg {
		return badField(CmdHeaders, "headers", fmt.Sprintf("%d, limit %d", len(m.Headers)+1, MaxBlockHeadersPerMsg))
	}
	m.Headers = append(m.Headers, bh)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgHeaders) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgHeaders) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgHeaders) Command() string { return CmdHeaders }

// MaxPayloadLength implements [Message].
func (m *MsgHeaders) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdHeaders) }

func (m *MsgHeaders) write(e *encoder, _ form) {
	e.count("headers", len(m.Headers), MaxBlockHeadersPerMsg)
	for _, h := range m.Headers {
		if h == nil {
			e.fail(fmt.Errorf("headers: an entry is nil"))
			return
		}
		e.header(h)
		e.byte(0) // number of transactions
	}
}

func (m *MsgHeaders) read(d *decoder, _ form) {
	*m = MsgHeaders{}
	n := d.CompactCount("headers", MaxBlockHeaderPayload+1, MaxBlockHeadersPerMsg)
	if n == 0 {
		return
	}
	all := make([]BlockHeader, n)
	m.Headers = make([]*BlockHeader, n)
	for i := range all {
		d.header(&all[i])
		if txs := d.Compact(); txs != 0 {
			d.failf("headers: %d transactions after a header, want 0", txs)
			return
		}
		m.Headers[i] = &all[i]
	}
}

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
