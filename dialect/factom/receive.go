package factom

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"parley/dialect/factom/gobwire"
	"parley/fault"
	"parley/wire"
)

const (
	firstRead   = 512 // bytes made room for before any has arrived
	maxMessages = 20  // gob messages before the first value: definitions
)

// first is the other side's first parcel.
type first struct {
	hello  Handshake
	agreed uint16         // how the link will speak
	types  *gobwire.Types // what its gob stream has defined so far; nil for V11
}

// receive reads and checks the other side's first parcel.
func (x *exchange) receive() (*first, error) {
	f := new(first)
	if err := x.in.hello(f, x.d.cfg.SharesLimit); err != nil {
		return nil, err
	}
	if err := x.check(f); err != nil {
		return nil, err
	}
	return f, nil
}

// check applies the rules that every first parcel must follow, in the original's
// order, and settles the version.
func (x *exchange) check(f *first) error {
	h, cfg := &f.hello, &x.d.cfg
	if h.Version < cfg.MinVersion {
		return refused("version %d, minimum %d", h.Version, cfg.MinVersion)
	}
	switch {
	case f.types == nil:
		f.agreed = V11
	case h.Version == V9, h.Version == V10 && cfg.Version == V9:
		f.agreed = V9
	case h.Version == V10:
		f.agreed = V10
	default:
		return refused("version %d in gob, which only versions 9 and 10 speak", h.Version)
	}
	if h.Network != x.o.Self.Network {
		return refused("network %08x, ours is %08x", h.Network, x.o.Self.Network)
	}
	if _, err := parsePort(h.ListenPort); err != nil {
		return fault.New(fault.Protocol, "open", fmt.Errorf("listen %w", err))
	}
	return nil
}

func refused(format string, args ...any) error {
	return fault.New(fault.Refused, "open", fmt.Errorf(format, args...))
}

// inbox reads the other side's first parcel and not a byte more.
type inbox struct {
	r    io.Reader
	left int // bytes that may still come
	pre  []byte
}

// Read reads what was looked at first, then from the connection.
func (in *inbox) Read(p []byte) (int, error) {
	if len(in.pre) > 0 {
		n := copy(p, in.pre)
		in.pre = in.pre[n:]
		return n, nil
	}
	return in.r.Read(p)
}

// take reads n bytes. Memory grows with what arrives, not with what was
// announced.
func (in *inbox) take(n uint64) ([]byte, error) {
	if err := wire.CheckLen("handshake", n, in.left); err != nil {
		return nil, fault.New(fault.Protocol, "open", err)
	}
	in.left -= int(n)
	var buf []byte
	for len(buf) < int(n) {
		have := len(buf)
		step := min(int(n)-have, max(have, firstRead))
		buf = slices.Grow(buf, step)[:have+step]
		if _, err := io.ReadFull(in, buf[have:]); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// hello reads the first parcel. The first four bytes tell protobuf from gob.
func (in *inbox) hello(f *first, limit int) error {
	head, err := in.take(uint64(len(signature)))
	if err != nil {
		return err
	}
	if string(head) == signature {
		return in.hello11(f, limit)
	}
	in.pre = head
	in.left += len(head)
	return in.helloGob(f, limit)
}

func (in *inbox) hello11(f *first, limit int) error {
	head, err := in.take(4)
	if err != nil {
		return err
	}
	body, err := in.take(uint64(binary.BigEndian.Uint32(head)))
	if err != nil {
		return err
	}
	return f.hello.parse11(body, limit)
}

// helloGob reads gob messages up to the first value.
func (in *inbox) helloGob(f *first, limit int) error {
	f.types = new(gobwire.Types)
	for range maxMessages {
		msg, err := in.gobMessage()
		if err != nil {
			return err
		}
		var p gobwire.Long
		ok, err := f.types.Long(msg, &p)
		if err != nil {
			return fault.New(fault.Protocol, "open", err)
		}
		if ok {
			return f.hello.fromGob(&p, limit)
		}
	}
	return fault.New(fault.Protocol, "open", fmt.Errorf("more than %d gob messages before a handshake", maxMessages))
}

func (in *inbox) gobMessage() ([]byte, error) {
	head, err := in.take(1)
	if err != nil {
		return nil, err
	}
	n, size, err := gobwire.Size(head)
	if err == nil && n > len(head) {
		var more []byte
		if more, err = in.take(uint64(n - len(head))); err != nil {
			return nil, err
		}
		_, size, err = gobwire.Size(append(head, more...))
	}
	if err != nil {
		return nil, fault.New(fault.Protocol, "open", err)
	}
	return in.take(size)
}
