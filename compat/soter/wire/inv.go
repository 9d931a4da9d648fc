package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"parley/compat/soter/chainhash"
	"parley/dialect/bitcoin"
)

const (
	// MaxInvPerMsg is the most entries of inv, getdata and notfound.
	MaxInvPerMsg = bitcoin.MaxInv

	// InvWitnessFlag is added to the type of inventory whose witness data is
	// wanted too, BIP144.
	InvWitnessFlag = 1 << 30

	// defaultInvAlloc is the room that a new list has.
	defaultInvAlloc = 1000
)

// InvType says what inventory is.
type InvType uint32

// The types of inventory.
const (
	InvTypeError                InvType = 0
	InvTypeTx                   InvType = 1
	InvTypeBlock                InvType = 2
	InvTypeFilteredBlock        InvType = 3
	InvTypeWitnessTx            InvType = InvTypeTx | InvWitnessFlag
	InvTypeWitnessBlock         InvType = InvTypeBlock | InvWitnessFlag
	InvTypeFilteredWitnessBlock InvType = InvTypeFilteredBlock | InvWitnessFlag
)

// String returns what btcd's networks call the type in logs, or its number.
func (t InvType) String() string {
	switch t {
	case InvTypeError:
		return "ERROR"
	case InvTypeTx:
		return "MSG_TX"
	case InvTypeBlock:
		return "MSG_BLOCK"
	case InvTypeFilteredBlock:
		return "MSG_FILTERED_BLOCK"
	case InvTypeWitnessTx:
		return "MSG_WITNESS_TX"
	case InvTypeWitnessBlock:
		return "MSG_WITNESS_BLOCK"
	case InvTypeFilteredWitnessBlock:
		return "MSG_FILTERED_WITNESS_BLOCK"
	}
	return fmt.Sprintf("Unknown InvType (%d)", uint32(t))
}

// InvVect names a block or a transaction.
type InvVect struct {
	Type   InvType
	Hash   chainhash.Hash
	Height int32 // of a block in Soter's graph of blocks; not written in Bitcoin's form
}

// NewInvVect returns inventory. The height is 0 for transactions.
func NewInvVect(typ InvType, hash *chainhash.Hash, height int32) *InvVect {
	return &InvVect{Type: typ, Hash: *hash, Height: height}
}

// invSize returns the bytes of one entry.
func (f form) invSize() int {
	if f.soter() {
		return 4 + chainhash.HashSize + 4
	}
	return 4 + chainhash.HashSize
}

// invs appends a list. One buffer is made for all of it.
func (e *encoder) invs(list []*InvVect, f form) {
	size := f.invSize()
	e.b = slices.Grow(e.b, 9+min(len(list), MaxInvPerMsg)*size)
	e.count("inventory entries", len(list), MaxInvPerMsg)
	if e.err != nil {
		return
	}
	n := len(e.b)
	b := e.b[n : n+len(list)*size]
	e.b = e.b[:n+len(list)*size]
	for _, v := range list {
		if v == nil {
			e.fail(fmt.Errorf("inventory: an entry is nil"))
			return
		}
		p := (*[4 + chainhash.HashSize]byte)(b)
		binary.LittleEndian.PutUint32(p[:4], uint32(v.Type))
		*(*chainhash.Hash)(p[4:]) = v.Hash
		if size > len(p) {
			binary.LittleEndian.PutUint32(b[len(p):], uint32(v.Height))
		}
		b = b[size:]
	}
}

// invs reads a list into one array.
func (d *decoder) invs(f form) []*InvVect {
	size := f.invSize()
	n := d.CompactCount("inventory entries", size, MaxInvPerMsg)
	if n == 0 {
		return nil
	}
	b := d.Take(n * size)
	all := make([]InvVect, n)
	list := make([]*InvVect, n)
	for i := range all {
		v, p := &all[i], (*[4 + chainhash.HashSize]byte)(b)
		v.Type = InvType(binary.LittleEndian.Uint32(p[:4]))
		v.Hash = chainhash.Hash(p[4:])
		if size > len(p) {
			v.Height = int32(binary.LittleEndian.Uint32(b[len(p):]))
		}
		b = b[size:]
		list[i] = v
	}
	return list
}

func addInv(command string, list *[]*InvVect, iv *InvVect) error {
	if len(*list) >= MaxInvPerMsg {
		return badField(command, "inventory entries", fmt.Sprintf("%d, limit %d", len(*list)+1, MaxInvPerMsg))
	}
	*list = append(*list, iv)
	return nil
}

// MsgInv announces blocks and transactions.
type MsgInv struct {
	// InvList has at most MaxInvPerMsg entries, none of them nil.
	InvList []*InvVect
}

// NewMsgInv returns a message without entries.
func NewMsgInv() *MsgInv {
	return NewMsgInvSizeHint(defaultInvAlloc)
}

// NewMsgInvSizeHint is NewMsgInv with room for a number of entries.
func NewMsgInvSizeHint(sizeHint uint) *MsgInv {
	return &MsgInv{InvList: make([]*InvVect, 0, min(sizeHint, MaxInvPerMsg))}
}

// AddInvVect adds an entry. It is an error if there are MaxInvPerMsg already.
func (m *MsgInv) AddInvVect(iv *InvVect) error { return addInv(CmdInv, &m.InvList, iv) }

// BtcDecode implements [Message].
func (m *MsgInv) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgInv) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgInv) Command() string { return CmdInv }

// MaxPayloadLength implements [Message].
func (m *MsgInv) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdInv) }

func (m *MsgInv) write(e *encoder, f form) { e.invs(m.InvList, f) }
func (m *MsgInv) read(d *decoder, f form)  { m.InvList = d.invs(f) }

// MsgGetData asks for blocks and transactions; the answers are block, merkleblock,
// tx and notfound.
type MsgGetData struct {
	// InvList has at most MaxInvPerMsg entries, none of them nil.
	InvList []*InvVect
}

// NewMsgGetData returns a message without entries.
func NewMsgGetData() *MsgGetData {
	return NewMsgGetDataSizeHint(defaultInvAlloc)
}

// NewMsgGetDataSizeHint is NewMsgGetData with room for a number of entries.
func NewMsgGetDataSizeHint(sizeHint uint) *MsgGetData {
	return &MsgGetData{InvList: make([]*InvVect, 0, min(sizeHint, MaxInvPerMsg))}
}

// AddInvVect adds an entry. It is an error if there are MaxInvPerMsg already.
func (m *MsgGetData) AddInvVect(iv *InvVect) error { return addInv(CmdGetData, &m.InvList, iv) }

// BtcDecode implements [Message].
func (m *MsgGetData) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetData) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetData) Command() string { return CmdGetData }

// MaxPayloadLength implements [Message].
func (m *MsgGetData) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetData) }

func (m *MsgGetData) write(e *encoder, f form) { e.invs(m.InvList, f) }
func (m *MsgGetData) read(d *decoder, f form)  { m.InvList = d.invs(f) }

// MsgNotFound says which of what getdata asked for the node does not have.
type MsgNotFound struct {
	// InvList has at most MaxInvPerMsg entries, none of them nil.
	InvList []*InvVect
}

// NewMsgNotFound returns a message without entries.
func NewMsgNotFound() *MsgNotFound {
	return NewMsgNotFoundSizeHint(defaultInvAlloc)
}

// NewMsgNotFoundSizeHint is NewMsgNotFound with room for a number of entries.
func NewMsgNotFoundSizeHint(sizeHint uint) *MsgNotFound {
	return &MsgNotFound{InvList: make([]*InvVect, 0, min(sizeHint, MaxInvPerMsg))}
}

// AddInvVect adds an entry. It is an error if there are MaxInvPerMsg already.
func (m *MsgNotFound) AddInvVect(iv *InvVect) error { return addInv(CmdNotFound, &m.InvList, iv) }

// BtcDecode implements [Message].
func (m *MsgNotFound) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgNotFound) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgNotFound) Command() string { return CmdNotFound }

// MaxPayloadLength implements [Message].
func (m *MsgNotFound) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdNotFound) }

func (m *MsgNotFound) write(e *encoder, f form) { e.invs(m.InvList, f) }
func (m *MsgNotFound) read(d *decoder, f form)  { m.InvList = d.invs(f) }
