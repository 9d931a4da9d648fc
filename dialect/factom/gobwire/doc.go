// Package gobwire reads and writes the two structs that Factom's protocol versions
// 9 and 10 send as gob values, and nothing else of gob.
//
// A gob stream describes its types before it uses them, with numbers of the
// encoder's choice, and decoders match struct fields by name. So a reader has to
// follow the definitions it is told, whatever their numbers, order and extra
// fields; but a stranger's definitions can also be endless, recursive or
// enormous. The reader here keeps a few bytes per field, refuses what no real
// node sends, and decodes without allocating: byte slices alias the input.
//
// The format is that of the standard library's encoding/gob, which the tests
// compare with in both directions.
package gobwire

import (
	"errors"
	"fmt"

	"parley/wire"
)

// Header is the header of every version 9 parcel and of the first message of
// version 10. Texts are bytes so that reading does not copy them.
type Header struct {
	Network     uint32
	Version     uint16
	Type        uint16
	Length      uint32 // of the payload
	TargetPeer  []byte
	Crc32       uint32 // of the payload
	PartNo      uint16
	PartsTotal  uint16
	NodeID      uint64 // 32 bits since factom-p2p, 63 before
	PeerAddress []byte
	PeerPort    []byte // where the sender listens, in decimal
	AppHash     []byte
	AppType     []byte
}

// Long is a version 9 parcel: the original calls it V9Msg, older nodes Parcel.
type Long struct {
	Header  Header
	Payload []byte
}

// Short is a version 10 parcel, V10Msg in the original.
type Short struct {
	Type    uint16
	Payload []byte
}

// Limits on what a stream may define. Real streams define three types of at most
// 13 fields.
const (
	MaxTypes  = 16      // definitions in a stream
	MaxFields = 64      // fields of a struct
	MaxName   = 128     // bytes of a type's or field's name
	MaxDepth  = 8       // types within types
	MaxDefine = 8 << 10 // bytes of one definition
)

// ErrGob is in the tree of every error about a malformed or hostile stream.
var ErrGob = errors.New("bad gob")

func errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrGob, fmt.Errorf(format, args...))
}

// wrap says where err happened, unless it says so itself.
func wrap(where string, err error) error {
	if errors.Is(err, ErrGob) {
		return err
	}
	return errorf("%s: %w", where, err)
}

// Size reads the length in front of a message. It takes head bytes; if head is
// more than len(buf), that many are needed to tell.
func Size(buf []byte) (head int, size uint64, err error) {
	if len(buf) == 0 {
		return 1, 0, nil
	}
	if n := 0x100 - int(buf[0]); buf[0] >= 0x80 {
		if n > 8 {
			return 0, 0, errorf("length prefix %#x", buf[0])
		}
		head = n
	}
	head++
	if len(buf) < head {
		return head, 0, nil
	}
	r := wire.NewReader(buf[:head])
	return head, readUint(&r), nil
}

// readUint takes an unsigned integer: one byte below 128, otherwise a negated
// count and that many bytes, most significant first.
func readUint(r *wire.Reader) uint64 {
	c := r.Byte()
	if c < 0x80 {
		return uint64(c)
	}
	n := 0x100 - int(c)
	if n > 8 {
		r.Fail(errorf("integer of %d bytes", n))
		return 0
	}
	var v uint64
	for _, b := range r.Take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// readInt takes a signed integer: its sign is the lowest bit.
func readInt(r *wire.Reader) int64 {
	u := readUint(r)
	if u&1 == 1 {
		return ^int64(u >> 1)
	}
	return int64(u >> 1)
}

// readBytes takes a length and as many bytes.
func readBytes(r *wire.Reader) []byte {
	n := readUint(r)
	if n > uint64(r.Len()) {
		r.Fail(wire.ErrShort)
		return nil
	}
	return r.Take(int(n))
}
