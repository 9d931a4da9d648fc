package peer

import (
	"bytes"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"parley/addr"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/fault"
)

const (
	negotiateTimeout = 30 * time.Second
	headerSize       = wire.MessageHeaderSize
)

func newNonce() uint64 { return rand.Uint64()>>1 | 1 }

// opening is one handshake, in the reading goroutine.
type opening struct {
	p     *Peer
	self  bool   // the remote sent a nonce of our node
	heard bool   // its version message arrived
	seen  []byte // what arrived, where more than that message may come
}

// run goes through the handshake.
func (x *opening) run() (*dialect.Link, error) {
	p := x.p
	late := time.AfterFunc(negotiateTimeout, func() {
		p.end(fault.New(fault.Timeout, "open", fmt.Errorf("handshake takes longer than %v", negotiateTimeout)))
	})
	defer late.Stop()
	p.reader.p, p.reader.in = p, newIntake(p.conn)
	agent, err := p.cfg.userAgent()
	if err != nil {
		return nil, err
	}
	d, err := bitcoin.New(bitcoin.Config{
		Params:     p.cfg.ChainParams.Dialect(),
		Version:    p.cfg.ProtocolVersion,
		MinVersion: min(MinAcceptableProtocolVersion, p.cfg.ProtocolVersion),
		Services:   bitcoin.Services(p.cfg.Services),
		NoRelay:    p.cfg.DisableRelayTx,
		Hello:      x.hello,
		Judge:      x.judge,
		NoStall:    p.cfg.DisableStallHandler,
		Trickle:    p.cfg.TrickleInterval,
		Everything: true,
	})
	if err != nil {
		return nil, err
	}
	p.dialect = d
	if p.cfg.Self != nil {
		p.cfg.Self.sent(p.nonce)
	}
	remote, _ := addr.Parse(p.Addr())
	link, err := d.Open(x, &dialect.Opening{
		Dialing: !p.inbound,
		Remote:  remote,
		Self:    dialect.Self{Network: uint32(p.cfg.ChainParams.Net), Nonce: p.nonce, Agent: agent},
		Now:     time.Now(),
		Rand:    crand.Reader,
		Admit:   x.admit,
	})
	if err != nil && !x.heard {
		if f := p.cfg.Listeners.OnRead; f != nil {
			f(p, int(p.bytesReceived.Load()), nil, err)
		}
	}
	return link, err
}

// Read implements [io.Reader] for the handshake.
func (x *opening) Read(b []byte) (int, error) {
	n, err := x.p.reader.in.Read(b)
	if n > 0 {
		x.p.received(n)
		if x.p.cfg.ChainParams.Bitcoin {
			x.seen = append(x.seen, b[:n]...)
		}
	}
	return n, err
}

// Write implements [io.Writer] for the handshake.
func (x *opening) Write(b []byte) (int, error) {
	n, err := x.p.conn.Write(b)
	x.p.sent(n)
	if f := x.p.cfg.Listeners.OnWrite; f != nil {
		x.each(b, func(size int, msg wire.Message) { f(x.p, size, msg, err) })
	}
	return n, err
}

// hello completes our version message.
func (x *opening) hello(own *bitcoin.Version, _ addr.Addr) error {
	p := x.p
	if p.cfg.NewestBlock != nil {
		_, height, err := p.cfg.NewestBlock()
		if err != nil {
			return fmt.Errorf("newest block: %w", err)
		}
		own.LastBlock = height
	}
	na := p.NA()
	if p.cfg.Proxy != "" {
		host, _, err := net.SplitHostPort(p.cfg.Proxy)
		if err != nil || na.IP.String() == host {
			na = &wire.NetAddress{}
		}
	}
	ip, _ := netip.AddrFromSlice(na.IP)
	own.To.Addr = addr.Addr{IP: ip.Unmap(), Port: na.Port}
	return nil
}

// judge takes note of the remote's version message and asks the listeners.
func (x *opening) judge(v *bitcoin.Version) *bitcoin.Reject {
	p := x.p
	x.heard = true
	if x.self = p.cfg.Self.has(v.Nonce); x.self {
		return nil
	}
	msg := messageOf(v)
	p.introduced(v)
	l := &p.cfg.Listeners
	if l.OnRead != nil {
		l.OnRead(p, int(p.bytesReceived.Load()), msg, nil)
	}
	call(l.OnVersion, p, msg)
	if l.OnVersionReject == nil {
		return nil
	}
	j := l.OnVersionReject(p, msg)
	if j == nil {
		return nil
	}
	return &bitcoin.Reject{Command: j.Cmd, Code: bitcoin.RejectCode(j.Code), Reason: j.Reason, Hash: bitcoin.Hash(j.Hash)}
}

// admit takes any peer but ourselves.
func (x *opening) admit(dialect.Intro) error {
	if x.self {
		return fault.New(fault.Local, "open", dialect.ErrSelf)
	}
	return nil
}

// introduced notes what the remote said about itself.
func (p *Peer) introduced(v *bitcoin.Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	s.id = ids.Add(1)
	s.versionKnown = true
	s.advertised = v.Protocol
	s.negotiated = min(p.cfg.ProtocolVersion, v.Protocol)
	s.services = wire.ServiceFlag(v.Services)
	s.agent = v.Agent
	s.startingHeight, s.maxHeight = v.LastBlock, v.LastBlock
	s.timeOffset = v.Time - time.Now().Unix()
	s.witness = v.Services&bitcoin.ServiceWitness != 0
	na := *s.na
	na.Services = s.services
	s.na = &na
}

// messageOf returns a version message as listeners see it.
func messageOf(v *bitcoin.Version) *wire.MsgVersion {
	return &wire.MsgVersion{
		ProtocolVersion: int32(v.Protocol),
		Services:        wire.ServiceFlag(v.Services),
		Timestamp:       time.Unix(v.Time, 0),
		AddrYou:         netAddress(&v.To),
		AddrMe:          netAddress(&v.From),
		Nonce:           v.Nonce,
		UserAgent:       v.Agent,
		GenesisHash:     chainhash.Hash(v.Genesis),
		LastBlock:       v.LastBlock,
		DisableRelayTx:  !v.Relay,
	}
}

func netAddress(a *bitcoin.NetAddr) wire.NetAddress {
	ip := [16]byte{}
	if a.Addr.IP.IsValid() {
		ip = a.Addr.IP.As16()
	}
	return wire.NetAddress{Services: wire.ServiceFlag(a.Services), IP: ip[:], Port: a.Addr.Port}
}

// replay tells the listeners of what followed the version message: on Bitcoin's
// networks that belongs to the handshake. They are called when it is over, so that what
// they queue is sent.
func (x *opening) replay() {
	p := x.p
	x.each(x.seen, func(size int, msg wire.Message) {
		if _, ok := msg.(*wire.MsgVersion); ok {
			return
		}
		if f := p.cfg.Listeners.OnRead; f != nil {
			f(p, size, msg, nil)
		}
		if _, ok := msg.(*wire.MsgVerAck); ok {
			p.set(func(s *state) { s.verAck = true })
		}
		p.dispatch(msg, nil)
	})
	x.seen = nil
}

// each calls f for the messages in a run of frames that the dialect has written or
// found good. Those of commands that no message stands for are passed over.
func (x *opening) each(b []byte, f func(size int, msg wire.Message)) {
	for len(b) >= headerSize {
		n := headerSize + int(binary.LittleEndian.Uint32(b[16:]))
		if n > len(b) {
			return
		}
		command := string(bytes.TrimRight(b[4:4+wire.CommandSize], "\x00"))
		payload := bytes.Clone(b[headerSize:n])
		if msg, err := wire.DecodePayload(command, payload, x.p.pver(), wire.BaseEncoding|x.p.out.form); err == nil {
			f(n, msg)
		}
		b = b[n:]
	}
}
