package bitcoin

import (
	"fmt"

	"parley/wire"
)

// RejectCode says why something was refused.
type RejectCode uint8

// The codes, BIP61.
const (
	RejectMalformed   RejectCode = 0x01
	RejectInvalid     RejectCode = 0x10
	RejectObsolete    RejectCode = 0x11
	RejectDuplicate   RejectCode = 0x12
	RejectNonstandard RejectCode = 0x40
	RejectDust        RejectCode = 0x41
	RejectFee         RejectCode = 0x42
	RejectCheckpoint  RejectCode = 0x43
)

// Reject says that a message was refused. What comes of a refused block or
// transaction is the application's business, so the dialect passes it on; it reads
// only those of the opening exchange.
type Reject struct {
	Command string // of the refused message
	Code    RejectCode
	Reason  string // for people
	Hash    Hash   // of the refused block or transaction; not written for other commands
}

// Append appends the payload.
func (j *Reject) Append(dst []byte) []byte {
	dst = wire.AppendCompact(dst, uint64(len(j.Command)))
	dst = append(dst, j.Command...)
	dst = append(dst, byte(j.Code))
	dst = wire.AppendCompact(dst, uint64(len(j.Reason)))
	dst = append(dst, j.Reason...)
	if j.hasHash() {
		dst = append(dst, j.Hash[:]...)
	}
	return dst
}

// Parse reads what Append writes. Bytes after it are not looked at.
func (j *Reject) Parse(b []byte) error {
	*j = Reject{}
	r := wire.NewReader(b)
	j.Command = string(r.CompactBytes("command", commandSize))
	j.Code = RejectCode(r.Byte())
	j.Reason = string(r.CompactBytes("reason", maxText))
	if j.hasHash() {
		copy(j.Hash[:], r.Take(len(j.Hash)))
	}
	if err := r.Err(); err != nil {
		return protocol("decode", "reject: %w", err)
	}
	return nil
}

func (j *Reject) hasHash() bool {
	return j.Command == commands[TypeBlock].name || j.Command == commands[TypeTx].name
}

// Error returns what was refused and why.
func (j *Reject) Error() string {
	return fmt.Sprintf("%s rejected (code %#02x): %s", j.Command, byte(j.Code), j.Reason)
}
