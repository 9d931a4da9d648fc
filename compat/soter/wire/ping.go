package wire

import (
	"crypto/rand"
	"encoding/binary"
	"io"
)

// RandomUint64 returns 64 random bits, which others cannot guess. It never fails;
// the error is there for programs that look at it.
func RandomUint64() (uint64, error) {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]), nil
}

// MsgPing asks for a pong with the same nonce. At protocol version 60000 and below
// it has no nonce and gets no answer.
type MsgPing struct {
	// Nonce tells pings apart.
	Nonce uint64
}

// NewMsgPing returns a ping with the nonce.
func NewMsgPing(nonce uint64) *MsgPing { return &MsgPing{Nonce: nonce} }

// BtcDecode implements [Message].
func (m *MsgPing) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgPing) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgPing) Command() string { return CmdPing }

// MaxPayloadLength implements [Message].
func (m *MsgPing) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdPing) }

func (m *MsgPing) write(e *encoder, f form) {
	if f.pver > BIP0031Version {
		e.uint64(m.Nonce)
	}
}

func (m *MsgPing) read(d *decoder, f form) {
	*m = MsgPing{}
	if f.pver > BIP0031Version {
		m.Nonce = d.Uint64LE()
	}
}

// MsgPong answers a ping. There is none at protocol version 60000 and below.
type MsgPong struct {
	// Nonce is that of the ping.
	Nonce uint64
}

// NewMsgPong returns the answer to a ping with the nonce.
func NewMsgPong(nonce uint64) *MsgPong { return &MsgPong{Nonce: nonce} }

// BtcDecode implements [Message].
func (m *MsgPong) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgPong) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgPong) Command() string { return CmdPong }

// MaxPayloadLength implements [Message].
func (m *MsgPong) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdPong) }

func (m *MsgPong) write(e *encoder, _ form) { e.uint64(m.Nonce) }
func (m *MsgPong) read(d *decoder, _ form)  { m.Nonce = d.Uint64LE() }

// MsgFeeFilter asks that transactions with a lower fee not be announced, BIP133.
// There is none below protocol version 70013.
type MsgFeeFilter struct {
	// MinFee is the least fee of a thousand bytes, in the smallest unit.
	MinFee int64
}

// NewMsgFeeFilter returns a fee filter.
func NewMsgFeeFilter(minfee int64) *MsgFeeFilter { return &MsgFeeFilter{MinFee: minfee} }

// BtcDecode implements [Message].
func (m *MsgFeeFilter) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgFeeFilter) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgFeeFilter) Command() string { return CmdFeeFilter }

// MaxPayloadLength implements [Message].
func (m *MsgFeeFilter) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdFeeFilter) }

func (m *MsgFeeFilter) write(e *encoder, _ form) { e.int64(m.MinFee) }
func (m *MsgFeeFilter) read(d *decoder, _ form)  { m.MinFee = int64(d.Uint64LE()) }

// MsgVerAck accepts the version message of the other side. It has no payload.
type MsgVerAck struct{}

// NewMsgVerAck returns such a message.
func NewMsgVerAck() *MsgVerAck { return &MsgVerAck{} }

// BtcDecode implements [Message].
func (m *MsgVerAck) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgVerAck) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgVerAck) Command() string { return CmdVerAck }

// MaxPayloadLength implements [Message].
func (m *MsgVerAck) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdVerAck) }

func (m *MsgVerAck) write(*encoder, form) {}
func (m *MsgVerAck) read(*decoder, form)  {}

// MsgGetAddr asks for addresses of nodes; the answer is addr. It has no payload.
type MsgGetAddr struct{}

// NewMsgGetAddr returns such a message.
func NewMsgGetAddr() *MsgGetAddr { return &MsgGetAddr{} }

// BtcDecode implements [Message].
func (m *MsgGetAddr) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetAddr) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetAddr) Command() string { return CmdGetAddr }

// MaxPayloadLength implements [Message].
func (m *MsgGetAddr) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetAddr) }

func (m *MsgGetAddr) write(*encoder, form) {}
func (m *MsgGetAddr) read(*decoder, form)  {}

// MsgGetAddrCache asks for all addresses that a node has, its peers' before others;
// the answer is addrcache. It is Soter's only. It has no payload.
type MsgGetAddrCache struct{}

// NewMsgGetAddrCache returns such a message.
func NewMsgGetAddrCache() *MsgGetAddrCache { return &MsgGetAddrCache{} }

// BtcDecode implements [Message].
func (m *MsgGetAddrCache) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgGetAddrCache) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgGetAddrCache) Command() string { return CmdGetAddrCache }

// MaxPayloadLength implements [Message].
func (m *MsgGetAddrCache) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdGetAddrCache) }

func (m *MsgGetAddrCache) write(*encoder, form) {}
func (m *MsgGetAddrCache) read(*decoder, form)  {}

// MsgMemPool asks for the transactions that are in no block, BIP35; the answer is
// inv. It has no payload.
type MsgMemPool struct{}

// NewMsgMemPool returns such a message.
func NewMsgMemPool() *MsgMemPool { return &MsgMemPool{} }

// BtcDecode implements [Message].
func (m *MsgMemPool) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgMemPool) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgMemPool) Command() string { return CmdMemPool }

// MaxPayloadLength implements [Message].
func (m *MsgMemPool) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdMemPool) }

func (m *MsgMemPool) write(*encoder, form) {}
func (m *MsgMemPool) read(*decoder, form)  {}

// MsgSendHeaders asks that blocks be announced by headers instead of inv, BIP130. It has no payload.
type MsgSendHeaders struct{}

// NewMsgSendHeaders returns such a message.
func NewMsgSendHeaders() *MsgSendHeaders { return &MsgSendHeaders{} }

// BtcDecode implements [Message].
func (m *MsgSendHeaders) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgSendHeaders) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgSendHeaders) Command() string { return CmdSendHeaders }

// MaxPayloadLength implements [Message].
func (m *MsgSendHeaders) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdSendHeaders) }

func (m *MsgSendHeaders) write(*encoder, form) {}
func (m *MsgSendHeaders) read(*decoder, form)  {}

// MsgFilterClear takes the bloom filter off, BIP37. It has no payload.
type MsgFilterClear struct{}

// NewMsgFilterClear returns such a message.
func NewMsgFilterClear() *MsgFilterClear { return &MsgFilterClear{} }

// BtcDecode implements [Message].
func (m *MsgFilterClear) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgFilterClear) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgFilterClear) Command() string { return CmdFilterClear }

// MaxPayloadLength implements [Message].
func (m *MsgFilterClear) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdFilterClear) }

func (m *MsgFilterClear) write(*encoder, form) {}
func (m *MsgFilterClear) read(*decoder, form)  {}

// MsgSendAddrV2 asks for addrv2 instead of addr, BIP155. It is Bitcoin's only. It has no payload.
type MsgSendAddrV2 struct{}

// NewMsgSendAddrV2 returns such a message.
func NewMsgSendAddrV2() *MsgSendAddrV2 { return &MsgSendAddrV2{} }

// BtcDecode implements [Message].
func (m *MsgSendAddrV2) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgSendAddrV2) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgSendAddrV2) Command() string { return CmdSendAddrV2 }

// MaxPayloadLength implements [Message].
func (m *MsgSendAddrV2) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdSendAddrV2) }

func (m *MsgSendAddrV2) write(*encoder, form) {}
func (m *MsgSendAddrV2) read(*decoder, form)  {}

// MsgWTxIDRelay asks that transactions be announced by witness hash, BIP339. It is
// Bitcoin's only. It has no payload.
type MsgWTxIDRelay struct{}

// NewMsgWTxIDRelay returns such a message.
func NewMsgWTxIDRelay() *MsgWTxIDRelay { return &MsgWTxIDRelay{} }

// BtcDecode implements [Message].
func (m *MsgWTxIDRelay) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgWTxIDRelay) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgWTxIDRelay) Command() string { return CmdWTxIDRelay }

// MaxPayloadLength implements [Message].
func (m *MsgWTxIDRelay) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdWTxIDRelay) }

func (m *MsgWTxIDRelay) write(*encoder, form) {}
func (m *MsgWTxIDRelay) read(*decoder, form)  {}
