package peer_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/peer"
	"parley/compat/soter/wire"
)

// config returns a configuration on the simulation network.
func config(l peer.MessageListeners) *peer.Config {
	return &peer.Config{
		UserAgentName: "peer", UserAgentVersion: "1.0.0",
		ChainParams: &chaincfg.SimNetParams,
		Listeners:   l,
	}
}

// conn is one end of a pipe with addresses that look like those of the network.
type conn struct {
	net.Conn
	local, remote net.Addr
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// pipe returns both ends of a connection without buffers.
func pipe() (dialer, listener *conn) {
	a, b := net.Pipe()
	at := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 8333}
	from := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 50000}
	return &conn{a, from, at}, &conn{b, at, from}
}

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (dialer, listener net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialer, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	listener, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return dialer, listener
}

// patience is how long tests wait for what must happen.
const patience = time.Minute

// await waits for a signal.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// connect makes two peers and connects them. When it returns both have received
// the other's verack. They are gone when the test is over.
func connect(t testing.TB, inCfg, outCfg *peer.Config) (in, out *peer.Peer) {
	t.Helper()
	dialer, listener := loopback(t)
	veracks := make(chan struct{}, 2)
	hook := func(cfg *peer.Config) *peer.Config {
		c := *cfg
		own := c.Listeners.OnVerAck
		c.Listeners.OnVerAck = func(p *peer.Peer, m *wire.MsgVerAck) {
			if own != nil {
				own(p, m)
			}
			veracks <- struct{}{}
		}
		return &c
	}
	in = peer.NewInboundPeer(hook(inCfg))
	out, err := peer.NewOutboundPeer(hook(outCfg), listener.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gone(in, out) })
	in.AssociateConnection(listener)
	out.AssociateConnection(dialer)
	await(t, "first verack", veracks)
	await(t, "second verack", veracks)
	return in, out
}

// gone disconnects peers and waits for them.
func gone(ps ...*peer.Peer) {
	for _, p := range ps {
		p.Disconnect()
		p.WaitForDisconnect()
	}
}

// remote is the other end of a peer's connection, played by a test.
type remote struct {
	t    testing.TB
	net  *chaincfg.Params
	conn net.Conn
	got  chan wire.Message // closed when the connection is
}

// against connects a peer with a remote that reads everything.
func against(t testing.TB, p *peer.Peer, params *chaincfg.Params) *remote {
	t.Helper()
	dialer, listener := pipe()
	mine, theirs := dialer, listener
	if !p.Inbound() {
		mine, theirs = listener, dialer
	}
	r := &remote{t: t, net: params, conn: mine, got: make(chan wire.Message, 100_000)}
	p.AssociateConnection(theirs)
	go r.read()
	t.Cleanup(func() {
		gone(p)
		mine.Close()
	})
	return r
}

func (r *remote) enc() wire.MessageEncoding {
	if r.net.Bitcoin {
		return wire.WitnessEncoding | wire.BitcoinForm
	}
	return wire.WitnessEncoding
}

func (r *remote) read() {
	defer close(r.got)
	for {
		_, m, _, err := wire.ReadMessageWithEncodingN(r.conn, wire.ProtocolVersion, r.net.Net, r.enc())
		if err != nil {
			return
		}
		r.got <- m
	}
}

// send writes messages. That the peer has closed the connection is no error.
func (r *remote) send(ms ...wire.Message) {
	r.t.Helper()
	for _, m := range ms {
		_, err := wire.WriteMessageWithEncodingN(r.conn, m, wire.ProtocolVersion, r.net.Net, r.enc())
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			r.t.Errorf("%s: %v", m.Command(), err)
		}
	}
}

// version returns a version message that a peer accepts.
func (r *remote) version(pver uint32, services wire.ServiceFlag) *wire.MsgVersion {
	na := wire.NewNetAddressIPPort(net.IPv4(10, 0, 0, 9), 8333, services)
	m := wire.NewMsgVersion(na, na, 0xfeed_faef_ce01, 7)
	m.ProtocolVersion = int32(pver)
	m.Services = services
	m.GenesisHash = *r.net.GenesisHash
	return m
}

// shake goes through the handshake and returns the peer's version message.
func (r *remote) shake(pver uint32) *wire.MsgVersion {
	r.t.Helper()
	r.send(r.version(pver, wire.SFNodeNetwork))
	v, ok := (<-r.got).(*wire.MsgVersion)
	if !ok {
		r.t.Fatal("the peer does not begin with version")
	}
	r.want(wire.CmdVerAck)
	r.send(&wire.MsgVerAck{})
	return v
}

// want reads a message of a command.
func (r *remote) want(command string) wire.Message {
	r.t.Helper()
	m, ok := <-r.got
	if !ok {
		r.t.Fatalf("the connection is closed, want %s", command)
	}
	if m.Command() != command {
		r.t.Fatalf("got %s %+v, want %s", m.Command(), m, command)
	}
	return m
}

// wantEnd reads up to the end, which must be next.
func (r *remote) wantEnd() {
	r.t.Helper()
	if m, ok := <-r.got; ok {
		r.t.Fatalf("got %s %+v, want the end", m.Command(), m)
	}
}

func newOutbound(t testing.TB, cfg *peer.Config) *peer.Peer {
	t.Helper()
	p, err := peer.NewOutboundPeer(cfg, "10.0.0.1:8333")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
