package factom

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/factom/gobwire"
	"parley/fault"
)

// defaultPort is what a node that listens nowhere claims to listen on: others
// refuse a handshake without a port, and 8108 is the protocol's usual one.
const defaultPort = 8108

// Open runs one side of the handshake; see [dialect.Dialect]. The dialer speaks
// first, in the configured version. The listener follows, with one exception: if
// it is configured for V9, it answers a V10 dialer in V9. A listener that does not
// admit the dialer says so and where else to try.
//
// The intro's Info is a [*Handshake]. Errors are of kind Protocol for what no
// correct node sends, and Refused for another network, an unknown version, or a
// peer that was turned away.
func (d *Dialect) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	x := exchange{d: d, rw: rw, o: o, in: inbox{r: rw, left: d.cfg.MaxHandshake}}
	if o.Dialing {
		return x.dial()
	}
	return x.listen()
}

// exchange is one opening exchange.
type exchange struct {
	d  *Dialect
	rw io.ReadWriter
	o  *dialect.Opening
	in inbox
}

func (x *exchange) dial() (*dialect.Link, error) {
	own := x.d.cfg.Version
	if err := x.write(own, x.hello(own, x.o.Self.Nonce)); err != nil {
		return nil, err
	}
	f, err := x.receive()
	if err != nil {
		return nil, err
	}
	if f.hello.Type == TypeRejectAlternative {
		return nil, rejected(&f.hello)
	}
	if (own == V11) != (f.agreed == V11) {
		return nil, fault.New(fault.Protocol, "open", fmt.Errorf("version %d answered in version %d", own, f.agreed))
	}
	if x.self(f) {
		return nil, fault.New(fault.Local, "open", dialect.ErrSelf)
	}
	f.hello.requested = own == V9
	in := x.intro(f)
	if err := x.o.Admit(in); err != nil {
		return nil, denied(err)
	}
	return x.link(in, f), nil
}

func (x *exchange) listen() (*dialect.Link, error) {
	f, err := x.receive()
	if err != nil {
		return nil, err
	}
	if x.self(f) {
		x.answer(f) // our dialing half finds out by our nonce, as this half did
		return nil, fault.New(fault.Local, "open", dialect.ErrSelf)
	}
	f.hello.requested = f.agreed == V9
	in := x.intro(f)
	if err := x.o.Admit(in); err != nil {
		return nil, x.refuse(f, err)
	}
	if err := x.answer(f); err != nil {
		return nil, err
	}
	return x.link(in, f), nil
}

// self reports whether the other side is this node.
func (x *exchange) self(f *first) bool {
	return f.hello.Nonce != 0 && f.hello.Nonce == x.o.Self.Nonce
}

func (x *exchange) answer(f *first) error {
	h := x.hello(f.agreed, x.o.Self.Nonce)
	if f.agreed == V11 {
		h.Version = f.hello.Version // whatever was claimed is repeated
	}
	return x.write(f.agreed, h)
}

// rejected returns the error that a dialer gets of a listener's reject.
func rejected(h *Handshake) error {
	var offer []addr.Addr
	for _, e := range h.Alternatives {
		if a, err := e.Addr(); err == nil && a.Dialable() {
			offer = append(offer, a)
		}
	}
	return fault.New(fault.Refused, "open", &dialect.Refusal{Reason: "turned away by the listener", Offer: offer})
}

// denied returns what Open returns when Admit returned err.
func denied(err error) error {
	if _, ok := errors.AsType[*dialect.Refusal](err); ok {
		return fault.New(fault.Refused, "open", err)
	}
	return err
}

// refuse tells a dialer that it may not stay, if that is what err means. The
// dialer's handshake has been read, so closing the connection afterwards does not
// reset it and the alternatives arrive. Whether they do changes nothing here.
func (x *exchange) refuse(f *first, err error) error {
	r, ok := errors.AsType[*dialect.Refusal](err)
	if !ok {
		return err
	}
	v := f.agreed
	if v != V11 {
		v = min(x.d.cfg.Version, V10)
	}
	h := x.hello(v, 0)
	h.Type = TypeRejectAlternative
	h.Alternatives = endpoints(r.Offer[:min(len(r.Offer), x.d.cfg.SharesLimit)])
	x.write(v, h)
	return denied(err)
}

// hello returns our own first parcel in version v.
func (x *exchange) hello(v uint16, nonce uint64) *Handshake {
	h := &Handshake{
		Network:    x.o.Self.Network,
		Version:    v,
		Type:       TypeHandshake,
		NodeID:     x.d.cfg.NodeID,
		ListenPort: strconv.Itoa(int(listenPort(x.o.Self))),
		Nonce:      nonce,
	}
	if v == V9 {
		h.Type = TypePeerRequest // V9 has no type for handshakes
	}
	return h
}

func listenPort(s dialect.Self) uint16 {
	if s.Listen.Port == 0 {
		return defaultPort
	}
	return s.Listen.Port
}

func (x *exchange) write(v uint16, h *Handshake) error {
	var b []byte
	if v == V11 {
		b = h.append11(nil)
	} else {
		b = h.appendGob(nil, gobwire.Go126)
	}
	_, err := x.rw.Write(b)
	return err
}

// intro describes the other side. The peer hash has the host and port as dialed,
// or the remote IP and the announced port.
func (x *exchange) intro(f *first) dialect.Intro {
	port, _ := parsePort(f.hello.ListenPort) // was checked
	e := Endpoint{x.o.Remote.HostText(), f.hello.ListenPort}
	if x.o.Dialing {
		e = EndpointOf(x.o.Remote)
	}
	return dialect.Intro{
		ID:      PeerHash(e.Host, e.Port, f.hello.NodeID),
		Nonce:   f.hello.Nonce,
		Listen:  x.o.Remote.WithPort(port),
		Version: uint32(f.agreed),
		Info:    &f.hello,
	}
}

// link returns what was agreed on. Every link of a node in one version encodes
// alike; in V9 that includes the port, which is in every header.
func (x *exchange) link(in dialect.Intro, f *first) *dialect.Link {
	l := &dialect.Link{Intro: in, Shared: "factom/" + strconv.Itoa(int(f.agreed))}
	limit := x.d.cfg.MaxParcel
	switch f.agreed {
	case V9:
		l.Decoder = &decoder9{types: f.types, limit: limit, parts: newParts(min(limit, maxKept))}
		l.Encoder = newEncoder9(x.hello(V9, 0))
		l.Shared += ":" + strconv.Itoa(int(listenPort(x.o.Self)))
	case V10:
		l.Decoder = &decoder10{types: f.types, limit: limit}
		l.Encoder = encoder10{}
		l.Prelude = slices.Clip(gobwire.Go126.DefineShort(nil))
	default:
		c := codec11{limit}
		l.Decoder, l.Encoder = c, c
	}
	return l
}
