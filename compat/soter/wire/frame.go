package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"

	"parley/dialect/bitcoin"
	"parley/fault"
	bin "parley/wire"
)

// MessageHeaderSize is the bytes before a payload: network, command, length and
// checksum.
const MessageHeaderSize = headerSize

const (
	headerSize = 4 + CommandSize + 4 + 4
	sizeAt     = 4 + CommandSize // where in a header the length is
	sumAt      = sizeAt + 4      // and the checksum

	// firstRead is how much of a payload is made room for before any of it
	// is there. More follows as bytes arrive.
	firstRead = 64 << 10
	growth    = 4
)

// AppendMessage appends a whole message, header and payload, to dst. On an error,
// which is a [*MessageError] for messages of this package, it returns dst as it
// was. It may be called from any goroutine.
func AppendMessage(dst []byte, msg Message, pver uint32, net SoterNet, enc MessageEncoding) ([]byte, error) {
	b, err := AppendUnsummed(dst, msg, pver, net, enc)
	if err == nil {
		Sum(b[len(dst):])
	}
	return b, err
}

// AppendUnsummed is AppendMessage but for the checksum, which [Sum] fills in: of many
// messages together in much less time than of each by itself.
func AppendUnsummed(dst []byte, msg Message, pver uint32, net SoterNet, enc MessageEncoding) ([]byte, error) {
	e := newEncoder()
	defer e.free()
	return e.frame(dst, msg, net, form{pver, enc})
}

// Frames is AppendUnsummed of messages that come one after another, which is quicker.
// The zero value is ready. It belongs to one goroutine.
type Frames struct{ e encoder }

// Append is [AppendUnsummed].
func (f *Frames) Append(dst []byte, msg Message, pver uint32, net SoterNet, enc MessageEncoding) ([]byte, error) {
	f.e.err = nil
	return f.e.frame(dst, msg, net, form{pver, enc})
}

// frame appends a message without its checksum.
func (e *encoder) frame(dst []byte, msg Message, net SoterNet, f form) ([]byte, error) {
	own := e.b
	b, err := e.unsummed(dst, msg, net, f)
	e.b = own
	if err != nil {
		return dst, err
	}
	binary.LittleEndian.PutUint32(b[len(dst)+sizeAt:], uint32(len(b)-len(dst)-headerSize))
	return b, nil
}

// unsummed appends a message to dst, where e builds it, with neither length nor checksum.
func (e *encoder) unsummed(dst []byte, msg Message, net SoterNet, f form) ([]byte, error) {
	if own, ok := msg.(body); ok {
		e.b = binary.LittleEndian.AppendUint32(dst, uint32(net))
		if err := e.look(own.Command(), f); err != nil {
			return dst, err
		}
		e.b = append(e.b, e.name[:]...)
		err := e.own(own, f)
		return e.b, err
	}
	command := msg.Command()
	if len(command) > CommandSize {
		return dst, badMessage("header", fault.Local, fmt.Errorf("command %.20q: %d bytes, limit %d", command, len(command), CommandSize))
	}
	var name [headerSize - 4]byte
	copy(name[:], command)
	e.b = binary.LittleEndian.AppendUint32(dst, uint32(net))
	e.raw(name[:])
	if err := msg.BtcEncode(e, f.pver, f.enc); err != nil {
		return dst, err
	}
	size := uint64(len(e.b) - len(dst) - headerSize)
	limit := min(uint64(msg.MaxPayloadLength(f.pver)), MaxMessagePayload)
	if size > limit {
		return dst, badMessage(command, fault.Local, bin.CheckLen("payload bytes", size, int(limit)))
	}
	return e.b, nil
}

// payload appends a payload and checks everything that has a limit.
func (e *encoder) payload(m Message, f form) error {
	own, ok := m.(body)
	if !ok {
		return m.BtcEncode(e, f.pver, f.enc)
	}
	if err := e.look(m.Command(), f); err != nil {
		return err
	}
	return e.own(own, f)
}

// look finds what has to be known of a command.
func (e *encoder) look(command string, f form) error {
	if command == e.command && f == e.f {
		return nil
	}
	limit, err := f.check(command)
	if err != nil {
		return badMessage(command, fault.Local, err)
	}
	e.command, e.f, e.limit = command, f, limit
	clear(e.name[copy(e.name[:], command):])
	return nil
}

// own appends the payload of a message whose command was looked up.
func (e *encoder) own(m body, f form) error {
	start := len(e.b)
	m.write(e, f)
	if n := len(e.b) - start; n > e.limit {
		e.fail(bin.CheckLen("payload bytes", uint64(n), e.limit))
	}
	if e.err != nil {
		return badMessage(e.command, fault.Local, e.err)
	}
	return nil
}

// Sum fills in the checksums of messages that [AppendUnsummed] has made. Each element
// of bs has whole messages, any number of them. It may be called from any goroutine.
func Sum(bs ...[]byte) {
	var odd []byte
	for _, b := range bs {
		for len(b) >= headerSize {
			n := headerSize + int(binary.LittleEndian.Uint32(b[sizeAt:]))
			if odd == nil {
				odd = b[:n]
			} else {
				x, y := bitcoin.Checksums(odd[headerSize:], b[headerSize:n])
				binary.LittleEndian.PutUint32(odd[sumAt:], x)
				binary.LittleEndian.PutUint32(b[sumAt:], y)
				odd = nil
			}
			b = b[n:]
		}
	}
	if odd != nil {
		binary.LittleEndian.PutUint32(odd[sumAt:], bitcoin.Checksum(odd[headerSize:]))
	}
}

// WriteMessage writes a message in the base encoding, in one call of w.
func WriteMessage(w io.Writer, msg Message, pver uint32, net SoterNet) error {
	_, err := WriteMessageN(w, msg, pver, net)
	return err
}

// WriteMessageN is WriteMessage that also returns how many bytes it wrote.
func WriteMessageN(w io.Writer, msg Message, pver uint32, net SoterNet) (int, error) {
	return WriteMessageWithEncodingN(w, msg, pver, net, BaseEncoding)
}

// WriteMessageWithEncodingN is WriteMessageN in another encoding.
func WriteMessageWithEncodingN(w io.Writer, msg Message, pver uint32, net SoterNet, enc MessageEncoding) (int, error) {
	e := newEncoder()
	defer e.free()
	b, err := AppendMessage(e.b, msg, pver, net, enc)
	if err != nil {
		return 0, err
	}
	e.b = b
	return w.Write(b)
}

// DecodePayload reads a payload, which then belongs to the message: its scripts,
// filters and addresses are parts of it. Bytes after what the message takes are
// ignored. The error is a [*MessageError]. It may be called from any goroutine.
func DecodePayload(command string, payload []byte, pver uint32, enc MessageEncoding) (Message, error) {
	f := form{pver, enc}
	limit, err := f.check(command)
	if err != nil {
		return nil, badMessage(command, fault.Protocol, err)
	}
	d := newDecoder(payload, false)
	defer d.free()
	return d.message(command, limit, f)
}

// message reads a payload of at most limit bytes.
func (d *decoder) message(command string, limit int, f form) (Message, error) {
	if d.Len() > limit {
		d.Fail(bin.CheckLen("payload bytes", uint64(d.Len()), limit))
	}
	var m body
	if command == CmdTx {
		m = d.newTx(f)
	} else {
		m = empty(command)
		m.read(d, f)
	}
	if err := d.Err(); err != nil {
		return nil, badMessage(command, fault.Protocol, err)
	}
	return m, nil
}

// Stream decodes messages that come one after another. What short transactions that
// arrived together are made of lies together: up to eight of them keep each other in
// memory. It belongs to one goroutine.
type Stream struct {
	d     decoder
	f     form
	last  string // the command that limit is that of
	limit int
	txs   []plainTx // for the next ones
}

// NewStream returns a decoder for a protocol version and an encoding.
func NewStream(pver uint32, enc MessageEncoding) *Stream { return &Stream{f: form{pver, enc}} }

// Decode is [DecodePayload]. So many more bytes have arrived behind the payload: only
// what they justify is made room for.
func (s *Stream) Decode(command string, payload []byte, more int) (m Message, err error) {
	if command != s.last {
		if s.limit, err = s.f.check(command); err != nil {
			return nil, badMessage(command, fault.Protocol, err)
		}
		s.last = command
	}
	if more == 0 {
		defer func() { s.txs = nil }()
	}
	if command == CmdTx {
		if tx := s.plain(payload, more); tx != nil {
			return tx, nil
		}
	}
	s.d.Reader = bin.NewReader(payload)
	m, err = s.d.message(command, s.limit, s.f)
	s.d.Reader = bin.Reader{}
	return m, err
}

// ReadMessage reads a message in the latest encoding and returns its payload too,
// which the message goes on using. Errors about the message are a [*MessageError];
// others are those of r.
func ReadMessage(r io.Reader, pver uint32, net SoterNet) (Message, []byte, error) {
	_, m, payload, err := ReadMessageN(r, pver, net)
	return m, payload, err
}

// ReadMessageN is ReadMessage that also returns how many bytes it read.
func ReadMessageN(r io.Reader, pver uint32, net SoterNet) (int, Message, []byte, error) {
	return ReadMessageWithEncodingN(r, pver, net, LatestEncoding)
}

// ReadMessageWithEncodingN is ReadMessageN in another encoding.
//
// The header decides about network, command and length at once: what is refused
// is not waited for, and [MessageError].Rest says how much of it is to come. Room
// for a payload grows with the bytes that arrive.
func ReadMessageWithEncodingN(r io.Reader, pver uint32, net SoterNet, enc MessageEncoding) (int, Message, []byte, error) {
	d := newDecoder(nil, false)
	n, err := io.ReadFull(r, d.head[:])
	said := binary.LittleEndian.Uint32(d.head[20:])
	var command string
	var size int
	if err == nil {
		command, size, err = parseHeader(&d.head, net, form{pver, enc})
	}
	d.free()
	if err != nil {
		return n, nil, nil, err
	}
	payload, err := readPayload(r, size)
	n += len(payload)
	if err != nil {
		return n, nil, nil, err
	}
	if sum := bitcoin.Checksum(payload); sum != said {
		return n, nil, nil, badMessage(command, fault.Protocol, fmt.Errorf("checksum %08x, the header says %08x", sum, said))
	}
	m, err := DecodePayload(command, payload, pver, enc)
	if err != nil {
		return n, nil, nil, err
	}
	return n, m, payload, nil
}

// parseHeader decides everything that a header can decide, in the order of
// soterd: length at all, network, command, length of the command.
func parseHeader(h *[headerSize]byte, net SoterNet, f form) (command string, size int, err error) {
	length := binary.LittleEndian.Uint32(h[16:])
	size = int(min(length, MaxMessagePayload+1))
	name := bytes.TrimRight(h[4:4+CommandSize], "\x00")
	bad := func(field string, cause error) (string, int, error) {
		e := badMessage(field, fault.Protocol, cause)
		e.Rest = int64(length)
		return "", 0, e
	}
	magic := SoterNet(binary.LittleEndian.Uint32(h[:]))
	switch {
	case size > MaxMessagePayload:
		return bad("header", fmt.Errorf("payload bytes: %d, limit %d: %w", length, MaxMessagePayload, bin.ErrLimit))
	case magic != net:
		return bad("header", fmt.Errorf("network %08x, ours is %08x", uint32(magic), uint32(net)))
	case !utf8.Valid(name):
		return bad("header", fmt.Errorf("command %q is not text", name))
	}
	command, ok := bitcoin.CommandName(bitcoin.TypeOf(string(name)))
	if ok {
		_, ok = f.limit(command)
	}
	if !ok {
		return bad("header", fmt.Errorf("unknown command %q", name))
	}
	limit, _ := f.limit(command)
	if err := bin.CheckLen("payload bytes", uint64(size), limit); err != nil {
		return bad(command, err)
	}
	return command, size, nil
}

// readPayload reads size bytes. It has no more room for them than a few times what
// arrived, unless all are there already.
func readPayload(r io.Reader, size int) ([]byte, error) {
	room := min(size, firstRead)
	if at, ok := r.(interface{ Len() int }); ok && at.Len() >= size {
		room = size
	}
	b := make([]byte, 0, room)
	for {
		n, err := io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err != nil:
			return b, cutShort(err)
		case len(b) == size:
			return b, nil
		}
		more := make([]byte, len(b), min(size, growth*cap(b)))
		copy(more, b)
		b = more
	}
}
