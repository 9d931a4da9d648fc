package p2p

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
	"parley/transport"
)

// Protocol says how a Switch speaks.
type Protocol uint8

// The protocols.
const (
	September2014 Protocol = iota // with Agents
	December2014                  // with Reactors
	CometBFT                      // CometBFT 0.38 and 1.0, and Tendermint 0.34
)

// Config says what a Switch is made of. Zero fields mean the default given with
// each. Addresses are host:port, with id@ before them in CometBFT and tcp:// before
// that or not; hosts of peers may be names, which are looked up at each attempt.
type Config struct {
	Protocol Protocol
	Channels []*ChannelDescriptor // besides those of reactors

	Key     ed25519.PrivateKey // the node's identity; required for CometBFT
	Network string             // the chain; required for CometBFT
	Moniker string
	Version string

	Listen   []string // where to accept connections: nowhere
	External string   // where others can dial, if it differs

	PersistentPeers      []string // dialed for ever, outside all limits, never banned by the Switch
	Seeds                []string // whom to ask when no addresses are known
	UnconditionalPeerIDs []string // let in outside all limits, from anywhere (CometBFT)
	PrivatePeerIDs       []string // never passed on (CometBFT)

	MaxNumInboundPeers  int  // 40; negative for none
	MaxNumOutboundPeers int  // 10; negative to dial persistent peers alone
	AllowDuplicateIP    bool // several peers of one IP address, as in 2014 always; unconditional and persistent peers may share any
	AllowDuplicateID    bool // several connections of one identity, each a peer with a Key of its own; otherwise one of the two ends (CometBFT)
	NoPex               bool // do not exchange addresses: the channel 0 is the application's
	SeedMode            bool // ask, answer once, hang up, but not on persistent and unconditional peers (CometBFT)

	// Filter is asked about each peer that has introduced itself; an error turns
	// it away. It is called on the connection's goroutine, several at once.
	Filter func(id string, remote *NetAddress) error

	AddrBook  *AddrBook // is told what is learned, and told from at the start: none. The Switch starts and stops it
	PeersFile string    // keeps bans and who was connected over a restart: none

	BanTime          time.Duration // for peers that break the rules: 24h
	DialTimeout      time.Duration // and for the opening exchange: 10s
	PingInterval     time.Duration // 60s; 120s of silence in 2014
	PongTimeout      time.Duration // 45s (CometBFT)
	Backoff          time.Duration // first pause before a peer is dialed again, growing to 16 times for persistent peers: 5s, of a seed 30s
	MaxPacketPayload int           // bytes in a packet, the same in all of a network: 1024

	Log       *slog.Logger        // nil is silent
	Transport transport.Transport // nil means TCP
}

const (
	defaultInbound  = 40
	defaultOutbound = 10
)

// parsed is what the texts of a configuration say.
type parsed struct {
	listen        []addr.Addr
	external      addr.Addr
	always        []addr.Addr
	seeds         []addr.Addr
	known         []tendermint.NetAddress // with identities
	keep          []tendermint.NetAddress // whom a seed does not hang up on
	unconditional map[string]bool
}

// parse reads the texts.
func (c *Config) parse() (*parsed, error) {
	p := &parsed{unconditional: map[string]bool{}}
	for _, s := range c.Listen {
		a, err := parseListen(s)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		p.listen = append(p.listen, a)
	}
	if c.External != "" {
		a, err := parseAddress(c.External)
		if err != nil {
			return nil, fmt.Errorf("external: %w", err)
		}
		p.external = a.Addr
	}
	var err error
	if p.always, err = p.peers("persistent peer", c.PersistentPeers); err != nil {
		return nil, err
	}
	p.keep = slices.Clone(p.known)
	for _, a := range p.always {
		if !slices.ContainsFunc(p.known, func(k tendermint.NetAddress) bool { return k.Addr == a }) {
			p.keep = append(p.keep, tendermint.NetAddress{Addr: a})
		}
	}
	if p.seeds, err = p.peers("seed", c.Seeds); err != nil {
		return nil, err
	}
	for _, id := range c.UnconditionalPeerIDs {
		p.unconditional[id] = true
		p.keep = append(p.keep, tendermint.NetAddress{ID: id})
	}
	return p, nil
}

// peers reads the addresses of peers, and notes whose identities are given.
func (p *parsed) peers(what string, texts []string) (as []addr.Addr, err error) {
	for _, s := range texts {
		a, err := parseAddress(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		if a.ID != "" {
			p.known = append(p.known, a)
		}
		as = append(as, a.Addr)
	}
	return as, nil
}

// dialect makes the language of the node.
func (c *Config) dialect(p *parsed, channels []tendermint.Channel) (*tendermint.Dialect, error) {
	if c.Protocol != CometBFT {
		return tendermint.New2014(tendermint.Config2014{
			December: c.Protocol == December2014, Channels: channels, NoPEX: c.NoPex,
			Ping: c.PingInterval, MaxPacket: c.MaxPacketPayload,
		})
	}
	known := p.known
	if c.AddrBook != nil {
		for _, a := range c.AddrBook.every() {
			if a.ID != "" && len(known) < needAddrs {
				known = append(known, a)
			}
		}
	}
	return tendermint.New(tendermint.Config{
		Key: c.Key, Network: c.Network, Moniker: c.Moniker, Version: c.Version,
		Channels: channels, NoPEX: c.NoPex, Seed: c.SeedMode,
		Peers: known, Private: c.PrivatePeerIDs, Keep: p.keep,
		Ping: c.PingInterval, Pong: c.PongTimeout, MaxPacket: c.MaxPacketPayload,
	})
}
