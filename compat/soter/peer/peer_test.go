package peer_test

import (
	"errors"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// shaken connects two peers under virtual time. When it returns the handshake is over
// and everything is counted.
func shaken(t *testing.T, inCfg, outCfg *peer.Config) (in, out *peer.Peer) {
	t.Helper()
	in, out = peer.NewInboundPeer(inCfg), newOutbound(t, outCfg)
	dialer, listener := pipe()
	in.AssociateConnection(listener)
	out.AssociateConnection(dialer)
	t.Cleanup(func() { gone(in, out) })
	synctest.Wait()
	return in, out
}

// TestHandshake looks at everything that two peers know about each other.
func TestHandshake(t *testing.T) { synctest.Test(t, testHandshake) }

func testHandshake(t *testing.T) {
	inCfg := config(peer.MessageListeners{})
	inCfg.UserAgentComments = []string{"comment"}
	inCfg.Services = wire.SFNodeNetwork | wire.SFNodeWitness
	inCfg.NewestBlock = func() (*chainhash.Hash, int32, error) { return &chainhash.Hash{}, 234439, nil }
	outCfg := config(peer.MessageListeners{})
	outCfg.ProtocolVersion = wire.RejectVersion
	in, out := shaken(t, inCfg, outCfg)

	for _, p := range []*peer.Peer{in, out} {
		s := p.StatsSnapshot()
		want := peer.StatsSnap{
			ID: p.ID(), Addr: p.Addr(), Services: p.Services(), LastSend: p.LastSend(), LastRecv: p.LastRecv(),
			BytesSent: p.BytesSent(), BytesRecv: p.BytesReceived(), ConnTime: p.TimeConnected(),
			TimeOffset: p.TimeOffset(), Version: s.Version, UserAgent: p.UserAgent(), Inbound: p.Inbound(),
			StartingHeight: p.StartingHeight(), LastBlock: p.MaxBlockHeight(),
			LastPingNonce: p.LastPingNonce(), LastPingTime: p.LastPingTime(), LastPingMicros: p.LastPingMicros(),
		}
		if *s != want {
			t.Errorf("%v: the snapshot is %+v, the getters say %+v", p, *s, want)
		}
		if p.ID() == 0 || !p.VersionKnown() || !p.VerAckReceived() || !p.Connected() || p.WantsHeaders() {
			t.Errorf("%v: id %d, version known %v, verack %v, connected %v, headers %v",
				p, p.ID(), p.VersionKnown(), p.VerAckReceived(), p.Connected(), p.WantsHeaders())
		}
		if p.ProtocolVersion() != wire.RejectVersion {
			t.Errorf("%v: protocol version %d was negotiated, want %d", p, p.ProtocolVersion(), wire.RejectVersion)
		}
		if p.LocalAddr() == nil || p.TimeOffset() < -1 || p.TimeOffset() > 1 || p.TimeConnected().IsZero() {
			t.Errorf("%v: local address %v, time offset %d, connected at %v", p, p.LocalAddr(), p.TimeOffset(), p.TimeConnected())
		}
	}
	if got, want := out.UserAgent(), wire.DefaultUserAgent+"peer:1.0.0(comment)/"; got != want {
		t.Errorf("user agent %q, want %q", got, want)
	}
	if out.Services() != inCfg.Services || out.NA().Services != inCfg.Services || !out.IsWitnessEnabled() || in.IsWitnessEnabled() {
		t.Errorf("services %v, %v, witness %v, %v", out.Services(), out.NA().Services, out.IsWitnessEnabled(), in.IsWitnessEnabled())
	}
	if out.StartingHeight() != 234439 || out.MaxBlockHeight() != 234439 {
		t.Errorf("heights %d, %d, want 234439", out.StartingHeight(), out.MaxBlockHeight())
	}
	if v := in.StatsSnapshot().Version; v != wire.RejectVersion {
		t.Errorf("the newest version of the remote is %d, want %d", v, wire.RejectVersion)
	}
	if v := out.StatsSnapshot().Version; v != peer.MaxProtocolVersion {
		t.Errorf("the newest version of the remote is %d, want %d", v, peer.MaxProtocolVersion)
	}
	if !in.Inbound() || out.Inbound() || out.String() != out.Addr()+" (outbound)" || in.String() != in.Addr()+" (inbound)" {
		t.Errorf("the peers are %v and %v", in, out)
	}
}

// TestHandshakeBytes counts what soterd's own test counts: a version message of 155
// bytes, a verack, and their headers.
func TestHandshakeBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(peer.MessageListeners{})
		cfg.UserAgentComments = []string{"comment"}
		in, out := shaken(t, cfg, cfg)
		for _, p := range []*peer.Peer{in, out} {
			if s, r := p.BytesSent(), p.BytesReceived(); s != 203 || r != 203 {
				t.Errorf("%v: %d bytes sent, %d received, want 203", p, s, r)
			}
		}
	})
}

// TestVersionMessage looks at what a peer says of itself.
func TestVersionMessage(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	cfg.Services = wire.SFNodeBloom
	cfg.DisableRelayTx = true
	cfg.NewestBlock = func() (*chainhash.Hash, int32, error) { return nil, 77, nil }
	p := newOutbound(t, cfg)
	r := against(t, p, &chaincfg.SimNetParams)
	v := r.shake(wire.ProtocolVersion)
	if v.ProtocolVersion != int32(wire.ProtocolVersion) || v.Services != wire.SFNodeBloom || !v.DisableRelayTx ||
		v.LastBlock != 77 || v.GenesisHash != *chaincfg.SimNetParams.GenesisHash || v.Nonce == 0 {
		t.Errorf("version %+v", v)
	}
	if !v.AddrYou.IP.Equal(net.IPv4(10, 0, 0, 1)) || v.AddrYou.Port != 8333 || v.AddrYou.Services != wire.SFNodeNetwork {
		t.Errorf("the receiver is %+v", v.AddrYou)
	}
	if !v.AddrMe.IP.Equal(net.IPv6zero) || v.AddrMe.Port != 0 || v.AddrMe.Services != wire.SFNodeBloom {
		t.Errorf("the sender is %+v", v.AddrMe)
	}
	if age := time.Since(v.Timestamp); age < 0 || age > time.Hour {
		t.Errorf("it was made %v ago", age)
	}
}

// TestProxy checks that a proxy is not told its own address.
func TestProxy(t *testing.T) {
	for proxy, want := range map[string]bool{"10.0.0.1:9050": false, "nonsense": false, "10.0.0.3:9050": true} {
		cfg := config(peer.MessageListeners{})
		cfg.Proxy = proxy
		r := against(t, newOutbound(t, cfg), &chaincfg.SimNetParams)
		v := r.shake(wire.ProtocolVersion)
		if told := v.AddrYou.IP.Equal(net.IPv4(10, 0, 0, 1)); told != want {
			t.Errorf("through %s the receiver is %v", proxy, v.AddrYou.IP)
		}
	}
}

// TestOnVersionReject checks soterd's later form: what it returns is sent.
func TestOnVersionReject(t *testing.T) {
	var order []string
	cfg := config(peer.MessageListeners{
		OnVersion: func(p *peer.Peer, _ *wire.MsgVersion) {
			order = append(order, "OnVersion")
			if !p.VersionKnown() || p.ID() == 0 {
				t.Error("the peer does not know the version that OnVersion is called for")
			}
		},
		OnVersionReject: func(*peer.Peer, *wire.MsgVersion) *wire.MsgReject {
			order = append(order, "OnVersionReject")
			return wire.NewMsgReject(wire.CmdVersion, wire.RejectNonstandard, "not you")
		},
	})
	p := peer.NewInboundPeer(cfg)
	r := against(t, p, &chaincfg.SimNetParams)
	r.send(r.version(wire.ProtocolVersion, 0))
	j := r.want(wire.CmdReject).(*wire.MsgReject)
	if j.Cmd != wire.CmdVersion || j.Code != wire.RejectNonstandard || j.Reason != "not you" {
		t.Errorf("reject %+v", j)
	}
	r.wantEnd()
	p.WaitForDisconnect()
	if !reflect.DeepEqual(order, []string{"OnVersion", "OnVersionReject"}) {
		t.Errorf("called %v", order)
	}
}

// semver is the shape of a version of any library for semantic versions.
type semver struct{ major, minor, patch uint64 }

func (semver) String() string { return "2.0.1" }

func TestUserAgentSemver(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	cfg.UserAgentSemver = semver{2, 0, 1}
	r := against(t, newOutbound(t, cfg), &chaincfg.SimNetParams)
	if v, want := r.shake(wire.ProtocolVersion), wire.DefaultUserAgent+"peer:2.0.1/"; v.UserAgent != want {
		t.Errorf("user agent %q, want %q", v.UserAgent, want)
	}
}

// TestHandshakeRefused checks that what keeps peers apart does.
func TestHandshakeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(v *wire.MsgVersion)
		code   wire.RejectCode
	}{
		"genesis": {func(v *wire.MsgVersion) { v.GenesisHash[0]++ }, wire.RejectInvalid},
		"major":   {func(v *wire.MsgVersion) { v.UserAgent = "/peer:2.0.0/" }, wire.RejectInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			p := peer.NewInboundPeer(config(peer.MessageListeners{}))
			r := against(t, p, &chaincfg.SimNetParams)
			v := r.version(wire.ProtocolVersion, 0)
			c.change(v)
			r.send(v)
			if j := r.want(wire.CmdReject).(*wire.MsgReject); j.Cmd != wire.CmdVersion || j.Code != c.code {
				t.Errorf("reject %+v", j)
			}
			r.wantEnd()
			p.WaitForDisconnect()
			if p.Connected() {
				t.Error("it is connected")
			}
		})
	}
}

// TestNewestBlockFails ends the handshake, and tells whoever queued a message.
func TestNewestBlockFails(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	cfg.NewestBlock = func() (*chainhash.Hash, int32, error) { return nil, 0, errors.New("no block") }
	p := newOutbound(t, cfg)
	r := against(t, p, &chaincfg.SimNetParams)
	r.wantEnd()
	p.WaitForDisconnect()
	done := make(chan struct{})
	p.QueueMessage(wire.NewMsgVerAck(), done)
	await(t, "signal", done)
	p.QueueInventory(&wire.InvVect{Type: wire.InvTypeBlock})
}

func TestNewOutboundPeer(t *testing.T) {
	for _, bad := range []string{"10.0.0.1", "10.0.0.1:port", "10.0.0.1:65536"} {
		if _, err := peer.NewOutboundPeer(&peer.Config{}, bad); err == nil {
			t.Errorf("%s is an address", bad)
		}
	}
	p := newOutbound(t, &peer.Config{})
	if p.Addr() != "10.0.0.1:8333" || !p.NA().IP.Equal(net.IPv4(10, 0, 0, 1)) || p.NA().Port != 8333 || p.LocalAddr() != nil || p.Connected() {
		t.Errorf("%v, %+v, %v", p, p.NA(), p.LocalAddr())
	}
	errName := errors.New("no such host")
	cfg := &peer.Config{HostToNetAddress: func(host string, port uint16, s wire.ServiceFlag) (*wire.NetAddress, error) {
		if host != "known" {
			return nil, errName
		}
		return wire.NewNetAddressIPPort(net.IPv4(10, 1, 1, 1), port, s), nil
	}}
	if _, err := peer.NewOutboundPeer(cfg, "unknown:1"); !errors.Is(err, errName) {
		t.Errorf("the error is %v", err)
	}
	p, err := peer.NewOutboundPeer(cfg, "known:1")
	if err != nil || !p.NA().IP.Equal(net.IPv4(10, 1, 1, 1)) || p.Addr() != "known:1" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestUpdates checks the setters.
func TestUpdates(t *testing.T) {
	p := newOutbound(t, &peer.Config{})
	h := chainhash.Hash{1}
	p.UpdateLastAnnouncedBlock(&h)
	h[0] = 2
	if got := p.LastAnnouncedBlock(); *got != (chainhash.Hash{1}) {
		t.Errorf("last announced %v", got)
	}
	for _, height := range []int32{10, 5} {
		p.UpdateMaxBlockHeight(height)
		if p.MaxBlockHeight() != height {
			t.Errorf("height %d, want %d", p.MaxBlockHeight(), height)
		}
	}
	if as := peer.NewPeerAddrs(); as.Inbound == nil || as.Outbound == nil || as.Known == nil {
		t.Errorf("%+v", as)
	}
}

// TestSelfConnection finds a node that dialed itself where peers share a Self, and a
// remote that sends a peer's own nonce back; hostile_self_connect.
func TestSelfConnection(t *testing.T) {
	t.Run("same node", func(t *testing.T) {
		self := &peer.Self{}
		inCfg, outCfg := config(peer.MessageListeners{}), config(peer.MessageListeners{})
		inCfg.Listeners.OnVersion = func(*peer.Peer, *wire.MsgVersion) { t.Error("the version of ourselves is shown") }
		inCfg.Self, outCfg.Self = self, self
		in, out := peer.NewInboundPeer(inCfg), newOutbound(t, outCfg)
		dialer, listener := loopback(t)
		out.AssociateConnection(dialer)
		in.AssociateConnection(listener)
		in.WaitForDisconnect()
		out.WaitForDisconnect()
	})
	t.Run("own nonce", func(t *testing.T) {
		p := newOutbound(t, config(peer.MessageListeners{}))
		r := against(t, p, &chaincfg.SimNetParams)
		v := r.want(wire.CmdVersion)
		r.send(v)
		r.wantEnd()
		p.WaitForDisconnect()
	})
}

// TestDistinctPeersOfOneProcess connects peers with one configuration: detection of
// connections to ourselves must not fire between them. soterd's did.
func TestDistinctPeersOfOneProcess(t *testing.T) {
	cfg := config(peer.MessageListeners{})
	in, out := connect(t, cfg, cfg)
	if !in.Connected() || !out.Connected() {
		t.Error("they are not connected")
	}
	a, b := config(peer.MessageListeners{}), config(peer.MessageListeners{})
	a.Self, b.Self = &peer.Self{}, &peer.Self{}
	connect(t, a, b)
}

// TestSelfForgets keeps the last fifty nonces only.
func TestSelfForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(peer.MessageListeners{})
		cfg.Self = &peer.Self{}
		p := newOutbound(t, cfg)
		first := against(t, p, &chaincfg.SimNetParams).want(wire.CmdVersion).(*wire.MsgVersion)
		for n := range 50 {
			in := peer.NewInboundPeer(cfg)
			r := against(t, in, &chaincfg.SimNetParams)
			v := r.version(wire.ProtocolVersion, 0)
			v.Nonce = first.Nonce
			r.send(v)
			if n < 49 {
				r.wantEnd()
			} else {
				r.want(wire.CmdVersion)
			}
			gone(in)
		}
	})
}
