// Package config is what a daemon can be told and by whom: a table of named
// settings, read from built-in defaults, a file, the environment and flags, in
// that order, into one plain struct that remembers where each value came from.
//
// Values are merged as text and read once, after the merge, so a problem is
// reported with the field, the value, what is allowed and its origin. Files are
// TOML, or INI as factomd's configuration is written.
package config

import (
	"cmp"
	"slices"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect/tendermint"
)

// Settings is everything a daemon can be told. It is a plain value: whoever
// loaded it owns it, and nothing changes it behind their back.
type Settings struct {
	Dialect    string
	MinVersion int // oldest protocol version to accept; 0 for the dialect's own choice
	NodeName   string
	NodeID     uint32 // 0 to draw one at start

	Network       string // as it is usually written: MAIN, simnet, a chain id
	Net           Facts  // what is fixed about it
	CustomNetwork string // the name whose hash is the id of a CUSTOM network
	UserAgent     string // "" for that of the program
	EnableNet     bool   // false: no listener, no dialing, no seeds
	Nets          [networks]NetSettings

	Port      int         // where the default listener accepts, 1 to 65535
	Listen    []addr.Addr // where to accept connections; an address without host is every interface
	Advertise addr.Addr   // what to tell others; either part may be missing

	NAT string // how to ask the gateway of a home network to let peers in; none, any, or a protocol

	SeedURL      string // "" for none
	SeedFile     string // "" for none
	PeersFile    string // absolute; "" remembers nothing
	SpecialPeers []addr.Addr
	Peers        []addr.Addr // more special peers
	Exclusive    bool        // dial special peers alone
	ExclusiveIn  bool        // also admit nobody from another host

	Outbound  int // links to hold by dialing where Target is 0
	Inbound   int // links to accept
	Target    int // dial while there are fewer links than this in both directions; 0 for none
	Max       int // links in both directions, which caps Inbound, Target and DropTo; 0 for no limit
	DropTo    int // links to keep in a round; 0 for all
	RoundTime time.Duration
	Rotate    time.Duration // how often a link is swapped where there are no rounds; 0 for never
	PerIP     int           // inbound links from one IP; 0 for no limit
	PerGroup  int           // outbound links into one network group; 0 for no limit

	DuplicateIDs bool // admit a peer whose identity has a link already

	Outbox       int // bytes that may wait for one peer
	MaxMessage   int // bytes of the longest message accepted
	OpenTimeout  time.Duration
	WriteTimeout time.Duration

	BanTime  time.Duration
	Ban      []addr.Addr // banned for as long as they are listed
	BansFile string      // more of them, one a line; "" for none

	DNSSeeds    []string // names of hosts that lead to peers
	ImportPeers string   // "" for none

	// Of Tendermint and CometBFT.
	Channels        []tendermint.Channel // besides that of peer exchange
	PEX             bool
	PersistentPeers []tendermint.NetAddress
	Seeds           []tendermint.NetAddress
	Unconditional   []string // identities
	Private         []string // identities
	SeedMode        bool
	NodeKeyFile     string // absolute
	Moniker         string

	ShowMessages bool
	Journal      string // "" for none
	JournalSize  int
	JournalBody  int

	DataDir         string
	Socket          string // path of the control socket
	LogLevel        string
	LogFormat       string
	Metrics         addr.Addr // where to serve /metrics over TCP; zero for nowhere
	StatusEvery     time.Duration
	ShutdownTimeout time.Duration

	File     string            // the configuration file that was read, or ""
	Warnings []string          // what was ignored, one sentence each
	Origins  map[string]Origin // by key of the field
}

// NetSettings are the settings of one network, used when that network is
// chosen and nothing says otherwise.
type NetSettings struct {
	Port         int
	SeedURL      string
	SpecialPeers []addr.Addr
}

// Special returns the peers to hold on to: the special ones, those added to them
// and those with an identity, each once, in the order they were given.
func (s *Settings) Special() []addr.Addr {
	all := make([]addr.Addr, 0, len(s.SpecialPeers)+len(s.Peers)+len(s.PersistentPeers))
	for _, a := range slices.Concat(s.SpecialPeers, s.Peers, addrsOf(s.PersistentPeers)) {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// NetworkID returns the number by which nodes of the chosen network know each
// other, or 0 if they do so otherwise or not at all.
func (s *Settings) NetworkID() uint32 { return s.Net.ID }

// crawlPause is how long a seed leaves a peer alone that it has asked
// or has just heard of: as long as CometBFT's seeds pause between two crawls.
const crawlPause = 30 * time.Second

// Core returns the part of the settings that the brain of a node goes by. Here
// zero means none; there it means the default, and negative none.
func (s *Settings) Core() core.Config {
	c := core.Config{
		Outbound:  orNone(s.Outbound),
		Target:    s.Target,
		Total:     s.Max,
		Inbound:   orNone(s.Inbound),
		PerHost:   orNone(s.PerIP),
		PerGroup:  orNone(s.PerGroup),
		Twice:     s.DuplicateIDs,
		RoundTime: s.RoundTime,
		Rotate:    orNone(s.Rotate),
		DropTo:    s.DropTo,
		BanTime:   s.BanTime,
		Always:    s.Special(),
		Trusted:   s.Unconditional,
		Only:      s.ExclusiveIn,
	}
	if s.SeedMode {
		c.Backoff = crawlPause
	}
	if s.Target > 0 { // CAT peering
		c.Book.PerAnswer = 1
	}
	if s.Exclusive || s.ExclusiveIn || !s.EnableNet {
		c.Outbound, c.Target = -1, 0
	}
	if !s.EnableNet {
		c.Inbound, c.Always = -1, nil
	}
	return c
}

// Accept returns where to accept connections: nowhere without a network.
func (s *Settings) Accept() []addr.Addr {
	if !s.EnableNet {
		return nil
	}
	return s.Listen
}

func orNone[T ~int | ~int64](n T) T { return cmp.Or(n, -1) }
