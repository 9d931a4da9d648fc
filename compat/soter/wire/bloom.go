package wire

import (
	"fmt"
	"io"

	"parley/compat/soter/chainhash"
)

const (
	// MaxFilterLoadFilterSize is the bytes of a bloom filter at most, BIP37.
	MaxFilterLoadFilterSize = 36000

	// MaxFilterLoadHashFuncs is the hash functions of a bloom filter at most.
	MaxFilterLoadHashFuncs = 50

	// MaxFilterAddDataSize is the bytes of one addition to a bloom filter at
	// most.
	MaxFilterAddDataSize = 520

	// maxFlagsPerMerkleBlock is the bytes of flags at most.
	maxFlagsPerMerkleBlock = 50_000
)

// BloomUpdateType says when a filter takes in the outputs that it matches.
type BloomUpdateType uint8

// The ways to update a filter.
const (
	BloomUpdateNone         BloomUpdateType = 0 // never
	BloomUpdateAll          BloomUpdateType = 1 // always
	BloomUpdateP2PubkeyOnly BloomUpdateType = 2 // those that pay to a public key
)

// MsgFilterLoad sets a bloom filter, BIP37.
type MsgFilterLoad struct {
	Filter    []byte // at most MaxFilterLoadFilterSize bytes
	HashFuncs uint32 // at most MaxFilterLoadHashFuncs
	Tweak     uint32
	Flags     BloomUpdateType
}

// NewMsgFilterLoad returns a message with a filter, which it does not copy.
func NewMsgFilterLoad(filter []byte, hashFuncs uint32, tweak uint32, flags BloomUpdateType) *MsgFilterLoad {
	return &MsgFilterLoad{Filter: filter, HashFuncs: hashFuncs, Tweak: tweak, Flags: flags}
}

// BtcDecode implements [Message].
func (m *MsgFilterLoad) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgFilterLoad) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgFilterLoad) Command() string { return CmdFilterLoad }

// MaxPayloadLength implements [Message].
func (m *MsgFilterLoad) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdFilterLoad) }

func (m *MsgFilterLoad) write(e *encoder, _ form) {
	e.data("filter bytes", m.Filter, MaxFilterLoadFilterSize)
	if m.HashFuncs > MaxFilterLoadHashFuncs {
		e.fail(fmt.Errorf("hash functions: %d, limit %d", m.HashFuncs, MaxFilterLoadHashFuncs))
	}
	e.uint32(m.HashFuncs)
	e.uint32(m.Tweak)
	e.byte(byte(m.Flags))
}

func (m *MsgFilterLoad) read(d *decoder, _ form) {
	m.Filter = d.data("filter bytes", MaxFilterLoadFilterSize)
	m.HashFuncs = d.Uint32LE()
	m.Tweak = d.Uint32LE()
	m.Flags = BloomUpdateType(d.Byte())
	if m.HashFuncs > MaxFilterLoadHashFuncs {
		d.failf("hash functions: %d, limit %d", m.HashFuncs, MaxFilterLoadHashFuncs)
	}
}

// MsgFilterAdd adds to a bloom filter, BIP37.
type MsgFilterAdd struct {
	// Data has at most MaxFilterAddDataSize bytes.
	Data []byte
}

// NewMsgFilterAdd returns a message with data, which it does not copy.
func NewMsgFilterAdd(data []byte) *MsgFilterAdd { return &MsgFilterAdd{Data: data} }

// BtcDecode implements [Message].
func (m *MsgFilterAdd) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgFilterAdd) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgFilterAdd) Command() string { return CmdFilterAdd }

// MaxPayloadLength implements [Message].
func (m *MsgFilterAdd) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdFilterAdd) }

func (m *MsgFilterAdd) write(e *encoder, _ form) { e.data("data bytes", m.Data, MaxFilterAddDataSize) }
func (m *MsgFilterAdd) read(d *decoder, _ form)  { m.Data = d.data("data bytes", MaxFilterAddDataSize) }

// MsgMerkleBlock is a block with only what matches a filter, BIP37.
type MsgMerkleBlock struct {
	Header       BlockHeader
	Transactions uint32            // how many the block has
	Hashes       []*chainhash.Hash // none of them nil
	Flags        []byte
}

// NewMsgMerkleBlock returns a message without hashes.
func NewMsgMerkleBlock(bh *BlockHeader) *MsgMerkleBlock { return &MsgMerkleBlock{Header: *bh} }

// AddTxHash adds a hash. It is an error if there are as many as a block can have
// transactions.
func (m *MsgMerkleBlock) AddTxHash(hash *chainhash.Hash) error {
	if len(m.Hashes) >= maxTxPerBlock {
		return badField(CmdMerkleBlock, "hashes", fmt.Sprintf("%d, limit %d", len(m.Hashes)+1, maxTxPerBlock))
	}
	m.Hashes = append(m.Hashes, hash)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgMerkleBlock) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgMerkleBlock) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgMerkleBlock) Command() string { return CmdMerkleBlock }

// MaxPayloadLength implements [Message].
func (m *MsgMerkleBlock) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdMerkleBlock) }

func (m *MsgMerkleBlock) write(e *encoder, _ form) {
	e.header(&m.Header)
	e.uint32(m.Transactions)
	e.hashes("hashes", m.Hashes, maxTxPerBlock)
	e.data("flag bytes", m.Flags, maxFlagsPerMerkleBlock)
}

func (m *MsgMerkleBlock) read(d *decoder, _ form) {
	d.header(&m.Header)
	m.Transactions = d.Uint32LE()
	m.Hashes = d.hashes("hashes", maxTxPerBlock)
	m.Flags = d.data("flag bytes", maxFlagsPerMerkleBlock)
}
