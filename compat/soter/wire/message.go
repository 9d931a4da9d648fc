package wire

import (
	"io"

	"parley/dialect/bitcoin"
)

// MessageEncoding says how a payload is written: with or without witness data,
// and in the form of Soter or of Bitcoin. The zero value is the base encoding of
// Soter.
type MessageEncoding uint32

const (
	// BaseEncoding leaves witness data out.
	BaseEncoding MessageEncoding = 1 << 0

	// WitnessEncoding has transactions with their witness data, BIP144.
	WitnessEncoding MessageEncoding = 1 << 1

	// BitcoinForm is added to one of the others to speak with Bitcoin's
	// networks: version has no genesis hash, inventory no height, locators are
	// hashes, and blocks have no sub-headers. Soter's form is the default.
	BitcoinForm MessageEncoding = 1 << 8
)

// LatestEncoding is the newest encoding.
const LatestEncoding = WitnessEncoding

// CommandSize is the bytes of a command in a message header, filled up with zeros.
const CommandSize = 12

// MaxMessagePayload is the most bytes a payload of any command may have. Commands
// have limits of their own below it.
const MaxMessagePayload = 32 << 20

// The commands. getaddrcache and addrcache are Soter's only; sendaddrv2, addrv2
// and wtxidrelay are Bitcoin's only.
const (
	CmdVersion      = "version"
	CmdVerAck       = "verack"
	CmdGetAddr      = "getaddr"
	CmdGetAddrCache = "getaddrcache"
	CmdAddr         = "addr"
	CmdAddrCache    = "addrcache"
	CmdGetBlocks    = "getblocks"
	CmdInv          = "inv"
	CmdGetData      = "getdata"
	CmdNotFound     = "notfound"
	CmdBlock        = "block"
	CmdTx           = "tx"
	CmdGetHeaders   = "getheaders"
	CmdHeaders      = "headers"
	CmdPing         = "ping"
	CmdPong         = "pong"
	CmdAlert        = "alert"
	CmdMemPool      = "mempool"
	CmdFilterAdd    = "filteradd"
	CmdFilterClear  = "filterclear"
	CmdFilterLoad   = "filterload"
	CmdMerkleBlock  = "merkleblock"
	CmdReject       = "reject"
	CmdSendHeaders  = "sendheaders"
	CmdFeeFilter    = "feefilter"
	CmdGetCFilters  = "getcfilters"
	CmdGetCFHeaders = "getcfheaders"
	CmdGetCFCheckpt = "getcfcheckpt"
	CmdCFilter      = "cfilter"
	CmdCFHeaders    = "cfheaders"
	CmdCFCheckpt    = "cfcheckpt"
	CmdSendAddrV2   = "sendaddrv2"
	CmdAddrV2       = "addrv2"
	CmdWTxIDRelay   = "wtxidrelay"
)

// Message is one message of the protocol. Those of this package are read and
// written without going through an [io.Reader] or [io.Writer] by [ReadMessage],
// [DecodePayload], [WriteMessage] and [AppendMessage]; messages of other packages
// work too, if they have these methods.
type Message interface {
	// BtcDecode reads a payload. See the package comment on how far it reads.
	BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error

	// BtcEncode writes a payload. It is an error if the protocol version has
	// no such message, or if a limit is exceeded; nothing is written then.
	BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error

	// Command returns the name that headers have.
	Command() string

	// MaxPayloadLength returns the most bytes the payload may have in
	// Soter's form.
	MaxPayloadLength(pver uint32) uint32
}

// body is a message of this package.
type body interface {
	Message
	write(e *encoder, f form)
	read(d *decoder, f form)
}

// form is everything that the layout of a payload depends on.
type form struct {
	pver uint32
	enc  MessageEncoding
}

func (f form) soter() bool   { return f.enc&BitcoinForm == 0 }
func (f form) witness() bool { return f.enc&WitnessEncoding != 0 }

// The two kinds of networks, whose limits the dialect knows.
var (
	soterNet   = bitcoin.Params{Soter: true}
	bitcoinNet = bitcoin.Params{}
)

// limit returns the most bytes a payload may have, and false if networks of the
// form have no such command.
func (f form) limit(command string) (bytes int, ok bool) {
	p := &bitcoinNet
	if f.soter() {
		p = &soterNet
	}
	return p.Limit(bitcoin.TypeOf(command))
}

// maxPayload is MaxPayloadLength of every message.
func maxPayload(command string) uint32 {
	f := form{enc: BaseEncoding}
	n, ok := f.limit(command)
	if !ok {
		f.enc |= BitcoinForm
		n, _ = f.limit(command)
	}
	return uint32(n)
}

// since returns the first protocol version that has a command.
func since(command string) uint32 {
	switch command {
	case CmdPong:
		return BIP0031Version + 1
	case CmdMemPool:
		return BIP0035Version
	case CmdFilterLoad, CmdFilterAdd, CmdFilterClear, CmdMerkleBlock:
		return BIP0037Version
	case CmdReject:
		return RejectVersion
	case CmdSendHeaders:
		return SendHeadersVersion
	case CmdFeeFilter:
		return FeeFilterVersion
	}
	return 0
}

// empty returns a message to read into, or nil if there is no such command.
func empty(command string) body {
	switch command {
	case CmdVersion:
		return &MsgVersion{}
	case CmdVerAck:
		return &MsgVerAck{}
	case CmdGetAddr:
		return &MsgGetAddr{}
	case CmdGetAddrCache:
		return &MsgGetAddrCache{}
	case CmdAddr:
		return &MsgAddr{}
	case CmdAddrCache:
		return &MsgAddrCache{}
	case CmdGetBlocks:
		return &MsgGetBlocks{}
	case CmdInv:
		return &MsgInv{}
	case CmdGetData:
		return &MsgGetData{}
	case CmdNotFound:
		return &MsgNotFound{}
	case CmdBlock:
		return &MsgBlock{}
	case CmdTx:
		return &MsgTx{}
	case CmdGetHeaders:
		return &MsgGetHeaders{}
	case CmdHeaders:
		return &MsgHeaders{}
	case CmdPing:
		return &MsgPing{}
	case CmdPong:
		return &MsgPong{}
	}
	return emptyRare(command)
}

// emptyRare is the second half of empty.
func emptyRare(command string) body {
	switch command {
	case CmdAlert:
		return &MsgAlert{}
	case CmdMemPool:
		return &MsgMemPool{}
	case CmdFilterAdd:
		return &MsgFilterAdd{}
	case CmdFilterClear:
		return &MsgFilterClear{}
	case CmdFilterLoad:
		return &MsgFilterLoad{}
	case CmdMerkleBlock:
		return &MsgMerkleBlock{}
	case CmdReject:
		return &MsgReject{}
	case CmdSendHeaders:
		return &MsgSendHeaders{}
	case CmdFeeFilter:
		return &MsgFeeFilter{}
	case CmdGetCFilters:
		return &MsgGetCFilters{}
	case CmdGetCFHeaders:
		return &MsgGetCFHeaders{}
	case CmdGetCFCheckpt:
		return &MsgGetCFCheckpt{}
	case CmdCFilter:
		return &MsgCFilter{}
	case CmdCFHeaders:
		return &MsgCFHeaders{}
	case CmdCFCheckpt:
		return &MsgCFCheckpt{}
	case CmdSendAddrV2:
		return &MsgSendAddrV2{}
	case CmdAddrV2:
		return &MsgAddrV2{}
	case CmdWTxIDRelay:
		return &MsgWTxIDRelay{}
	}
	return nil
}
