package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"parley/compat/soter/chainhash"
	"parley/fault"
	bin "parley/wire"
)

// MessageError is an error about a message, as opposed to one of the connection
// that it came from. It is of kind [fault.Protocol] if the message was read, and
// [fault.Local] if it was to be written.
type MessageError struct {
	// Func is the command concerned, or "header".
	Func string

	// Description says what is wrong with which field and what the limit is.
	Description string

	// Rest is how many bytes of the payload were not taken off the
	// connection, because the header alone decided. Whoever wants to read
	// on must discard them first.
	Rest int64

	cause error
	kind  fault.Kind
}

// Error returns what is wrong, with the command before it.
func (e *MessageError) Error() string { return e.Func + ": " + e.Description }

// Unwrap returns the cause and the kind of fault.
func (e *MessageError) Unwrap() []error { return []error{e.cause, e.kind} }

func badMessage(command string, k fault.Kind, cause error) *MessageError {
	return &MessageError{Func: command, Description: cause.Error(), cause: cause, kind: k}
}

func badField(command, field string, reason string) error {
	return badMessage(command, fault.Local, errors.New(field+": "+reason))
}

// encoder appends payloads. Its first failure sticks.
type encoder struct {
	b   []byte
	err error

	// What was looked up last, because most messages are like the one before.
	command string
	f       form
	limit   int
	name    [headerSize - 4]byte // the command in a header, and room for what follows
}

// maxKept is the most bytes of a buffer that is kept for later messages.
const maxKept = 2 << 20

// firstTry is how much is read of what can be sought in before it is known how much
// a message takes.
const firstTry = 4 << 10

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder() *encoder {
	e := encoders.Get().(*encoder)
	e.b, e.err = e.b[:0], nil
	return e
}

func (e *encoder) free() {
	if cap(e.b) <= maxKept {
		encoders.Put(e)
	}
}

// Write makes an encoder what messages of other packages are written to.
func (e *encoder) Write(p []byte) (int, error) {
	e.b = append(e.b, p...)
	return len(p), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) byte(c byte)     { e.b = append(e.b, c) }
func (e *encoder) raw(p []byte)    { e.b = append(e.b, p...) }
func (e *encoder) uint16be(v int)  { e.b = binary.BigEndian.AppendUint16(e.b, uint16(v)) }
func (e *encoder) uint32(v uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *encoder) uint64(v uint64) { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *encoder) int32(v int32)   { e.uint32(uint32(v)) }
func (e *encoder) int64(v int64)   { e.uint64(uint64(v)) }

func (e *encoder) hash(h *chainhash.Hash) { e.b = append(e.b, h[:]...) }

func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
		return
	}
	e.byte(0)
}

// count appends the number of entries that follow, of which there may be max.
func (e *encoder) count(what string, n, max int) {
	if err := bin.CheckLen(what, uint64(n), max); err != nil {
		e.fail(err)
		return
	}
	e.b = bin.AppendCompact(e.b, uint64(n))
}

// data appends bytes with their number before them.
func (e *encoder) data(what string, p []byte, max int) {
	e.count(what, len(p), max)
	e.raw(p)
}

func (e *encoder) text(what, s string, max int) {
	e.count(what, len(s), max)
	e.b = append(e.b, s...)
}

// hashes appends a list of hashes. Missing ones are an error.
func (e *encoder) hashes(what string, hs []*chainhash.Hash, max int) {
	e.count(what, len(hs), max)
	for _, h := range hs {
		if h == nil {
			e.fail(fmt.Errorf("%s: an entry is nil", what))
			return
		}
		e.hash(h)
	}
}

// decoder reads payloads. Its first failure sticks.
type decoder struct {
	bin.Reader
	shared bool // the input belongs to somebody else: what is kept is copied
	head   [headerSize]byte
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func newDecoder(b []byte, shared bool) *decoder {
	d := decoders.Get().(*decoder)
	d.Reader, d.shared = bin.NewReader(b), shared
	return d
}

func (d *decoder) free() {
	d.Reader = bin.Reader{}
	decoders.Put(d)
}

func (d *decoder) failf(format string, args ...any) { d.Fail(fmt.Errorf(format, args...)) }

// keep returns bytes that the message may keep.
func (d *decoder) keep(b []byte) []byte {
	if d.shared {
		return slices.Clone(b)
	}
	return b
}

func (d *decoder) data(what string, max int) []byte { return d.keep(d.CompactBytes(what, max)) }

func (d *decoder) text(what string, max int) string { return string(d.CompactBytes(what, max)) }

func (d *decoder) int32() int32 { return int32(d.Uint32LE()) }

func (d *decoder) hash(h *chainhash.Hash) { copy(h[:], d.Take(len(h))) }

// hashes reads a list of hashes into one array.
func (d *decoder) hashes(what string, max int) []*chainhash.Hash {
	n := d.CompactCount(what, chainhash.HashSize, max)
	if n == 0 {
		return nil
	}
	all := make([]chainhash.Hash, n)
	list := make([]*chainhash.Hash, n)
	for i := range all {
		d.hash(&all[i])
		list[i] = &all[i]
	}
	return list
}

// encodeTo is BtcEncode of every message.
func encodeTo(w io.Writer, m body, pver uint32, enc MessageEncoding) error {
	e := newEncoder()
	defer e.free()
	if err := e.payload(m, form{pver, enc}); err != nil {
		return err
	}
	_, err := w.Write(e.b)
	return err
}

// check returns the limit of a command's payload, or why there is no such command.
func (f form) check(command string) (limit int, err error) {
	limit, ok := f.limit(command)
	if !ok {
		return 0, errors.New("networks of this kind have no such command")
	}
	if first := since(command); f.pver < first {
		return 0, fmt.Errorf("protocol version %d, the command needs %d", f.pver, first)
	}
	return limit, nil
}

// decodeFrom is BtcDecode of every message.
func decodeFrom(r io.Reader, m body, pver uint32, enc MessageEncoding) error {
	f := form{pver, enc}
	command := m.Command()
	limit, err := f.check(command)
	if err != nil {
		return badMessage(command, fault.Protocol, err)
	}
	return readFrom(r, command, limit, func(d *decoder) { m.read(d, f) })
}

// readFrom lets read take what it needs off r. Buffers and what can be sought in
// keep what is over; others are read to their end, up to the limit.
func readFrom(r io.Reader, command string, limit int, read func(*decoder)) error {
	d, err := decoderOf(r, limit, read)
	if err != nil {
		return err
	}
	defer d.free()
	if err := d.Err(); err != nil {
		return badMessage(command, fault.Protocol, err)
	}
	return nil
}

// decoderOf returns a decoder of r after read. Its error is one of r.
func decoderOf(r io.Reader, limit int, read func(*decoder)) (*decoder, error) {
	switch r := r.(type) {
	case *bytes.Buffer:
		d := newDecoder(r.Bytes(), true)
		read(d)
		r.Next(r.Len() - d.Len())
		return d, nil
	case io.ReadSeeker:
		if at, err := r.Seek(0, io.SeekCurrent); err == nil {
			return readSeeker(r, at, limit, read)
		}
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	d := newDecoder(b, false)
	read(d)
	return d, nil
}

// readSeeker tries a few bytes from at on, then more as long as they are too few, and
// goes back to the end of what was taken.
func readSeeker(r io.ReadSeeker, at int64, limit int, read func(*decoder)) (*decoder, error) {
	var b []byte
	for size := firstTry; ; size *= growth {
		had := len(b)
		b = slices.Grow(b, size-had)[:size]
		n, err := io.ReadFull(r, b[had:])
		b = b[:had+n]
		if err != nil && cutShort(err) != io.ErrUnexpectedEOF {
			return nil, err
		}
		d := newDecoder(b, true)
		read(d)
		if err == nil && size <= limit && errors.Is(d.Err(), bin.ErrShort) {
			d.free()
			continue
		}
		_, err = r.Seek(at+int64(len(b)-d.Len()), io.SeekStart)
		return d, err
	}
}

// ReadVarInt reads a compact integer, which must be in its shortest form, and no
// more. Errors of r are passed on; others are a [*MessageError].
func ReadVarInt(r io.Reader, _ uint32) (uint64, error) {
	var b [9]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return 0, err
	}
	size := 1
	if b[0] >= 0xfd {
		size += 2 << (b[0] - 0xfd)
	}
	if _, err := io.ReadFull(r, b[1:size]); err != nil {
		return 0, cutShort(err)
	}
	d := bin.NewReader(b[:size])
	v := d.Compact()
	if err := d.Err(); err != nil {
		return 0, badMessage("varint", fault.Protocol, err)
	}
	return v, nil
}

// cutShort is the error of a connection that ends within a value.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteVarInt writes a compact integer in its shortest form.
func WriteVarInt(w io.Writer, _ uint32, val uint64) error {
	_, err := w.Write(bin.AppendCompact(make([]byte, 0, 9), val))
	return err
}

// VarIntSerializeSize returns how many bytes WriteVarInt writes.
func VarIntSerializeSize(val uint64) int { return bin.CompactLen(val) }

// ReadVarBytes reads bytes with their number before them, and no more. More than
// maxAllowed are an error, which names the field. Room grows with what arrives.
func ReadVarBytes(r io.Reader, pver uint32, maxAllowed uint32, fieldName string) ([]byte, error) {
	n, err := ReadVarInt(r, pver)
	if err != nil {
		return nil, err
	}
	if err := bin.CheckLen(fieldName, n, int(maxAllowed)); err != nil {
		return nil, badMessage("varbytes", fault.Protocol, err)
	}
	return readPayload(r, int(n))
}

// WriteVarBytes writes bytes with their number before them.
func WriteVarBytes(w io.Writer, pver uint32, b []byte) error {
	if err := WriteVarInt(w, pver, uint64(len(b))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// ReadVarString is ReadVarBytes of at most 32 MiB for a string.
func ReadVarString(r io.Reader, pver uint32) (string, error) {
	b, err := ReadVarBytes(r, pver, MaxMessagePayload, "string bytes")
	return string(b), err
}

// WriteVarString writes a string as ReadVarString reads it.
func WriteVarString(w io.Writer, pver uint32, s string) error {
	return WriteVarBytes(w, pver, []byte(s))
}
