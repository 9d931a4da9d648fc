package bitcoin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
	"parley/wire"
)

// Handshake is what both sides said in the opening exchange. It is in
// [dialect.Intro].Info, as a *Handshake that nobody may change.
type Handshake struct {
	Version    Version // of the other side
	Own        Version // as it was sent
	Dialed     bool    // we made the connection
	Remote     addr.Addr
	AddrV2     bool // the other side understands addrv2, BIP155
	WtxidRelay bool // the other side announces transactions by wtxid, BIP339
}

const (
	maxEarly  = 16      // messages between version and verack; four are known
	firstRead = 4 << 10 // bytes made room for before any has arrived
)

// Open runs one side of the opening exchange; see [dialect.Dialect]. The magic is
// that of the opening, or of the parameters if that is zero; the user agent is
// o.Self.Agent, with slashes put around it if it has none.
//
// The intro's Info is a [*Handshake]. Errors are of kind Protocol for what no
// correct node sends, and Refused for another network or a peer that was turned
// away; a [*Reject] of the other side is in their tree.
func (d *Dialect) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	x := &exchange{cfg: &d.cfg, rw: rw, o: o, net: o.Self.Network}
	if x.net == 0 {
		x.net = d.cfg.Params.Net
	}
	x.enc = &encoder{p: &x.cfg.Params, net: x.net}
	x.hs = &Handshake{Dialed: o.Dialing, Remote: o.Remote}
	if err := x.prepare(); err != nil {
		return nil, err
	}
	if o.Dialing {
		return x.dial()
	}
	return x.listen()
}

// exchange is one opening exchange.
type exchange struct {
	cfg  *Config
	rw   io.ReadWriter
	o    *dialect.Opening
	net  uint32
	enc  *encoder
	hs   *Handshake
	pver uint32 // agreed on; 0 before
	out  []byte // to be written

	// in is here and not handed around: what waits for a peer should not need a
	// larger stack than goroutines begin with.
	in dialect.Intro
}

// prepare makes our version message.
func (x *exchange) prepare() error {
	cfg, self := x.cfg, &x.o.Self
	v := Version{
		Protocol: cfg.Version,
		Services: cfg.Services,
		Time:     x.o.Now.Unix(),
		To:       NetAddr{Services: ServiceNetwork, Addr: x.o.Remote},
		From:     NetAddr{Services: cfg.Services, Addr: addr.Addr{IP: self.Listen.IP, Port: self.Listen.Port}},
		Agent:    agentOf(self.Agent),
		Relay:    !cfg.NoRelay,
	}
	if cfg.Hello != nil {
		if err := cfg.Hello(&v, x.o.Remote); err != nil {
			return fault.New(fault.Local, "open", fmt.Errorf("version: %w", err))
		}
	}
	v.Nonce, v.Genesis = self.Nonce, cfg.Params.Genesis
	x.hs.Own = v
	return nil
}

func (x *exchange) dial() (*dialect.Link, error) {
	if err := x.version(x.cfg.Version); err != nil {
		return nil, err
	}
	if err := x.flush(); err != nil {
		return nil, err
	}
	if err := x.meet(); err != nil {
		return nil, err
	}
	return x.finish()
}

func (x *exchange) listen() (*dialect.Link, error) {
	if err := x.meet(); err != nil {
		return nil, err
	}
	if err := x.version(x.pver); err != nil {
		return nil, err
	}
	return x.finish()
}

// version puts our version message, as it is written for a protocol version.
func (x *exchange) version(pver uint32) error {
	b, err := x.hs.Own.append(nil, pver, x.cfg.Params.Soter)
	if err != nil {
		return err
	}
	return x.put(TypeVersion, b)
}

// finish writes what is still to be said, and for Bitcoin waits for the verack.
func (x *exchange) finish() (*dialect.Link, error) {
	if x.cfg.Params.Soter {
		if err := x.flush(); err != nil {
			return nil, err
		}
		return x.link(), nil
	}
	var err error
	if x.pver >= sendAddrV2Version {
		err = x.put(TypeSendAddrV2, nil)
	}
	if err = errors.Join(err, x.put(TypeVerAck, nil)); err != nil {
		return nil, err
	}
	if err := x.flush(); err != nil {
		return nil, err
	}
	if err := x.awaitVerAck(); err != nil {
		return nil, err
	}
	return x.link(), nil
}

// meet reads the other side's version message and goes through the checks of
// soter.md 1.5 in their order. That of the protocol version comes before the node
// is asked, or a peer that cannot stay might take the place of another.
func (x *exchange) meet() error {
	theirs := &x.hs.Version
	if err := x.receiveVersion(theirs); err != nil {
		return err
	}
	p := &x.cfg.Params
	if theirs.Nonce != 0 && theirs.Nonce == x.hs.Own.Nonce {
		return fault.New(fault.Local, "open", dialect.ErrSelf)
	}
	x.pver = min(x.cfg.Version, theirs.Protocol)
	if p.Soter && theirs.Genesis != p.Genesis {
		return x.reject(RejectInvalid, fmt.Sprintf("peer genesis block hash different from ours (%v != %v)", theirs.Genesis, p.Genesis))
	}
	if why := clash(x.hs.Own.Agent, theirs.Agent); p.Soter && why != "" {
		return x.reject(RejectInvalid, why)
	}
	if x.cfg.Judge != nil {
		if j := x.cfg.Judge(theirs); j != nil {
			return x.turnAway(j)
		}
	}
	if theirs.Protocol < x.cfg.MinVersion {
		return x.reject(RejectObsolete, fmt.Sprintf("protocol version must be %d or greater", x.cfg.MinVersion))
	}
	return x.admit()
}

// admit asks the node whether it wants the link.
func (x *exchange) admit() error {
	theirs := &x.hs.Version
	x.in = dialect.Intro{
		Nonce:   theirs.Nonce,
		Listen:  theirs.From.Addr,
		Version: x.pver,
		Agent:   theirs.Agent,
		Info:    x.hs,
	}
	if err := x.o.Admit(x.in); err != nil {
		return x.denied(err)
	}
	return nil
}

// receiveVersion reads the first message, which has to be version.
func (x *exchange) receiveVersion(v *Version) error {
	h, err := x.header()
	if err != nil {
		return err
	}
	switch h.typ {
	case TypeVersion:
		b, err := x.payload(h)
		if err != nil {
			return err
		}
		return v.parse(b, x.cfg.Params.Soter)
	case TypeReject:
		return x.rejected(h)
	}
	name, _ := h.name.text()
	j := &Reject{Command: name, Code: RejectMalformed, Reason: "a version message must precede all others"}
	return x.end(fault.Protocol, j, fmt.Errorf("%s instead of version", name))
}

// awaitVerAck reads up to the other side's verack. Before it only what prepares
// the link may come.
func (x *exchange) awaitVerAck() error {
	for range maxEarly {
		h, err := x.header()
		if err != nil {
			return err
		}
		if h.typ == TypeReject {
			return x.rejected(h)
		}
		if _, err := x.payload(h); err != nil {
			return err
		}
		switch h.typ {
		case TypeVerAck:
			return nil
		case TypeSendAddrV2:
			x.hs.AddrV2 = x.pver >= sendAddrV2Version
		case TypeWtxidRelay:
			x.hs.WtxidRelay = true
		case TypeVersion:
			j := &Reject{Command: "version", Code: RejectDuplicate, Reason: "duplicate version message"}
			return x.end(fault.Protocol, j, errors.New("duplicate version"))
		case TypeOther:
		default:
			return protocol("open", "%s before verack", commands[h.typ].name)
		}
	}
	return protocol("open", "more than %d messages before verack", maxEarly)
}

// header reads and checks a header.
func (x *exchange) header() (h header, err error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(x.rw, b[:]); err != nil {
		return h, err
	}
	if err := h.parse(b[:], &x.cfg.Params, x.net); err != nil {
		kind := fault.Protocol
		if binary.LittleEndian.Uint32(b[:]) != x.net {
			kind = fault.Refused
		}
		return h, fault.New(kind, "open", err)
	}
	return h, nil
}

// payload reads a payload. Memory grows with what arrives, not with what was
// announced.
func (x *exchange) payload(h header) (b []byte, err error) {
	if err := wire.CheckLen("payload", uint64(h.size), maxText); err != nil {
		return nil, fault.New(fault.Protocol, "open", err)
	}
	for len(b) < h.size {
		have := len(b)
		step := min(h.size-have, max(have, firstRead))
		b = slices.Grow(b, step)[:have+step]
		if _, err := io.ReadFull(x.rw, b[have:]); err != nil {
			return nil, err
		}
	}
	return b, fault.New(fault.Protocol, "open", h.check(Checksum(b)))
}

// rejected reads the reject that the other side sent instead of a link.
func (x *exchange) rejected(h header) error {
	b, err := x.payload(h)
	if err != nil {
		return err
	}
	j := new(Reject)
	if err := j.Parse(b); err != nil {
		return err
	}
	r := &dialect.Refusal{Reason: j.Error()}
	return fault.New(fault.Refused, "open", errors.Join(r, j))
}

// reject turns away a peer for what is in its version message.
func (x *exchange) reject(code RejectCode, reason string) error {
	return x.turnAway(&Reject{Command: "version", Code: code, Reason: reason})
}

func (x *exchange) turnAway(j *Reject) error {
	return x.end(fault.Refused, j, errors.New(j.Reason))
}

// denied returns what Open returns when Admit returned err, and tells the peer if
// it is turned away.
func (x *exchange) denied(err error) error {
	r, ok := errors.AsType[*dialect.Refusal](err)
	if !ok {
		return err
	}
	if x.pver < rejectVersion {
		return fault.New(fault.Refused, "open", err)
	}
	return x.end(fault.Refused, &Reject{Command: "version", Code: RejectNonstandard, Reason: r.Reason}, err)
}

// end sends a reject and returns why the exchange ends. Whether the reject
// arrives changes nothing here.
func (x *exchange) end(k fault.Kind, j *Reject, why error) error {
	x.out = x.out[:0]
	if x.put(TypeReject, j.Append(nil)) == nil {
		x.flush()
	}
	return fault.New(k, "open", why)
}

// put encodes a message that is to be written.
func (x *exchange) put(typ uint32, body []byte) (err error) {
	x.out, err = x.enc.Append(x.out, dialect.Message{Type: typ, Body: body})
	return err
}

func (x *exchange) flush() error {
	_, err := x.rw.Write(x.out)
	x.out = x.out[:0]
	return err
}

// link returns what was agreed on. All links of a node encode alike.
func (x *exchange) link() *dialect.Link {
	p := &x.cfg.Params
	return &dialect.Link{
		Intro: x.in,
		Decoder: &decoder{
			p: p, net: x.net, both: x.cfg.Everything, watch: !x.cfg.NoStall,
			lenient: p.Lenient && local127(x.o.Remote),
		},
		Encoder: x.enc,
		Shared:  fmt.Sprintf("%s/%08x", p.Name, x.net),
	}
}

// local127 reports whether a peer is on this machine.
func local127(a addr.Addr) bool { return a.IP.IsLoopback() || a.Host == "localhost" }
