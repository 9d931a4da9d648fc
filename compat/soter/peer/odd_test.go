package peer_test

import (
	"net"
	"testing"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// textAddr is an address as those of proxies are: not a TCP address.
type textAddr string

func (textAddr) Network() string  { return "proxy" }
func (a textAddr) String() string { return string(a) }

// TestProxiedAddress takes the address of an inbound peer from its text. A host that is
// a name is unknown.
func TestProxiedAddress(t *testing.T) {
	for text, want := range map[textAddr]wire.NetAddress{
		"10.9.8.7:1234":      {IP: net.IPv4(10, 9, 8, 7), Port: 1234},
		"host.example:12345": {IP: net.IPv4zero, Port: 12345},
		"nothing":            {IP: net.IPv4zero},
	} {
		p := peer.NewInboundPeer(config(peer.MessageListeners{}))
		if p.NA() != nil || p.Addr() != "" {
			t.Errorf("without a connection it is %v, %v", p.NA(), p.Addr())
		}
		dialer, listener := pipe()
		listener.remote = text
		p.AssociateConnection(listener)
		if na := p.NA(); !na.IP.Equal(want.IP) || na.Port != want.Port || p.Addr() != string(text) {
			t.Errorf("%s is %v", text, na)
		}
		gone(p)
		dialer.Close()
	}
}

// uncomparable is a connection that cannot be compared with another.
type uncomparable struct {
	*conn
	_ func()
}

// TestUncomparable takes the same connection twice, as far as anybody can tell.
func TestUncomparable(t *testing.T) {
	dialer, listener := pipe()
	p := newOutbound(t, config(peer.MessageListeners{}))
	p.AssociateConnection(uncomparable{conn: dialer})
	p.AssociateConnection(uncomparable{conn: dialer})
	if _, m, _, err := wire.ReadMessageN(listener, wire.ProtocolVersion, wire.SimNet); err != nil || m.Command() != wire.CmdVersion {
		t.Errorf("on it came %v, %v", m, err)
	}
	gone(p)
	listener.Close()
}

// TestLenient passes over payloads that are none on regression nets, from this machine
// only.
func TestLenient(t *testing.T) {
	for from, lenient := range map[textAddr]bool{"127.0.0.1:50000": true, "localhost:50000": true, "10.0.0.2:50000": false} {
		bad := make(chan error, 1)
		cfg := config(peer.MessageListeners{OnRead: func(_ *peer.Peer, _ int, _ wire.Message, err error) {
			if err != nil {
				bad <- err
			}
		}})
		cfg.ChainParams = &chaincfg.RegressionNetParams
		p := peer.NewInboundPeer(cfg)
		dialer, listener := pipe()
		listener.remote = from
		r := &remote{t: t, net: cfg.ChainParams, conn: dialer, got: make(chan wire.Message, 9)}
		p.AssociateConnection(listener)
		go r.read()
		r.shake(wire.ProtocolVersion)
		frame := rawFrame(wire.CmdTx, []byte{1, 0, 0, 0, 1})
		copy(frame, []byte{0xfa, 0xbf, 0xb5, 0xda})
		dialer.Write(frame)
		if err := <-bad; err == nil {
			t.Error("OnRead was told of no error")
		}
		if lenient {
			r.send(wire.NewMsgPing(3))
			r.want(wire.CmdPong)
		} else {
			r.want(wire.CmdReject)
			r.wantEnd()
		}
		gone(p)
		dialer.Close()
	}
}

// TestUnknownCommand is passed over on Bitcoin's networks, where commands are added
// without asking, and malformed on Soter's; hostile_unknown_command.
func TestUnknownCommand(t *testing.T) {
	var rec recorder
	cfg := config(rec.listeners())
	cfg.ChainParams = &chaincfg.BitcoinSimNetParams
	p := peer.NewInboundPeer(cfg)
	r := against(t, p, cfg.ChainParams)
	r.send(r.version(wire.AddrV2Version, 0))
	r.want(wire.CmdVersion)
	r.want(wire.CmdSendAddrV2)
	r.want(wire.CmdVerAck)
	r.conn.Write(rawFrame("early", []byte{1}))
	r.send(&wire.MsgSendAddrV2{}, &wire.MsgVerAck{})
	r.conn.Write(rawFrame("frobnicate", []byte{1, 2, 3}))
	r.send(wire.NewMsgPing(3))
	r.want(wire.CmdPong)
}
