package wire

import (
	"fmt"
	"io"
	"strings"
	"time"

	"parley/compat/soter/chainhash"
	"parley/dialect/bitcoin"
)

const (
	// MaxUserAgentLen is the bytes of a user agent at most.
	MaxUserAgentLen = bitcoin.MaxAgent

	// DefaultUserAgent is what user agents begin with.
	DefaultUserAgent = "/soterwire:0.6.0/"
)

// MsgVersion is the first message of either side.
type MsgVersion struct {
	// ProtocolVersion is the newest version the sender speaks. It has a sign
	// on the wire.
	ProtocolVersion int32

	// Services is what the sender offers.
	Services ServiceFlag

	// Timestamp is when the message was made, in whole seconds.
	Timestamp time.Time

	// AddrYou is the receiver as the sender sees it.
	AddrYou NetAddress

	// AddrMe is the sender.
	AddrMe NetAddress

	// Nonce tells a node that it has dialed itself.
	Nonce uint64

	// UserAgent names the program, BIP14: at most MaxUserAgentLen bytes.
	UserAgent string

	// GenesisHash is the first block of the sender's network. It is not
	// written in Bitcoin's form.
	GenesisHash chainhash.Hash

	// LastBlock is the height of the sender's newest block.
	LastBlock int32

	// DisableRelayTx asks that no transactions be announced, BIP37. It is
	// written from protocol version 70001 on.
	DisableRelayTx bool
}

// NewMsgVersion returns a version message of now, with ProtocolVersion and
// DefaultUserAgent and without services. The genesis hash is for the caller to set.
func NewMsgVersion(me, you *NetAddress, nonce uint64, lastBlock int32) *MsgVersion {
	return &MsgVersion{
		ProtocolVersion: int32(ProtocolVersion),
		Timestamp:       time.Unix(time.Now().Unix(), 0),
		AddrYou:         *you,
		AddrMe:          *me,
		Nonce:           nonce,
		UserAgent:       DefaultUserAgent,
		LastBlock:       lastBlock,
	}
}

// HasService reports whether the sender offers all of a set of services.
func (m *MsgVersion) HasService(service ServiceFlag) bool { return m.Services&service == service }

// AddService adds services.
func (m *MsgVersion) AddService(service ServiceFlag) { m.Services |= service }

// AddUserAgent adds an entry to the user agent, BIP14. It is an error if the user
// agent gets longer than MaxUserAgentLen; it stays as it was then.
func (m *MsgVersion) AddUserAgent(name, version string, comments ...string) error {
	entry := name + ":" + version
	if len(comments) > 0 {
		entry += "(" + strings.Join(comments, "; ") + ")"
	}
	agent := m.UserAgent
	if !strings.HasSuffix(agent, "/") {
		agent += "/"
	}
	agent += entry + "/"
	if len(agent) > MaxUserAgentLen {
		return badField(CmdVersion, "user agent", fmt.Sprintf("%d bytes, limit %d", len(agent), MaxUserAgentLen))
	}
	m.UserAgent = agent
	return nil
}

// BtcDecode implements [Message].
func (m *MsgVersion) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgVersion) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgVersion) Command() string { return CmdVersion }

// MaxPayloadLength implements [Message].
func (m *MsgVersion) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdVersion) }

func (m *MsgVersion) write(e *encoder, f form) {
	e.int32(m.ProtocolVersion)
	e.uint64(uint64(m.Services))
	e.int64(m.Timestamp.Unix())
	e.addr(&m.AddrYou)
	e.addr(&m.AddrMe)
	e.uint64(m.Nonce)
	e.text("user agent bytes", m.UserAgent, MaxUserAgentLen)
	if f.soter() {
		e.hash(&m.GenesisHash)
	}
	e.int32(m.LastBlock)
	if f.pver >= BIP0037Version {
		e.bool(!m.DisableRelayTx)
	}
}

// read takes the receiver's address for the last field that must be there. Each
// field after it may be absent with all that follow, but one that has begun must be
// whole.
func (m *MsgVersion) read(d *decoder, f form) {
	*m = MsgVersion{}
	m.ProtocolVersion = d.int32()
	m.Services = ServiceFlag(d.Uint64LE())
	m.Timestamp = time.Unix(int64(d.Uint64LE()), 0)
	d.addr(&m.AddrYou)
	if d.Len() > 0 {
		d.addr(&m.AddrMe)
	}
	if d.Len() > 0 {
		m.Nonce = d.Uint64LE()
	}
	if d.Len() > 0 {
		m.UserAgent = d.text("user agent bytes", MaxUserAgentLen)
	}
	if d.Len() > 0 && f.soter() {
		d.hash(&m.GenesisHash)
	}
	if d.Len() > 0 {
		m.LastBlock = d.int32()
	}
	if d.Len() > 0 {
		m.DisableRelayTx = d.Byte() == 0
	}
}
