package tendermint

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/tendermint/internal/secret"
	"parley/fault"
)

// Peer is how the other side introduced itself. It is in [dialect.Intro].Info, as
// a *Peer that nobody may change.
type Peer struct {
	Dialed   bool              // we made the connection
	NodeInfo *NodeInfo         // nil in 2014
	Key      ed25519.PublicKey // proven; nil in 2014

	self addr.Addr // where we can be dialed
	at   addr.Addr // where it can be: as it was dialed, or says; nowhere if it does not listen
}

// Open runs one side of the opening exchange; see [dialect.Dialect]. Both sides
// prove their keys and then introduce themselves. They take turns, the dialer
// first, though each would understand a peer that does not wait. In 2014 nothing
// is exchanged.
//
// Nodes of CometBFT do not wait, and take a peer for theirs as soon as it has
// introduced itself. So a node that dialed one of them lets it speak first, and says
// nothing to one that is not admitted: when both have dialed at once, no link is
// ended by us that they keep. Nodes of this engine, which would wait for each other,
// say that they take turns in a field that theirs pass over.
//
// Errors are of kind Protocol for what no correct node sends, and Refused for
// nodes that we have nothing to say to: of another network or protocol, without
// a channel in common, or not who was to be at the address that was dialed. Names
// of hosts in what the peer says are not looked up.
func (d *Dialect) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	if d.set.form != comet {
		return d.open2014(o)
	}
	c, err := d.prove(rw, o)
	if err != nil {
		return nil, err
	}
	own := d.introduce(o.Self)
	hello := c.AppendMessage(nil, own.append(nil))
	first := o.Dialing && (c.Turns || !turns(o))
	if first {
		if _, err := rw.Write(hello); err != nil {
			return nil, err
		}
	}
	theirs, err := d.meet(rw, c, own)
	if err != nil {
		return nil, err
	}
	in := intro(o, theirs, c.Remote)
	if err := o.Admit(in); err != nil {
		return nil, denied(err)
	}
	if !first {
		if _, err := rw.Write(hello); err != nil {
			return nil, err
		}
	}
	return d.link(in, c), nil
}

// prove runs the secret handshake.
func (d *Dialect) prove(rw io.ReadWriter, o *dialect.Opening) (*secret.Conn, error) {
	if o.Dialing {
		want := d.peers[o.Remote]
		return secret.Dial(rw, d.cfg.Key, turns(o), o.Rand, func(k ed25519.PublicKey) error { return d.expect(k, want) })
	}
	c, err := secret.Listen(rw, d.cfg.Key, turns(o), o.Rand)
	if err == nil {
		err = d.expect(c.Remote, "")
	}
	return c, err
}

// turns reports whether we say that we take turns. Every node does; an opening
// without a node around it, which has no nonce, is that of CometBFT byte by byte.
func turns(o *dialect.Opening) bool { return o.Self.Nonce != 0 }

// expect returns an error if a key is our own, or not that of the wanted
// identity, if there is one.
func (d *Dialect) expect(k ed25519.PublicKey, want string) error {
	switch id := ID(k); {
	case id == d.set.id:
		return fault.New(fault.Local, "open", dialect.ErrSelf)
	case want != "" && id != want:
		return fault.New(fault.Refused, "open", fmt.Errorf("peer is %s, want %s", id, want))
	}
	return nil
}

// introduce returns what we say of ourselves.
func (d *Dialect) introduce(self dialect.Self) *NodeInfo {
	n := &NodeInfo{
		P2P: d.cfg.P2P, Block: d.cfg.Block, App: d.cfg.App,
		ID:         d.set.id,
		ListenAddr: "tcp://" + listenText(self.Listen),
		Network:    d.cfg.Network,
		Version:    d.cfg.Version,
		Channels:   d.set.table.ids(),
		Moniker:    d.cfg.Moniker,
		TxIndex:    d.cfg.TxIndex,
		RPCAddress: d.cfg.RPCAddress,
	}
	if n.Version == "" && isText(self.Agent) {
		n.Version = self.Agent
	}
	setDefault(&n.Version, "parley")
	return n
}

// listenText returns a as it is announced: others refuse a node without an address,
// so one that does not know its own says that it is any.
func listenText(a addr.Addr) string {
	if a.HostOnly().IsZero() {
		return fmt.Sprintf("0.0.0.0:%d", a.Port)
	}
	return hostPort(a)
}

// meet reads how the other side introduces itself, and judges it.
func (d *Dialect) meet(r io.Reader, c *secret.Conn, own *NodeInfo) (*NodeInfo, error) {
	b, err := c.ReadMessage(r, "node info", maxNodeInfo)
	if err != nil {
		return nil, err
	}
	n, err := parseNodeInfo(b)
	if err != nil {
		return nil, err
	}
	if err := n.validate(); err != nil {
		return nil, fault.New(fault.Protocol, "open", fmt.Errorf("node info: %w", err))
	}
	if id := ID(c.Remote); n.ID != id {
		return nil, fault.New(fault.Protocol, "open", fmt.Errorf("node info: identity %s, but the key is that of %s", n.ID, id))
	}
	if err := own.compatible(n); err != nil {
		return nil, fault.New(fault.Refused, "open", err)
	}
	return n, nil
}

// intro describes the other side. Of its listening address only the port counts:
// nobody is believed about other machines than its own.
func intro(o *dialect.Opening, n *NodeInfo, key ed25519.PublicKey) dialect.Intro {
	p := &Peer{Dialed: o.Dialing, NodeInfo: n, Key: key, self: o.Self.Listen}
	in := dialect.Intro{ID: n.ID, Version: uint32(n.Block), Agent: n.Version, Info: p}
	if a, err := n.listen(); err == nil && a.Port != 0 {
		in.Listen = o.Remote.WithPort(a.Port)
	}
	if p.at = in.Listen; o.Dialing {
		p.at = o.Remote
	}
	return in
}

// denied returns what Open returns when Admit returned err.
func denied(err error) error {
	if _, ok := errors.AsType[*dialect.Refusal](err); ok {
		return fault.New(fault.Refused, "open", err)
	}
	return err
}

// link returns what was agreed on.
func (d *Dialect) link(in dialect.Intro, c *secret.Conn) *dialect.Link {
	s := &d.set
	remote := new([256]bool)
	for _, id := range in.Info.(*Peer).NodeInfo.Channels {
		remote[id] = true
	}
	return &dialect.Link{
		Intro:   in,
		Decoder: newSealedDecoder(c.Opener, newMux(comet, s.table, s.packet, s.pending), bytes.Clone(c.Rest())),
		Encoder: newPacker(comet, s.table, s.packet, remote, c.Sealer),
	}
}

// open2014 asks only ourselves: in 2014 nobody introduced himself. That we have dialed
// ourselves shows by the address alone.
func (d *Dialect) open2014(o *dialect.Opening) (*dialect.Link, error) {
	if o.Dialing && leadsTo(o.Remote, o.Self.Listen) {
		return nil, fault.New(fault.Local, "open", dialect.ErrSelf)
	}
	in := dialect.Intro{Info: &Peer{Dialed: o.Dialing, self: o.Self.Listen}}
	if o.Dialing {
		in.Listen = o.Remote
	}
	if err := o.Admit(in); err != nil {
		return nil, denied(err)
	}
	s := &d.set
	return &dialect.Link{
		Intro:   in,
		Decoder: plainDecoder{newMux(s.form, s.table, s.packet, s.pending)},
		Encoder: newPacker(s.form, s.table, s.packet, nil, nil),
	}, nil
}

// leadsTo reports whether who dials a comes to where a node listens, as far as that is
// known: of one that knows only its port, on its own machine.
func leadsTo(a, listen addr.Addr) bool {
	host := listen.HostOnly()
	return a.Port == listen.Port && (a.HostOnly() == host || host.IsZero() && a.IP.IsLoopback())
}
