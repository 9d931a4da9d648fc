// Package real runs CometBFT's own Switch, transport, reactors and address book
// on loopback. It compiles against every version whose Go interface is that of
// 0.38, which 1.0 kept: which version it is, the module that runs it says.
package real

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/cometbft/cometbft/config"
	cometkey "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/p2p/pex"
	"github.com/cometbft/cometbft/version"
)

// Unlimited is a rate in bytes a second that nothing here comes near.
const Unlimited = 1 << 40

// Config says what a switch is to be. The zero values of the durations mean
// CometBFT's defaults.
type Config struct {
	Key        ed25519.PrivateKey
	Network    string
	Channels   []byte // of the application; the later, the higher its priority
	PEX        bool
	EnsureIn   time.Duration // how often the PEX reactor looks for peers
	Ping, Pong time.Duration
	Info       func(*p2p.DefaultNodeInfo) // changes how the switch introduces itself

	// Receive takes the messages instead of Received, on the peer's goroutine.
	Receive func(channel byte, body []byte)
}

// Switch is a running switch of theirs.
type Switch struct {
	*p2p.Switch
	Book     pex.AddrBook // nil without PEX
	Events   <-chan Event
	Received <-chan Received

	transport *p2p.MultiplexTransport
	at        *p2p.NetAddress
	info      p2p.DefaultNodeInfo
}

// Start runs a switch until the test ends.
func Start(t testing.TB, cfg Config) *Switch {
	t.Helper()
	s, err := Run(cfg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run runs a switch until it is closed. Its book, if it has one, is saved in dir.
func Run(cfg Config, dir string) (*Switch, error) {
	key := p2p.NodeKey{PrivKey: cometkey.PrivKey(cfg.Key)}
	s := &Switch{}
	if err := s.listen(cfg, key); err != nil {
		return nil, err
	}
	s.Switch = p2p.NewSwitch(p2pConfig(), s.transport)
	s.SetLogger(log.NewNopLogger())
	s.SetNodeKey(&key)
	s.SetNodeInfo(s.info)
	r := newReactor(cfg)
	s.Events, s.Received = r.events, r.received
	s.AddReactor("INTEROP", r)
	if cfg.PEX {
		s.addPEX(cfg, dir)
	}
	if err := s.Switch.Start(); err != nil {
		return nil, errors.Join(err, s.transport.Close())
	}
	return s, nil
}

// listen finds a place to listen. Their transport does not tell which port it
// chose, so one that is free is chosen before; somebody may take it in between.
func (s *Switch) listen(cfg Config, key p2p.NodeKey) (err error) {
	for range 10 {
		if s.at, err = freeAddress(key.ID()); err != nil {
			return err
		}
		s.info = introduce(cfg, s.at)
		s.transport = p2p.NewMultiplexTransport(s.info, key, mconn(cfg))
		if err = s.transport.Listen(*s.at); err == nil {
			return nil
		}
	}
	return err
}

// Close ends the switch.
func (s *Switch) Close() error {
	err := s.Switch.Stop()
	s.transport.Close() // of a listener that has ended already it says so
	if s.Book != nil {
		s.Book.(interface{ Wait() }).Wait() // until it is saved for the last time
	}
	return err
}

// addPEX gives the switch a book, which accepts loopback addresses, and the
// reactor that fills it.
func (s *Switch) addPEX(cfg Config, dir string) {
	s.Book = pex.NewAddrBook(filepath.Join(dir, "addrbook.json"), false)
	s.Book.SetLogger(log.NewNopLogger())
	s.Book.AddOurAddress(s.at)
	s.SetAddrBook(s.Book)
	r := pex.NewReactor(s.Book, &pex.ReactorConfig{SeedDisconnectWaitPeriod: time.Hour})
	r.SetLogger(log.NewNopLogger())
	if cfg.EnsureIn > 0 {
		r.SetEnsurePeersPeriod(cfg.EnsureIn)
	}
	s.AddReactor("PEX", r)
}

func freeAddress(id p2p.ID) (*p2p.NetAddress, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	return p2p.NewNetAddress(id, ln.Addr()), nil
}

// introduce returns what a switch says of itself before [Config].Info changes it.
func introduce(cfg Config, at *p2p.NetAddress) p2p.DefaultNodeInfo {
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 1),
		DefaultNodeID:   at.ID,
		ListenAddr:      fmt.Sprintf("tcp://%s:%d", at.IP, at.Port),
		Network:         cfg.Network,
		Version:         Version(),
		Channels:        cfg.Channels,
		Moniker:         "real",
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "on", RPCAddress: "tcp://127.0.0.1:26657"},
	}
	if cfg.PEX {
		info.Channels = append([]byte{pex.PexChannel}, cfg.Channels...)
	}
	if cfg.Info != nil {
		cfg.Info(&info)
	}
	return info
}

// Version returns that of the CometBFT in this build, or "unknown" where the
// program does not say what it was built of.
func Version() string {
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, m := range b.Deps {
			if m.Path == "github.com/cometbft/cometbft" {
				return m.Version
			}
		}
	}
	return "unknown"
}

func p2pConfig() *config.P2PConfig {
	c := config.DefaultP2PConfig()
	c.AllowDuplicateIP = true
	c.MaxNumInboundPeers, c.MaxNumOutboundPeers = 1000, 100
	return c
}

// mconn is their default with rates that limit nothing.
func mconn(cfg Config) conn.MConnConfig {
	c := p2p.MConnConfig(p2pConfig())
	c.SendRate, c.RecvRate = Unlimited, Unlimited
	if cfg.Ping > 0 {
		c.PingInterval, c.PongTimeout = cfg.Ping, cfg.Pong
	}
	return c
}

// ID returns the identity of the switch.
func (s *Switch) ID() string { return string(s.at.ID) }

// Address returns where the switch listens, as id@host:port.
func (s *Switch) Address() string { return s.at.String() }

// Info returns how the switch introduces itself.
func (s *Switch) Info() p2p.DefaultNodeInfo { return s.info }

// Dial connects to id@host:port and waits until the peer is added.
func (s *Switch) Dial(address string) error {
	a, err := p2p.NewNetAddressString(address)
	if err != nil {
		return err
	}
	return s.DialPeerWithAddress(a)
}

// Peer returns the peer with an identity, or nil.
func (s *Switch) Peer(id string) p2p.Peer { return s.Peers().Get(p2p.ID(id)) }

// Send queues a message for a peer, waiting for room as long as theirs does, and
// reports whether that was done.
func (s *Switch) Send(id string, channel byte, body []byte) bool {
	p := s.Peer(id)
	return p != nil && p.Send(p2p.Envelope{ChannelID: channel, Message: &Bytes{body}})
}

// Spread broadcasts a message to all peers. It does not wait.
func (s *Switch) Spread(channel byte, body []byte) {
	s.Broadcast(p2p.Envelope{ChannelID: channel, Message: &Bytes{body}})
}
