package wire

import (
	"errors"
	"fmt"
	"io"

	"parley/compat/soter/chainhash"
)

const (
	// MaxCFilterDataSize is the bytes of a committed filter at most.
	MaxCFilterDataSize = 256 << 10

	// MaxCFHeadersPerMsg is the hashes of cfheaders at most.
	MaxCFHeadersPerMsg = 2000

	// CFCheckptInterval is how many blocks lie between checkpoints.
	CFCheckptInterval = 1000

	// maxCFHeadersLen is the headers of cfcheckpt at most.
	maxCFHeadersLen = 100_000
)

// ErrInsaneCFHeaderCount means that there are more headers in cfcheckpt than there
// can be.
var ErrInsaneCFHeaderCount = errors.New("filter headers: more than 100000")

// FilterType says which kind of committed filter is meant.
type FilterType uint8

// GCSFilterRegular is the filter of BIP158.
const GCSFilterRegular FilterType = 0

// MsgGetCFilters asks for the committed filters of a range of blocks, BIP157; the
// answers are cfilter.
type MsgGetCFilters struct {
	FilterType  FilterType
	StartHeight uint32
	StopHash    chainhash.Hash // of the last block
}

// NewMsgGetCFilters returns such a message.
func NewMsgGetCFilters(filterType FilterType, startHeight uint32, stopHash *chainhash.Hash) *MsgGetCFilters {
	return &MsgGetCFilters{FilterType: filterType, StartHeight: startHeight, StopHash: *stopHash}
}

// BtcDecode implements [Message].
func (m *MsgGetCFilters) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetCFilters) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetCFilters) Command() string { return CmdGetCFilters }

// MaxPayloadLength implements [Message].
func (m *MsgGetCFilters) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetCFilters) }

func (m *MsgGetCFilters) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.uint32(m.StartHeight)
	e.hash(&m.StopHash)
}

func (m *MsgGetCFilters) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	m.StartHeight = d.Uint32LE()
	d.hash(&m.StopHash)
}

// MsgGetCFHeaders asks for the headers of the committed filters of a range of
// blocks, BIP157; the answer is cfheaders.
type MsgGetCFHeaders struct {
	FilterType  FilterType
	StartHeight uint32
	StopHash    chainhash.Hash // of the last block
}

// NewMsgGetCFHeaders returns such a message.
func NewMsgGetCFHeaders(filterType FilterType, startHeight uint32, stopHash *chainhash.Hash) *MsgGetCFHeaders {
	return &MsgGetCFHeaders{FilterType: filterType, StartHeight: startHeight, StopHash: *stopHash}
}

// BtcDecode implements [Message].
func (m *MsgGetCFHeaders) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetCFHeaders) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetCFHeaders) Command() string { return CmdGetCFHeaders }

// MaxPayloadLength implements [Message].
func (m *MsgGetCFHeaders) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetCFHeaders) }

func (m *MsgGetCFHeaders) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.uint32(m.StartHeight)
	e.hash(&m.StopHash)
}

func (m *MsgGetCFHeaders) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	m.StartHeight = d.Uint32LE()
	d.hash(&m.StopHash)
}

// MsgGetCFCheckpt asks for every thousandth header of committed filters, BIP157;
// the answer is cfcheckpt.
type MsgGetCFCheckpt struct {
	FilterType FilterType
	StopHash   chainhash.Hash // of the last block
}

// NewMsgGetCFCheckpt returns such a message.
func NewMsgGetCFCheckpt(filterType FilterType, stopHash *chainhash.Hash) *MsgGetCFCheckpt {
	return &MsgGetCFCheckpt{FilterType: filterType, StopHash: *stopHash}
}

// BtcDecode implements [Message].
func (m *MsgGetCFCheckpt) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetCFCheckpt) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetCFCheckpt) Command() string { return CmdGetCFCheckpt }

// MaxPayloadLength implements [Message].
func (m *MsgGetCFCheckpt) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetCFCheckpt) }

func (m *MsgGetCFCheckpt) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.hash(&m.StopHash)
}

func (m *MsgGetCFCheckpt) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	d.hash(&m.StopHash)
}

// MsgCFilter is a committed filter of a block, BIP157.
type MsgCFilter struct {
	FilterType FilterType
	BlockHash  chainhash.Hash
	Data       []byte // at most MaxCFilterDataSize bytes
}

// NewMsgCFilter returns a message with a filter, which it does not copy.
func NewMsgCFilter(filterType FilterType, blockHash *chainhash.Hash, data []byte) *MsgCFilter {
	return &MsgCFilter{FilterType: filterType, BlockHash: *blockHash, Data: data}
}

// BtcDecode implements [Message].
func (m *MsgCFilter) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgCFilter) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgCFilter) Command() string { return CmdCFilter }

// MaxPayloadLength implements [Message].
func (m *MsgCFilter) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdCFilter) }

func (m *MsgCFilter) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.hash(&m.BlockHash)
	e.data("filter bytes", m.Data, MaxCFilterDataSize)
}

func (m *MsgCFilter) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	d.hash(&m.BlockHash)
	m.Data = d.data("filter bytes", MaxCFilterDataSize)
}

// MsgCFHeaders has the hashes that headers of committed filters are made of, BIP157.
type MsgCFHeaders struct {
	FilterType       FilterType
	StopHash         chainhash.Hash // of the last block
	PrevFilterHeader chainhash.Hash
	FilterHashes     []*chainhash.Hash // at most MaxCFHeadersPerMsg, none of them nil
}

// NewMsgCFHeaders returns a message without hashes.
func NewMsgCFHeaders() *MsgCFHeaders { return &MsgCFHeaders{} }

// AddCFHash adds a hash. It is an error if there are MaxCFHeadersPerMsg already.
func (m *MsgCFHeaders) AddCFHash(hash *chainhash.Hash) error {
	if len(m.FilterHashes) >= MaxCFHeadersPerMsg {
		return badField(CmdCFHeaders, "filter hashes", fmt.Sprintf("%d, limit %d", len(m.FilterHashes)+1, MaxCFHeadersPerMsg))
	}
	m.FilterHashes = append(m.FilterHashes, hash)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgCFHeaders) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgCFHeaders) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgCFHeaders) Command() string { return CmdCFHeaders }

// MaxPayloadLength implements [Message].
func (m *MsgCFHeaders) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdCFHeaders) }

func (m *MsgCFHeaders) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.hash(&m.StopHash)
	e.hash(&m.PrevFilterHeader)
	e.hashes("filter hashes", m.FilterHashes, MaxCFHeadersPerMsg)
}

func (m *MsgCFHeaders) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	d.hash(&m.StopHash)
	d.hash(&m.PrevFilterHeader)
	m.FilterHashes = d.hashes("filter hashes", MaxCFHeadersPerMsg)
}

// MsgCFCheckpt has every thousandth header of committed filters, BIP157.
type MsgCFCheckpt struct {
	FilterType    FilterType
	StopHash      chainhash.Hash    // of the last block
	FilterHeaders []*chainhash.Hash // at most 100,000, none of them nil
}

// NewMsgCFCheckpt returns a message with room for a number of headers.
func NewMsgCFCheckpt(filterType FilterType, stopHash *chainhash.Hash, headersCount int) *MsgCFCheckpt {
	room := min(max(headersCount, 0), maxCFHeadersLen)
	return &MsgCFCheckpt{FilterType: filterType, StopHash: *stopHash, FilterHeaders: make([]*chainhash.Hash, 0, room)}
}

// AddCFHeader adds a header. It is ErrInsaneCFHeaderCount if there are 100,000
// already.
func (m *MsgCFCheckpt) AddCFHeader(header *chainhash.Hash) error {
	if len(m.FilterHeaders) >= maxCFHeadersLen {
		return ErrInsaneCFHeaderCount
	}
	m.FilterHeaders = append(m.FilterHeaders, header)
	return nil
}

// BtcDecode implements [Message].
func (m *MsgCFCheckpt) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgCFCheckpt) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgCFCheckpt) Command() string { return CmdCFCheckpt }

// MaxPayloadLength implements [Message].
func (m *MsgCFCheckpt) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdCFCheckpt) }

func (m *MsgCFCheckpt) write(e *encoder, _ form) {
	e.byte(byte(m.FilterType))
	e.hash(&m.StopHash)
	if len(m.FilterHeaders) > maxCFHeadersLen {
		e.fail(ErrInsaneCFHeaderCount)
	}
	e.hashes("filter headers", m.FilterHeaders, maxCFHeadersLen)
}

func (m *MsgCFCheckpt) read(d *decoder, _ form) {
	m.FilterType = FilterType(d.Byte())
	d.hash(&m.StopHash)
	at := d.Reader
	if n := at.Compact(); at.Err() == nil && n > maxCFHeadersLen {
		d.Fail(ErrInsaneCFHeaderCount)
	}
	m.FilterHeaders = d.hashes("filter headers", maxCFHeadersLen)
}
