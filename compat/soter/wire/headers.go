package wire

import (
	"fmt"
	"io"
	"time"

	"parley/compat/soter/chainhash"
)

const (
	// MaxBlockLocatorHeightsPerMsg is the most heights a locator of Soter
	// has.
	MaxBlockLocatorHeightsPerMsg = 1

	// MaxBlockLocatorsPerMsg is the most hashes a locator of Bitcoin has.
	MaxBlockLocatorsPerMsg = 500

	// MaxBlockHeaderPayload is the bytes of a block header.
	MaxBlockHeaderPayload = 80

	// MaxBlockHeadersPerMsg is the headers of one message at most.
	MaxBlockHeadersPerMsg = 2000
)

// locator is what getblocks and getheaders have in common. The pointers lead to
// fields of the message.
type locator struct {
	pver    *uint32
	heights *[]*int32
	hashes  *[]*chainhash.Hash
	stop    *chainhash.Hash
}

func (l locator) write(e *encoder, f form) {
	e.uint32(*l.pver)
	switch {
	case !f.soter():
		e.hashes("locator hashes", *l.hashes, MaxBlockLocatorsPerMsg)
	default:
		e.count("locator heights", len(*l.heights), MaxBlockLocatorHeightsPerMsg)
		for _, h := range *l.heights {
			if h == nil {
				e.fail(fmt.Errorf("locator: an entry is nil"))
				return
			}
			e.int32(*h)
		}
	}
	e.hash(l.stop)
}

func (l locator) read(d *decoder, f form) {
	*l.heights, *l.hashes = nil, nil
	*l.pver = d.Uint32LE()
	if f.soter() {
		for range d.CompactCount("locator heights", 4, MaxBlockLocatorHeightsPerMsg) {
			h := d.int32()
			*l.heights = append(*l.heights, &h)
		}
	} else {
		*l.hashes = d.hashes("locator hashes", MaxBlockLocatorsPerMsg)
	}
	d.hash(l.stop)
}

func (l locator) addHeight(command string, h *int32) error {
	if len(*l.heights) >= MaxBlockLocatorHeightsPerMsg {
		return badField(command, "locator heights", fmt.Sprintf("%d, limit %d", len(*l.heights)+1, MaxBlockLocatorHeightsPerMsg))
	}
	*l.heights = append(*l.heights, h)
	return nil
}

func (l locator) addHash(command string, h *chainhash.Hash) error {
	if len(*l.hashes) >= MaxBlockLocatorsPerMsg {
		return badField(command, "locator hashes", fmt.Sprintf("%d, limit %d", len(*l.hashes)+1, MaxBlockLocatorsPerMsg))
	}
	*l.hashes = append(*l.hashes, h)
	return nil
}

// MsgGetBlocks asks which blocks come after a place; the answer is inv.
type MsgGetBlocks struct {
	// ProtocolVersion is of no use; nobody looks at it.
	ProtocolVersion uint32

	// BlockLocatorHeights says the place in Soter's form.
	BlockLocatorHeights []*int32

	// BlockLocatorHashes says the place in Bitcoin's form, newest first.
	BlockLocatorHashes []*chainhash.Hash

	// HashStop is the last block that is wanted; zero for as many as go.
	HashStop chainhash.Hash
}

// NewMsgGetBlocks returns a message without a locator, with ProtocolVersion as its version.
func NewMsgGetBlocks(hashStop *chainhash.Hash) *MsgGetBlocks {
	return &MsgGetBlocks{ProtocolVersion: ProtocolVersion, HashStop: *hashStop}
}

// AddBlockLocatorHeight adds a height. It is an error if there is one already.
func (m *MsgGetBlocks) AddBlockLocatorHeight(height *int32) error {
	return m.locator().addHeight(CmdGetBlocks, height)
}

// AddBlockLocatorHash adds a hash, for Bitcoin's form. It is an error if there are
// MaxBlockLocatorsPerMsg already.
func (m *MsgGetBlocks) AddBlockLocatorHash(hash *chainhash.Hash) error {
	return m.locator().addHash(CmdGetBlocks, hash)
}

// BtcDecode implements [Message].
func (m *MsgGetBlocks) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetBlocks) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetBlocks) Command() string { return CmdGetBlocks }

// MaxPayloadLength implements [Message].
func (m *MsgGetBlocks) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetBlocks) }

func (m *MsgGetBlocks) locator() locator {
	return locator{&m.ProtocolVersion, &m.BlockLocatorHeights, &m.BlockLocatorHashes, &m.HashStop}
}

func (m *MsgGetBlocks) write(e *encoder, f form) { m.locator().write(e, f) }
func (m *MsgGetBlocks) read(d *decoder, f form)  { m.locator().read(d, f) }

// MsgGetHeaders asks for the headers after a place; the answer is headers.
type MsgGetHeaders struct {
	// ProtocolVersion is of no use; nobody looks at it.
	ProtocolVersion uint32

	// BlockLocatorHeights says the place in Soter's form.
	BlockLocatorHeights []*int32

	// BlockLocatorHashes says the place in Bitcoin's form, newest first.
	BlockLocatorHashes []*chainhash.Hash

	// HashStop is the last block that is wanted; zero for as many as go.
	HashStop chainhash.Hash
}

// NewMsgGetHeaders returns a message without a locator. Its version is 0, as
// soterd's is.
func NewMsgGetHeaders() *MsgGetHeaders { return &MsgGetHeaders{} }

// AddBlockLocatorHeight adds a height. It is an error if there is one already.
func (m *MsgGetHeaders) AddBlockLocatorHeight(height *int32) error {
	return m.locator().addHeight(CmdGetHeaders, height)
}

// AddBlockLocatorHash adds a hash, for Bitcoin's form. It is an error if there are
// MaxBlockLocatorsPerMsg already.
func (m *MsgGetHeaders) AddBlockLocatorHash(hash *chainhash.Hash) error {
	return m.locator().addHash(CmdGetHeaders, hash)
}

// BtcDecode implements [Message].
func (m *MsgGetHeaders) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetHeaders) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetHeaders) Command() string { return CmdGetHeaders }

// MaxPayloadLength implements [Message].
func (m *MsgGetHeaders) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetHeaders) }

func (m *MsgGetHeaders) locator() locator {
	return locator{&m.ProtocolVersion, &m.BlockLocatorHeights, &m.BlockLocatorHashes, &m.HashStop}
}

func (m *MsgGetHeaders) write(e *encoder, f form) { m.locator().write(e, f) }
func (m *MsgGetHeaders) read(d *decoder, f form)  { m.locator().read(d, f) }

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
