package peer

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/fault"
)

// Peer is one connection to a remote node, from before it is made until after it
// ended. All methods may be called from any goroutine, and from listeners but for
// WaitForDisconnect.
//
// A connected peer has two goroutines: one reads and calls the listeners, the other
// writes and keeps time. The second is there only while it has something to do, and
// for some seconds after.
type Peer struct {
	// Immutable.
	cfg     Config
	inbound bool
	nonce   uint64
	epoch   time.Time     // what stamps count from
	quit    chan struct{} // closed when the peer is disconnected

	// Owned by the reading goroutine while it opens the connection, then
	// immutable.
	conn    net.Conn
	dialect *bitcoin.Dialect
	encoder dialect.Encoder

	wg      sync.WaitGroup
	signals signals
	out     outbox
	brain   brain
	reader  reader // owned by the reading goroutine
	serving atomic.Bool

	// Counters. Stamps are nanoseconds since epoch, 0 for never.
	bytesSent, bytesReceived atomic.Uint64
	lastSend, lastRecv       atomic.Int64

	mu    sync.RWMutex
	state state
	ended bool
}

// state is what a peer knows about the remote, and what it has asked it. It is
// guarded by Peer.mu; nothing that a pointer leads to ever changes.
type state struct {
	connected bool
	since     time.Time // of the connection
	addr      string
	na        *wire.NetAddress

	id           int32
	services     wire.ServiceFlag
	agent        string
	versionKnown bool
	advertised   uint32
	negotiated   uint32
	verAck       bool
	witness      bool
	wantsHeaders bool
	wantsAddrV2  bool
	timeOffset   int64

	startingHeight int32
	maxHeight      int32
	lastAnnounced  *chainhash.Hash

	pingNonce  uint64
	pingTime   time.Time
	pingMicros int64

	blocks, headers question
}

// ids counts the peers of this process that were accepted.
var ids atomic.Int32

// NewInboundPeer returns a peer for a connection that a remote made.
func NewInboundPeer(cfg *Config) *Peer { return newPeer(cfg, true) }

// NewOutboundPeer returns a peer for a connection to be made to an address,
// host:port. It is an error if that has no port, or if the configuration does not
// find the host's address.
func NewOutboundPeer(cfg *Config, addr string) (*Peer, error) {
	p := newPeer(cfg, false)
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port: %w", err)
	}
	p.state.addr = addr
	if p.cfg.HostToNetAddress == nil {
		p.state.na = wire.NewNetAddressIPPort(net.ParseIP(host), uint16(port), 0)
		return p, nil
	}
	na, err := p.cfg.HostToNetAddress(host, uint16(port), 0)
	if err != nil {
		return nil, err
	}
	p.state.na = na
	return p, nil
}

func newPeer(cfg *Config, inbound bool) *Peer {
	p := &Peer{
		cfg:     cfg.completed(),
		inbound: inbound,
		nonce:   newNonce(),
		epoch:   time.Now(),
		quit:    make(chan struct{}),
	}
	p.signals.pending = make(chan struct{}, unheard)
	p.out.limit, p.out.wait = p.cfg.MaxSendQueue, p.cfg.QueueWait
	p.out.net = p.cfg.ChainParams.Net
	if p.cfg.ChainParams.Bitcoin {
		p.out.form = wire.BitcoinForm
	}
	p.out.listen = p.cfg.Listeners.OnWrite != nil
	p.out.wake = make(chan struct{}, 1)
	p.out.start = func() { p.wg.Go(p.write) }
	p.state.services = p.cfg.Services
	p.state.negotiated = p.cfg.ProtocolVersion
	return p
}

// AssociateConnection gives the peer its connection and begins the handshake. The
// peer closes the connection in the end: at once if it was disconnected before,
// or if it has another one already.
func (p *Peer) AssociateConnection(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.state.connected && !same(p.conn, conn) {
		p.wg.Go(func() { conn.Close() })
		return
	}
	if p.state.connected {
		return
	}
	p.conn = conn
	p.state.connected, p.state.since = true, time.Now()
	if p.inbound {
		p.state.addr = conn.RemoteAddr().String()
		p.state.na = netAddressOf(conn.RemoteAddr(), p.cfg.Services)
	}
	p.wg.Go(p.run)
}

// same reports whether two connections are one. Those that cannot be compared are
// taken for one, so that none is closed by mistake.
func same(a, b net.Conn) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return a == b
}

// netAddressOf returns what a remote's address says. A host that is no IP address,
// as those of proxies may be, is written as the unspecified one.
func netAddressOf(a net.Addr, services wire.ServiceFlag) *wire.NetAddress {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return wire.NewNetAddress(tcp, services)
	}
	host, portText, _ := net.SplitHostPort(a.String())
	ip := net.ParseIP(host)
	if ip == nil {
		ip = net.IPv4zero
	}
	port, _ := strconv.ParseUint(portText, 10, 16)
	return wire.NewNetAddressIPPort(ip, uint16(port), services)
}

// Disconnect closes the connection and returns at once. What is still to be sent is
// dropped, and its done channels are signalled. A connection that the peer is given
// later is closed.
func (p *Peer) Disconnect() { p.end(errAsked) }

var errAsked = fault.New(fault.Local, "peers", errors.New("the application asked for it"))

// WaitForDisconnect returns when the peer was disconnected and nothing of it runs any
// more: no listener, nothing that reads or writes. Only done channels that nobody
// receives from may still have their signal to come. It must not be called by a
// listener, which it would wait for.
func (p *Peer) WaitForDisconnect() {
	<-p.quit
	p.wg.Wait()
}

// end disconnects the peer for a reason.
func (p *Peer) end(why error) {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended = true
	conn := p.conn
	p.mu.Unlock()
	p.out.close() // no writer is started any more
	close(p.quit)
	if conn != nil {
		conn.Close()
	}
	p.logf("Disconnected from %v: %v", p, why)
}

// run opens the connection and then reads it until it ends.
func (p *Peer) run() {
	x := &opening{p: p}
	link, err := x.run()
	if err != nil {
		p.end(err)
		p.giveUp(nil)
		return
	}
	p.encoder = link.Encoder
	if hs, ok := link.Intro.Info.(*bitcoin.Handshake); ok {
		p.set(func(s *state) { s.wantsAddrV2 = hs.AddrV2 })
	}
	p.join(link.Intro)
	p.out.open(link.Intro.Version)
	p.wg.Go(p.write)
	x.replay()
	p.end(p.read(link.Decoder))
}
