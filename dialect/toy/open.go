package toy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

const (
	version    = 1
	helloSize  = 14
	maxVerdict = 4 << 10 // bytes after the length of a refusal
	maxReason  = 255     // bytes of its text
	maxOffer   = 8       // addresses in it
)

// The first byte of a verdict.
const (
	no byte = iota
	yes
)

// Open implements dialect.Dialect. The two sides take turns to speak, so that
// the exchange also works on a connection that buffers nothing.
func (t toy) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	in, err := meet(rw, o)
	if err != nil {
		return nil, err
	}
	if o.Dialing {
		err = hear(rw)
	}
	if err == nil {
		err = judge(rw, o.Admit(in))
	}
	if err == nil && !o.Dialing {
		err = hear(rw)
	}
	if err != nil {
		return nil, err
	}
	c := codec{max: t.cfg.MaxBody}
	return &dialect.Link{Intro: in, Decoder: c, Encoder: c, Shared: t.Name()}, nil
}

// meet exchanges hellos. Ours is sent before theirs is judged, so that both
// sides learn that they are one node or on two networks.
func meet(rw io.ReadWriter, o *dialect.Opening) (in dialect.Intro, err error) {
	if o.Dialing {
		if err := writeHello(rw, o.Self); err != nil {
			return in, err
		}
	}
	var b [helloSize]byte
	if _, err := io.ReadFull(rw, b[:]); err != nil {
		return in, err
	}
	if !o.Dialing {
		if err := writeHello(rw, o.Self); err != nil {
			return in, err
		}
	}
	return parseHello(b, o)
}

func writeHello(w io.Writer, s dialect.Self) error {
	b := make([]byte, 0, helloSize)
	b = binary.LittleEndian.AppendUint32(b, s.Network)
	b = binary.LittleEndian.AppendUint64(b, s.Nonce)
	b = binary.LittleEndian.AppendUint16(b, s.Listen.Port)
	_, err := w.Write(b)
	return err
}

func parseHello(b [helloSize]byte, o *dialect.Opening) (in dialect.Intro, err error) {
	if got := binary.LittleEndian.Uint32(b[:]); got != o.Self.Network {
		return in, broken("open", "hello: network %#x, want %#x", got, o.Self.Network)
	}
	in.Nonce = binary.LittleEndian.Uint64(b[4:])
	if in.Nonce == o.Self.Nonce {
		return in, fault.New(fault.Refused, "open", dialect.ErrSelf)
	}
	in.ID = fmt.Sprintf("%016x", in.Nonce)
	in.Version = version
	if port := binary.LittleEndian.Uint16(b[12:]); port != 0 {
		in.Listen = o.Remote.WithPort(port)
	}
	return in, nil
}

// judge tells the remote what Admit answered, and returns that answer.
func judge(w io.Writer, answer error) error {
	if answer == nil {
		_, err := w.Write([]byte{yes})
		return err
	}
	r, ok := errors.AsType[*dialect.Refusal](answer)
	if !ok {
		return answer
	}
	// Whether the remote still reads this or not, the refusal is why the link
	// ends.
	_, _ = w.Write(appendRefusal(nil, r))
	return fault.New(fault.Refused, "open", answer)
}

func appendRefusal(dst []byte, r *dialect.Refusal) []byte {
	reason := r.Reason[:min(len(r.Reason), maxReason)]
	body := append([]byte{byte(len(reason))}, reason...)
	body = appendAddrs(body, r.Offer[:min(len(r.Offer), maxOffer)])
	dst = binary.LittleEndian.AppendUint16(append(dst, no), uint16(len(body)))
	return append(dst, body...)
}

// hear reads the remote's verdict: nil, or the refusal.
func hear(r io.Reader) error {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return err
	}
	switch head[0] {
	case yes:
		return nil
	case no:
	default:
		return broken("open", "verdict: %d, want %d or %d", head[0], no, yes)
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint16(head[1:])
	if n > maxVerdict {
		return broken("open", "verdict: %d bytes, limit %d", n, maxVerdict)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return parseRefusal(body)
}

// parseRefusal returns the refusal in b, or what is wrong with it.
func parseRefusal(b []byte) error {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return broken("open", "verdict: reason is cut off")
	}
	n := 1 + int(b[0])
	offer, err := parseAddrs([]addr.Addr(nil), b[n:], maxOffer)
	if err != nil {
		return fault.New(fault.Protocol, "open", fmt.Errorf("verdict: %w", err))
	}
	return fault.New(fault.Refused, "open", &dialect.Refusal{Reason: string(b[1:n]), Offer: offer})
}

// broken returns a fault that blames the peer.
func broken(op, format string, args ...any) error {
	return fault.New(fault.Protocol, op, fmt.Errorf(format, args...))
}
