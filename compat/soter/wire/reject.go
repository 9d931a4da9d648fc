package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"parley/compat/soter/chainhash"
	"parley/dialect/bitcoin"
	bin "parley/wire"
)

// RejectCode says why something was refused.
type RejectCode uint8

// The codes, BIP61.
const (
	RejectMalformed       = RejectCode(bitcoin.RejectMalformed)
	RejectInvalid         = RejectCode(bitcoin.RejectInvalid)
	RejectObsolete        = RejectCode(bitcoin.RejectObsolete)
	RejectDuplicate       = RejectCode(bitcoin.RejectDuplicate)
	RejectNonstandard     = RejectCode(bitcoin.RejectNonstandard)
	RejectDust            = RejectCode(bitcoin.RejectDust)
	RejectInsufficientFee = RejectCode(bitcoin.RejectFee)
	RejectCheckpoint      = RejectCode(bitcoin.RejectCheckpoint)
)

// String returns what btcd's networks call the code in logs, or its number.
func (code RejectCode) String() string {
	switch code {
	case RejectMalformed:
		return "REJECT_MALFORMED"
	case RejectInvalid:
		return "REJECT_INVALID"
	case RejectObsolete:
		return "REJECT_OBSOLETE"
	case RejectDuplicate:
		return "REJECT_DUPLICATE"
	case RejectNonstandard:
		return "REJECT_NONSTANDARD"
	case RejectDust:
		return "REJECT_DUST"
	case RejectInsufficientFee:
		return "REJECT_INSUFFICIENTFEE"
	case RejectCheckpoint:
		return "REJECT_CHECKPOINT"
	}
	return fmt.Sprintf("Unknown RejectCode (%d)", uint8(code))
}

// MsgReject says that a message was refused. There is none below protocol version
// 70002. The message as a whole has at most 65,536 bytes.
type MsgReject struct {
	Cmd    string // of the refused message
	Code   RejectCode
	Reason string         // for people
	Hash   chainhash.Hash // of the refused block or transaction; not written for other commands
}

// NewMsgReject returns a reject of a command without a hash.
func NewMsgReject(command string, code RejectCode, reason string) *MsgReject {
	return &MsgReject{Cmd: command, Code: code, Reason: reason}
}

// BtcDecode implements [Message].
func (m *MsgReject) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgReject) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgReject) Command() string { return CmdReject }

// MaxPayloadLength implements [Message].
func (m *MsgReject) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdReject) }

func (m *MsgReject) write(e *encoder, _ form) {
	e.text("command bytes", m.Cmd, MaxMessagePayload)
	e.byte(byte(m.Code))
	e.text("reason bytes", m.Reason, MaxMessagePayload)
	if m.hasHash() {
		e.hash(&m.Hash)
	}
}

func (m *MsgReject) read(d *decoder, _ form) {
	*m = MsgReject{}
	m.Cmd = d.text("command bytes", MaxMessagePayload)
	m.Code = RejectCode(d.Byte())
	m.Reason = d.text("reason bytes", MaxMessagePayload)
	if m.hasHash() {
		d.hash(&m.Hash)
	}
}

func (m *MsgReject) hasHash() bool { return m.Cmd == CmdBlock || m.Cmd == CmdTx }

// The entries of lists in an alert at most. The alert as a whole has 65,536 bytes.
const (
	maxAlertCancels = 4096
	maxAlertAgents  = 4096
)

var errEmptyAlert = errors.New("payload: no bytes, want at least 1")

// Alert is what an alert says, if its payload can be read.
type Alert struct {
	Version    int32
	RelayUntil int64 // seconds since 1970 after which it is passed on no more
	Expiration int64 // seconds since 1970 after which it means nothing
	ID         int32
	Cancel     int32    // alerts up to this ID are void
	SetCancel  []int32  // alerts with these IDs are void
	MinVer     int32    // protocol versions it applies to
	MaxVer     int32    // and up to which
	SetSubVer  []string // user agents it applies to; none for all
	Priority   int32
	Comment    string
	StatusBar  string // for the user
	Reserved   string
}

// NewAlert returns an alert without lists.
func NewAlert(version int32, relayUntil, expiration int64, id, cancel, minver, maxver, priority int32, comment, statusBar string) *Alert {
	return &Alert{
		Version: version, RelayUntil: relayUntil, Expiration: expiration, ID: id, Cancel: cancel,
		MinVer: minver, MaxVer: maxver, Priority: priority, Comment: comment, StatusBar: statusBar,
	}
}

// NewAlertFromPayload reads the payload of an alert message.
func NewAlertFromPayload(serializedPayload []byte, pver uint32) (*Alert, error) {
	var a Alert
	if err := a.Deserialize(bytes.NewBuffer(serializedPayload), pver); err != nil {
		return nil, err
	}
	return &a, nil
}

// Serialize writes the alert as the payload of an alert message.
func (a *Alert) Serialize(w io.Writer, _ uint32) error {
	e := newEncoder()
	defer e.free()
	a.write(e)
	if e.err != nil {
		return e.err
	}
	_, err := w.Write(e.b)
	return err
}

// Deserialize reads what Serialize writes.
func (a *Alert) Deserialize(r io.Reader, _ uint32) error {
	return readFrom(r, CmdAlert, MaxMessagePayload, func(d *decoder) { a.read(d) })
}

func (a *Alert) write(e *encoder) {
	e.int32(a.Version)
	e.int64(a.RelayUntil)
	e.int64(a.Expiration)
	e.int32(a.ID)
	e.int32(a.Cancel)
	e.count("cancelled alerts", len(a.SetCancel), maxAlertCancels)
	for _, id := range a.SetCancel {
		e.int32(id)
	}
	e.int32(a.MinVer)
	e.int32(a.MaxVer)
	e.count("user agents", len(a.SetSubVer), maxAlertAgents)
	for _, s := range a.SetSubVer {
		e.text("user agent bytes", s, MaxMessagePayload)
	}
	e.int32(a.Priority)
	for _, s := range [...]string{a.Comment, a.StatusBar, a.Reserved} {
		e.text("text bytes", s, MaxMessagePayload)
	}
}

func (a *Alert) read(d *decoder) {
	*a = Alert{}
	a.Version = d.int32()
	a.RelayUntil = int64(d.Uint64LE())
	a.Expiration = int64(d.Uint64LE())
	a.ID = d.int32()
	a.Cancel = d.int32()
	a.SetCancel = make([]int32, d.CompactCount("cancelled alerts", 4, maxAlertCancels))
	for i := range a.SetCancel {
		a.SetCancel[i] = d.int32()
	}
	a.MinVer = d.int32()
	a.MaxVer = d.int32()
	a.SetSubVer = make([]string, d.CompactCount("user agents", 1, maxAlertAgents))
	for i := range a.SetSubVer {
		a.SetSubVer[i] = d.text("user agent bytes", MaxMessagePayload)
	}
	a.Priority = d.int32()
	a.Comment = d.text("text bytes", MaxMessagePayload)
	a.StatusBar = d.text("text bytes", MaxMessagePayload)
	a.Reserved = d.text("text bytes", MaxMessagePayload)
}

// MsgAlert is a signed note to all users. The networks have given it up. The
// message as a whole has at most 65,536 bytes.
type MsgAlert struct {
	// SerializedPayload is what is signed. If there is none, Payload is
	// written.
	SerializedPayload []byte

	// Signature is of SerializedPayload.
	Signature []byte

	// Payload is what SerializedPayload says, or nil if it cannot be read.
	Payload *Alert
}

// NewMsgAlert returns an alert with a signed payload, neither of which it copies.
func NewMsgAlert(serializedPayload []byte, signature []byte) *MsgAlert {
	return &MsgAlert{SerializedPayload: serializedPayload, Signature: signature}
}

// BtcDecode implements [Message].
func (m *MsgAlert) BtcDecode(r io.Reader, pver uint32, enc MessageEncoding) error {
	return decodeFrom(r, m, pver, enc)
}

// BtcEncode implements [Message].
func (m *MsgAlert) BtcEncode(w io.Writer, pver uint32, enc MessageEncoding) error {
	return encodeTo(w, m, pver, enc)
}

// Command implements [Message].
func (m *MsgAlert) Command() string { return CmdAlert }

// MaxPayloadLength implements [Message].
func (m *MsgAlert) MaxPayloadLength(uint32) uint32 { return maxPayload(CmdAlert) }

func (m *MsgAlert) write(e *encoder, _ form) {
	signed := m.SerializedPayload
	if m.Payload != nil && len(signed) == 0 {
		inner := newEncoder()
		m.Payload.write(inner)
		if inner.err != nil {
			e.fail(inner.err)
		}
		signed = slices.Clone(inner.b)
		inner.free()
	}
	if len(signed) == 0 {
		e.fail(errEmptyAlert)
	}
	e.data("payload bytes", signed, MaxMessagePayload)
	e.data("signature bytes", m.Signature, MaxMessagePayload)
}

func (m *MsgAlert) read(d *decoder, _ form) {
	*m = MsgAlert{}
	m.SerializedPayload = d.data("payload bytes", MaxMessagePayload)
	m.Signature = d.data("signature bytes", MaxMessagePayload)
	inner := decoder{Reader: bin.NewReader(m.SerializedPayload)}
	var a Alert
	if a.read(&inner); inner.Err() == nil && d.Err() == nil {
		m.Payload = &a
	}
}
