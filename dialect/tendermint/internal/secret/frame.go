package secret

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/fault"
	"parley/wire"
)

// The sizes of frames, in bytes.
const (
	MaxData   = 1024                       // data in one frame
	plainSize = headSize + MaxData         // before it is sealed: length, data, padding
	FrameSize = plainSize + overhead       // on the wire
	headSize  = 4                          // the length of the data
	nonceSize = chacha20poly1305.NonceSize // four zeros and a counter
	Headroom  = headSize                   // what [Opener.Append] wants in front of the data
)

var errWorn = errors.New("2^64 frames sealed with one key")

// direction is one key and the number of its next frame.
type direction struct {
	aead  cipher.AEAD
	nonce [nonceSize]byte
	worn  bool // all numbers were used
}

func (d *direction) init(key []byte) (err error) {
	d.aead, err = chacha20poly1305.New(key)
	return fault.New(fault.Local, "open", err)
}

// step goes on to the next frame.
func (d *direction) step() {
	n := binary.LittleEndian.Uint64(d.nonce[4:]) + 1
	binary.LittleEndian.PutUint64(d.nonce[4:], n)
	d.worn = n == 0
}

// Sealer seals one direction. It belongs to the link's writer. Use it as
// Start, any number of Write, Finish.
type Sealer struct {
	direction
	dst  []byte
	at   int // where the frame under way begins in dst
	data int // bytes of data in it; if 0 there is none under way
}

func newSealer(key []byte) (*Sealer, error) {
	s := new(Sealer)
	return s, s.init(key)
}

// Start makes dst what frames are appended to.
func (s *Sealer) Start(dst []byte) { s.dst, s.data = dst, 0 }

// Len returns how long dst is by now, the frame under way counted as far as it
// is filled.
func (s *Sealer) Len() int { return len(s.dst) }

// Write adds bytes to the stream. Full frames are sealed as they fill.
func (s *Sealer) Write(p []byte) {
	for len(p) > 0 {
		if s.data == 0 {
			s.at = len(s.dst)
			s.dst = append(slices.Grow(s.dst, FrameSize), 0, 0, 0, 0)
		}
		k := min(len(p), MaxData-s.data)
		s.dst = append(s.dst, p[:k]...)
		s.data += k
		p = p[k:]
		if s.data == MaxData {
			s.seal()
		}
	}
}

// Room returns what to append up to n bytes to if they fit into the frame under
// way and do not fill it, or else nil. What was appended is said with Took.
func (s *Sealer) Room(n int) []byte {
	if s.data == 0 || s.data+n >= MaxData {
		return nil
	}
	return s.dst
}

// Took takes what Room returned and has been appended to.
func (s *Sealer) Took(dst []byte) {
	s.data += len(dst) - len(s.dst)
	s.dst = dst
}

// Finish seals the frame under way and returns what Start was given and all
// frames after it. It fails if the key is worn out; then nothing may be sent.
func (s *Sealer) Finish() ([]byte, error) {
	if s.data > 0 {
		s.seal()
	}
	dst := s.dst
	s.dst = nil
	if s.worn {
		return dst, fault.New(fault.Local, "seal", errWorn)
	}
	return dst, nil
}

// seal closes the frame under way. The padding is zeros: the original sends what
// was in its buffer before.
func (s *Sealer) seal() {
	if s.worn {
		s.dst, s.data = s.dst[:s.at], 0
		return
	}
	end := s.at + plainSize
	old := len(s.dst)
	s.dst = s.dst[:end] // Write made room
	clear(s.dst[old:])
	binary.LittleEndian.PutUint32(s.dst[s.at:], uint32(s.data))
	s.dst = s.aead.Seal(s.dst[:s.at], s.nonce[:], s.dst[s.at:end], nil)
	s.step()
	s.data = 0
}

// Opener opens the other direction. It belongs to the link's reader.
type Opener struct{ direction }

func newOpener(key []byte) (*Opener, error) {
	o := new(Opener)
	return o, o.init(key)
}

// Append opens a frame of FrameSize bytes and appends its data to dst, which
// must hold Headroom bytes at least and have room for MaxData more; those bytes
// are as they were afterwards. So the data of frames comes to lie end to end
// without being moved. Errors are faults of kind Protocol.
func (o *Opener) Append(dst, frame []byte) ([]byte, error) {
	if o.worn {
		return dst, fault.New(fault.Protocol, "decode", errWorn)
	}
	at := len(dst) - headSize
	before := [headSize]byte(dst[at:])
	out, err := o.aead.Open(dst[:at], o.nonce[:], frame[:FrameSize], nil)
	if err != nil {
		return dst, fault.New(fault.Protocol, "decode", fmt.Errorf("sealed frame: %w", err))
	}
	o.step()
	n := binary.LittleEndian.Uint32(out[at:])
	copy(out[at:], before[:])
	if n > MaxData {
		return dst, fault.New(fault.Protocol, "decode", fmt.Errorf("sealed frame: %d bytes of data, limit %d", n, MaxData))
	}
	return out[:len(dst)+int(n)], nil
}

// AppendMessage seals a message with its length in front. It is for the opening
// exchange, where a key is not worn out.
func (c *Conn) AppendMessage(dst, m []byte) []byte {
	c.Sealer.Start(dst)
	c.Sealer.Write(binary.AppendUvarint(nil, uint64(len(m))))
	c.Sealer.Write(m)
	dst, _ = c.Sealer.Finish()
	return dst
}

// ReadMessage reads frames until they hold a message that AppendMessage wrote,
// of at most limit bytes. It reads no frame after that. The result is valid
// until the next call.
func (c *Conn) ReadMessage(r io.Reader, what string, limit int) ([]byte, error) {
	for {
		p := wire.NewReader(c.rest)
		m := p.Bytes(what, limit)
		switch err := p.Err(); {
		case err == nil:
			c.rest = p.Rest()
			return m, nil
		case !errors.Is(err, wire.ErrShort):
			return nil, broken(err)
		}
		if err := c.more(r); err != nil {
			return nil, err
		}
	}
}

// more reads one frame.
func (c *Conn) more(r io.Reader) error {
	var frame [FrameSize]byte
	if _, err := io.ReadFull(r, frame[:]); err != nil {
		return err
	}
	buf := append(make([]byte, Headroom, Headroom+len(c.rest)+MaxData), c.rest...)
	buf, err := c.Opener.Append(buf, frame[:])
	c.rest = buf[Headroom:]
	return err
}

// Rest returns what has been opened and was not read: data that belongs to
// whatever follows the exchange.
func (c *Conn) Rest() []byte { return c.rest }
