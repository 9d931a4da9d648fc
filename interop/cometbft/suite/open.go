package suite

import (
	"bytes"
	"errors"
	"testing"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/fault"
	"parley/interop/cometbft/real"
	"parley/node"
)

// handshake has both sides prove their keys and read what the other says of itself.
func handshake(t *testing.T) {
	eachRole(t, func(t *testing.T, weDial bool) {
		p := link(t, weDial, nil, nil)
		in := p.link.Intro()
		peer, ok := in.Info.(*tendermint.Peer)
		if !ok {
			t.Fatalf("the introduction is a %T", in.Info)
		}
		want, got := p.theirs.Info(), peer.NodeInfo
		switch {
		case !bytes.Equal(peer.Key, key(theirKey)[32:]):
			t.Errorf("the key that was proven is %x", peer.Key)
		case got.ID != p.theirs.ID(), got.P2P != want.ProtocolVersion.P2P, got.Block != want.ProtocolVersion.Block,
			got.App != want.ProtocolVersion.App, got.ListenAddr != want.ListenAddr, got.Network != want.Network,
			got.Version != want.Version, !bytes.Equal(got.Channels, want.Channels), got.Moniker != want.Moniker,
			got.TxIndex != want.Other.TxIndex, got.RPCAddress != want.Other.RPCAddress:
			t.Errorf("we read %+v, they said %+v", got, want)
		}
		p.theirsRead(t, !weDial)
	})
}

// theirsRead checks what their switch knows of us.
func (p *pair) theirsRead(t *testing.T, outbound bool) {
	t.Helper()
	got := p.theirs.Peer(p.ours.dialect.ID())
	if got == nil {
		t.Fatal("they do not have us")
	}
	switch {
	case got.IsOutbound() != outbound:
		t.Errorf("they take us for outbound: %v", got.IsOutbound())
	case got.NodeInfo().Validate() != nil:
		t.Errorf("what we say of ourselves: %v", got.NodeInfo().Validate())
	case p.theirs.Info().CompatibleWith(got.NodeInfo()) != nil:
		t.Errorf("what we say of ourselves: %v", p.theirs.Info().CompatibleWith(got.NodeInfo()))
	}
	if a, err := got.NodeInfo().NetAddress(); err != nil || a.String() != p.ours.address() {
		t.Errorf("they would dial us at %v (%v), want %s", a, err, p.ours.address())
	}
}

// wrongIdentity dials an address where somebody else answers than is expected.
func wrongIdentity(t *testing.T) {
	t.Run("we dial", func(t *testing.T) {
		t.Parallel()
		s := theirs(t, theirKey, nil)
		a, err := tendermint.ParseNetAddress(s.Address())
		if err != nil {
			t.Fatal(err)
		}
		expected := func(c *tendermint.Config) {
			c.Peers = []tendermint.NetAddress{{ID: identity(stranger), Addr: a.Addr}}
		}
		o := start(t, ourKey, expected, nil)
		if _, err := o.dial(t, s.Address()); fault.KindOf(err) != fault.Refused {
			t.Errorf("the link ends with %v, want a refusal", err)
		}
	})
	t.Run("they dial", func(t *testing.T) {
		t.Parallel()
		s, o := theirs(t, theirKey, nil), start(t, ourKey, nil, nil)
		wrong := tendermint.NetAddress{ID: identity(stranger), Addr: o.Listening()[0]}
		if err := s.Dial(wrong.String()); err == nil {
			t.Error("they took us for somebody else")
		}
	})
	t.Run("ourselves", func(t *testing.T) {
		t.Parallel()
		s := theirs(t, ourKey, nil)
		o := start(t, ourKey, nil, nil)
		if _, err := o.dial(t, s.Address()); !errors.Is(err, dialect.ErrSelf) {
			t.Errorf("the link to who has our key ends with %v", err)
		}
	})
}

// theyStopUs sends what their reactor stops a peer for, and comes back because the
// peer is one to hold on to.
func theyStopUs(t *testing.T) {
	s := theirs(t, theirKey, nil)
	a, err := tendermint.ParseNetAddress(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	always := func(c *node.Config) { c.Core.Always = []addr.Addr{a.Addr} }
	o := start(t, ourKey, func(c *tendermint.Config) { c.Peers = []tendermint.NetAddress{a} }, always)
	for range 3 {
		l := o.up(t, s.ID())
		find(t, s.Events, "they have us", isUp)
		if err := l.Send(t.Context(), dialect.Message{Type: 0x30, Body: []byte{real.Bad}}); err != nil {
			t.Fatal(err)
		}
		if e := find(t, s.Events, "they stop us", isDown); e.Peer != o.dialect.ID() {
			t.Errorf("they stopped %s", e.Peer)
		}
		if k := fault.KindOf(o.down(t, s.ID())); k != fault.IO {
			t.Errorf("our link ends with a fault of kind %v, want that of a connection", k)
		}
	}
}

func isUp(e real.Event) bool   { return e.Up }
func isDown(e real.Event) bool { return !e.Up }
