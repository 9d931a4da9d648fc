package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
)

// Configuration says how a network behaves. Start from
// [DefaultP2PConfiguration]; a zero value is refused by Check.
type Configuration struct {
	// Network is the id of the network to join: MainNet, TestNet, …
	Network NetworkID

	// NodeID tells nodes with the same IP and port apart. It should be the same
	// after a restart. Zero means the number of NodeName.
	NodeID uint32
	// NodeName is the internal name of the node.
	NodeName string

	// PeerRequestInterval is the pause before a peer is asked for endpoints
	// again, and before it is answered again. Under one second counts as one.
	PeerRequestInterval time.Duration
	// PeerReseedInterval is the pause between two looks at the seed list that
	// succeeded. One that failed is repeated sooner.
	PeerReseedInterval time.Duration
	// PeerIPLimitIncoming is the most connections accepted from one IP, and
	// PeerIPLimitOutgoing the most dialed to one; 0 for no limit. Special
	// peers are outside both.
	PeerIPLimitIncoming uint
	PeerIPLimitOutgoing uint

	// Special lists peers to hold on to, as host:port separated by commas or
	// semicolons. A host without a port is dialed at ListenPort, and every peer
	// at that IP is special.
	Special string

	// PeerCacheFile is where peers and bans are kept between runs: written in
	// every round, when a ban changes and at the end. Empty for nowhere.
	PeerCacheFile string
	// PeerCacheAge is how old that file may be for its peers to be dialed. Its
	// bans count at any age.
	PeerCacheAge time.Duration

	// PeerShareAmount is how many endpoints a peer is given that asks for some
	// or is turned away, at most 1024.
	PeerShareAmount uint

	// PeerShareTimeout is how long the answer to our own question may take.
	// Under one second counts as one.
	PeerShareTimeout time.Duration

	// RoundTime is the time between two rounds, in which random peers are
	// dropped so that the network keeps mixing.
	RoundTime time.Duration
	// TargetPeers is how many connections the node tries to have.
	TargetPeers uint
	// MaxPeers is a hard cap of connections, special peers not counted. 0 for
	// none, though it caps MaxIncoming and DropTo then too.
	MaxPeers uint
	// DropTo is how many connections a round leaves.
	DropTo uint
	// MinReseed is how many connections there must be for the seed list not to
	// be needed.
	MinReseed uint
	// MaxIncoming is the most incoming connections, at most MaxPeers. Special
	// peers are outside it.
	MaxIncoming uint

	// Fanout is how many random peers get a [Broadcast] besides the special
	// ones.
	Fanout uint

	// SeedURL is where the seed list is: an http, https or file URL, or a path.
	SeedURL string

	// BindIP is the IP address to listen on and to dial from. Empty for all;
	// IPv6 with or without brackets.
	BindIP string
	// ListenPort is the TCP port to listen on; "0" chooses a free one.
	ListenPort string
	// ListenLimit is how long after a connection from an IP no other is
	// accepted from it. 0 for no limit.
	ListenLimit time.Duration

	// PingInterval is how long nothing may be sent to a peer before it gets a
	// Ping. Under one second counts as one.
	PingInterval time.Duration

	// RedialInterval is the longest pause between two attempts to dial an
	// endpoint. The first pauses after a success are shorter.
	RedialInterval time.Duration

	// ManualBan is how long Ban bans.
	ManualBan time.Duration

	// HandshakeTimeout is how long the handshake may take once there is a
	// connection, and DialTimeout how long making one may; the latter is at
	// most the former.
	HandshakeTimeout time.Duration
	DialTimeout      time.Duration

	// ReadDeadline is how long a peer may be silent before it is disconnected.
	// Under one second counts as one.
	ReadDeadline time.Duration

	// WriteDeadline is how long a peer may take for a batch of at most 1 MiB
	// before it is disconnected.
	WriteDeadline time.Duration

	// ProtocolVersion is what to dial with, 9, 10 or 11. Listening, the node
	// follows the dialer.
	ProtocolVersion uint16
	// ProtocolVersionMinimum is the least version to accept, at most
	// ProtocolVersion. Under 9 counts as 9.
	ProtocolVersionMinimum uint16

	// ChannelCapacity is how many parcels ToNetwork and FromNetwork hold. What
	// may wait for one peer is 8 KiB for each, from 1 to 256 MiB in all.
	ChannelCapacity uint

	// EnablePrometheus registers the instruments of [Prometheus]. Any number of
	// networks may share a registry: what it shows is their sum.
	EnablePrometheus bool

	// PeerResendFilter keeps a broadcast from peers that sent the same payload.
	PeerResendFilter bool
	// PeerResendBuckets and PeerResendInterval say how long that is remembered:
	// from (buckets-1) × interval to buckets × interval, and for the last
	// 49,152 payloads of a peer at most.
	PeerResendBuckets  int
	PeerResendInterval time.Duration

	// PersistFile is PeerCacheFile by its old name; it counts if that is empty.
	//
	// Deprecated: use PeerCacheFile.
	PersistFile string
	// PersistAge is PeerCacheAge by its old name; it counts if it is not zero.
	//
	// Deprecated: use PeerCacheAge.
	PersistAge time.Duration
	// Incoming is MaxIncoming by its old name; it counts if it is not zero.
	//
	// Deprecated: use MaxIncoming.
	Incoming uint

	// Registerer is where the instruments are registered; nil for the default
	// registry. It must be comparable if Configurations are compared.
	Registerer prometheus.Registerer
	// Log is told what the network does; nil for nobody.
	Log *slog.Logger
}

// DefaultP2PConfiguration returns a configuration with the documented values.
func DefaultP2PConfiguration() (c Configuration) {
	return Configuration{
		Network:                MainNet,
		NodeName:               "FNode0",
		PeerRequestInterval:    5 * time.Second,
		PeerReseedInterval:     4 * time.Hour,
		PeerCacheAge:           time.Hour,
		PeerShareAmount:        3,
		PeerShareTimeout:       5 * time.Second,
		RoundTime:              15 * time.Minute,
		TargetPeers:            32,
		MaxPeers:               36,
		DropTo:                 30,
		MinReseed:              10,
		MaxIncoming:            36,
		Fanout:                 16,
		ListenPort:             "8108",
		ListenLimit:            time.Second,
		PingInterval:           15 * time.Second,
		RedialInterval:         2 * time.Minute,
		ManualBan:              7 * 24 * time.Hour,
		HandshakeTimeout:       10 * time.Second,
		DialTimeout:            5 * time.Second,
		ReadDeadline:           5 * time.Minute,
		WriteDeadline:          5 * time.Minute,
		ProtocolVersion:        10,
		ProtocolVersionMinimum: 9,
		ChannelCapacity:        1000,
		EnablePrometheus:       true,
		PeerResendFilter:       true,
		PeerResendBuckets:      3,
		PeerResendInterval:     20 * time.Second,
	}
}

// Sanitize brings values in line that depend on others: the old names of
// fields, and limits above MaxPeers.
func (c *Configuration) Sanitize() {
	if c.PeerCacheFile == "" {
		c.PeerCacheFile = c.PersistFile
	}
	if c.PersistAge != 0 {
		c.PeerCacheAge = c.PersistAge
	}
	if c.Incoming != 0 {
		c.MaxIncoming = c.Incoming
	}
	c.MaxIncoming = min(c.MaxIncoming, c.MaxPeers)
	c.DropTo = min(c.DropTo, c.MaxPeers)
}

// maxCount is the most that a count may be, and maxBuckets the most buckets of
// the resend filter.
const (
	maxCount   = 1 << 20
	maxBuckets = 1 << 10
)

// Check returns an error that names every value with which a node could not
// work.
func (c Configuration) Check() error {
	_, special := parseSpecial(c.Special, c.ListenPort)
	return errors.Join(
		c.checkPort(),
		c.checkVersions(),
		c.checkFilter(),
		special,
		counts(map[string]uint{
			"PeerShareAmount": c.PeerShareAmount, "TargetPeers": c.TargetPeers, "Fanout": c.Fanout,
			"ChannelCapacity": c.ChannelCapacity,
		}, 1),
		counts(map[string]uint{
			"PeerIPLimitIncoming": c.PeerIPLimitIncoming, "PeerIPLimitOutgoing": c.PeerIPLimitOutgoing,
			"MaxPeers": c.MaxPeers, "DropTo": c.DropTo, "MinReseed": c.MinReseed, "MaxIncoming": c.MaxIncoming,
		}, 0),
		durations(map[string]time.Duration{
			"RoundTime": c.RoundTime, "HandshakeTimeout": c.HandshakeTimeout, "DialTimeout": c.DialTimeout,
			"ReadDeadline": c.ReadDeadline, "WriteDeadline": c.WriteDeadline, "PeerShareTimeout": c.PeerShareTimeout,
		}, 1),
		durations(map[string]time.Duration{
			"PeerRequestInterval": c.PeerRequestInterval, "PeerReseedInterval": c.PeerReseedInterval,
			"PeerCacheAge": c.PeerCacheAge, "ListenLimit": c.ListenLimit, "PingInterval": c.PingInterval,
			"RedialInterval": c.RedialInterval, "ManualBan": c.ManualBan,
		}, 0),
	)
}

func (c *Configuration) checkPort() error {
	if n, err := strconv.Atoi(c.ListenPort); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("ListenPort %.20q is not a number from 0 to 65535", c.ListenPort)
	}
	if c.BindIP != "" && !bindIP(c.BindIP).IsValid() {
		return fmt.Errorf("BindIP %.80q is not an IP address", c.BindIP)
	}
	return nil
}

func (c *Configuration) checkVersions() error {
	if c.ProtocolVersion < 9 || c.ProtocolVersion > 11 {
		return fmt.Errorf("ProtocolVersion %d is not from 9 to 11", c.ProtocolVersion)
	}
	if c.ProtocolVersionMinimum > c.ProtocolVersion {
		return fmt.Errorf("ProtocolVersionMinimum %d is over ProtocolVersion %d", c.ProtocolVersionMinimum, c.ProtocolVersion)
	}
	return nil
}

func (c *Configuration) checkFilter() error {
	switch {
	case !c.PeerResendFilter:
		return nil
	case c.PeerResendBuckets < 1 || c.PeerResendBuckets > maxBuckets:
		return fmt.Errorf("PeerResendBuckets %d is not from 1 to %d", c.PeerResendBuckets, maxBuckets)
	case c.PeerResendInterval <= 0:
		return fmt.Errorf("PeerResendInterval %v is not positive", c.PeerResendInterval)
	}
	return nil
}

// counts checks that values are from least to maxCount.
func counts(values map[string]uint, least uint) error {
	var bad []string
	for name, v := range values {
		if v < least || v > maxCount {
			bad = append(bad, fmt.Sprintf("%s %d is not from %d to %d", name, v, least, maxCount))
		}
	}
	return joined(bad)
}

// durations checks that values are not below least.
func durations(values map[string]time.Duration, least time.Duration) error {
	var bad []string
	for name, v := range values {
		if v < least {
			bad = append(bad, fmt.Sprintf("%s %v is below %v", name, v, least))
		}
	}
	return joined(bad)
}

// joined returns one error for all texts, in order, or nil if there are none.
func joined(texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	return errors.New(strings.Join(texts, "; "))
}

// separates reports whether a character stands between special peers: besides
// the documented comma and semicolon those that factomd 6.6 takes for it, which
// are neither letters nor numbers nor punctuation.
func separates(r rune) bool {
	return r == ',' || r == ';' || !unicode.In(r, unicode.Letter, unicode.Number, unicode.Punct)
}

// parseSpecial reads a list of special peers.
func parseSpecial(raw, port string) (special, error) {
	s := special{hosts: map[string]bool{}}
	for item := range strings.FieldsFuncSeq(raw, separates) {
		if err := s.add(item, port); err != nil {
			return special{}, fmt.Errorf("special peer: %w", err)
		}
	}
	return s, nil
}
