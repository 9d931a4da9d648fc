package wire

import (
	"fmt"
	"io"

	"parley/compat/soter/chainhash"
)

const (
	// MaxBlockLocatorHeightsPerMsg is the most heights a locator of Soter
	// has.
	MaxBlockLocatorHeightsPerMsg = 1

	// MaxBlockLocatorsPerMsg is the most hashes a locator of Bitcoin has.
	MaxBlockLocatorsPerMsg = 500
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
