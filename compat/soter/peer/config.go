package peer

import (
	"fmt"
	"sync"
	"time"

	"parley/compat/soter/chaincfg"
	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
)

// HashFunc returns the newest block and its height. An error ends the handshake
// that asked.
type HashFunc func() (hash *chainhash.Hash, height int32, err error)

// AddrFunc returns the address to tell a remote of instead of its own.
type AddrFunc func(remoteAddr *wire.NetAddress) *wire.NetAddress

// HostToNetAddrFunc returns the address of a host, which may be a name.
type HostToNetAddrFunc func(host string, port uint16, services wire.ServiceFlag) (*wire.NetAddress, error)

const (
	// MaxProtocolVersion is the newest protocol version of Soter's networks.
	// On Bitcoin's it is wire.AddrV2Version.
	MaxProtocolVersion = wire.FeeFilterVersion

	// MinAcceptableProtocolVersion is the oldest one that a remote may have.
	MinAcceptableProtocolVersion = wire.MultipleAddressVersion

	// DefaultTrickleInterval is the pause between announcements of inventory.
	DefaultTrickleInterval = 10 * time.Second

	// DefaultMaxSendQueue is how many bytes may wait for a remote.
	DefaultMaxSendQueue = 16 << 20

	// DefaultWriteTimeout is how long a remote may take to accept 64 KiB, or an
	// eighth more where that is the end of a batch.
	DefaultWriteTimeout = 20 * time.Second
)

// Config says how a peer is. The zero value is an anonymous node without services
// on the public test network. It is copied when a peer is made.
type Config struct {
	// NewestBlock is asked before our version message is written; nil for
	// height 0.
	NewestBlock HashFunc

	// HostToNetAddress finds the address of a peer that is dialed; nil for one
	// that takes a host that is no IP address for an unknown one.
	HostToNetAddress HostToNetAddrFunc

	// Proxy is the host:port that connections are made through, or "". The
	// remote's address is not told to it then if it is the proxy's.
	Proxy string

	// UserAgentName and UserAgentVersion name the program; the comments
	// follow in parentheses. On Soter's networks a version should be a
	// semantic one: two nodes with the same name and other major versions
	// part.
	UserAgentName     string
	UserAgentVersion  string
	UserAgentComments []string

	// UserAgentSemver, if set, is used instead of UserAgentVersion. It takes
	// the Version of any library for semantic versions; soterd has one here.
	UserAgentSemver fmt.Stringer

	// ChainParams is the network; nil for the public test network.
	ChainParams *chaincfg.Params

	// Services is what this node offers.
	Services wire.ServiceFlag

	// ProtocolVersion is the newest to speak; 0 for the newest there is.
	ProtocolVersion uint32

	// DisableRelayTx asks the remote not to announce transactions.
	DisableRelayTx bool

	// Listeners are called for what arrives.
	Listeners MessageListeners

	// TrickleInterval is the pause between announcements of inventory that is
	// no block; DefaultTrickleInterval if it is not positive.
	TrickleInterval time.Duration

	// DisableStallHandler lets a remote leave requests without an answer.
	DisableStallHandler bool

	// Self is what the peers of one node share, so that the node notices when
	// it has dialed itself. Without one a peer still notices when it is
	// connected to itself.
	Self *Self

	// MaxSendQueue is how many bytes may wait for the remote before whoever
	// queues more is made to wait; DefaultMaxSendQueue if it is not positive.
	// One message is always taken, however large.
	MaxSendQueue int

	// QueueWait is how long a remote may take nothing at all while somebody
	// waits for room before it is dropped; 1 s if it is 0, and no time if it
	// is negative.
	QueueWait time.Duration

	// WriteTimeout is how long the remote may take to accept 64 KiB;
	// DefaultWriteTimeout if it is not positive.
	WriteTimeout time.Duration
}

// completed returns the configuration with its defaults.
func (c Config) completed() Config {
	if c.ChainParams == nil {
		c.ChainParams = &chaincfg.TestNet1Params
	}
	if c.ProtocolVersion == 0 {
		c.ProtocolVersion = MaxProtocolVersion
		if c.ChainParams.Bitcoin {
			c.ProtocolVersion = wire.AddrV2Version
		}
	}
	if c.TrickleInterval <= 0 {
		c.TrickleInterval = DefaultTrickleInterval
	}
	if c.MaxSendQueue <= 0 {
		c.MaxSendQueue = DefaultMaxSendQueue
	}
	if c.QueueWait == 0 {
		c.QueueWait = time.Second
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = DefaultWriteTimeout
	}
	return c
}

// userAgent returns what the version message says of the program. It is an error
// if that is longer than the protocol allows.
func (c *Config) userAgent() (string, error) {
	version := c.UserAgentVersion
	if c.UserAgentSemver != nil {
		version = c.UserAgentSemver.String()
	}
	m := wire.MsgVersion{UserAgent: wire.DefaultUserAgent}
	err := m.AddUserAgent(c.UserAgentName, version, c.UserAgentComments...)
	return m.UserAgent, err
}

// sentNonces is how many nonces a Self remembers.
const sentNonces = 50

// Self is a node's memory of the nonces that its peers have sent. A remote that
// sends one of the last 50 is the node itself. The zero value is ready; it may be
// used from any goroutine and must not be copied.
type Self struct {
	mu     sync.Mutex
	nonces [sentNonces]uint64 // a ring; 0 for none
	next   int
}

func (s *Self) sent(nonce uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces[s.next] = nonce
	s.next = (s.next + 1) % sentNonces
}

func (s *Self) has(nonce uint64) bool {
	if s == nil || nonce == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nonces {
		if n == nonce {
			return true
		}
	}
	return false
}

// PeerAddrs are addresses by what they are to a node, as text.
type PeerAddrs struct {
	Inbound  []string // of peers that have dialed it
	Outbound []string // of peers that it has dialed
	Known    []string // of others
}

// NewPeerAddrs returns empty lists.
func NewPeerAddrs() PeerAddrs {
	return PeerAddrs{Inbound: []string{}, Outbound: []string{}, Known: []string{}}
}
