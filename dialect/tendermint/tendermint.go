// Package tendermint speaks the peer-to-peer protocols of Tendermint and
// CometBFT: that of CometBFT 0.38 and 1.0, which Tendermint 0.34 and everything
// between also speak, and the two of 2014, before there were handshakes: with
// Agents (September) and with Reactors (December).
//
// In all of them a link carries channels. A message belongs to a channel and goes
// out in packets of about a kilobyte, in between those of other channels, by
// priority: the link's encoder is a [dialect.Packer] that gives each channel its
// share and lets a message of the highest priority go next. Pings and pongs pass
// everything else.
//
// The type of a message is its channel; see [Channel] and [TypePing]. Peer
// exchange is done here unless the application wants its channel for itself.
package tendermint

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"time"

	"parley/addr"
	"parley/dialect"
)

// Config says how a CometBFT node speaks. Zero fields mean the default given
// with each.
type Config struct {
	Key     ed25519.PrivateKey // the node's identity; required
	Network string             // the chain; required
	Version string             // of the software: the node's Agent, or parley
	Moniker string             // a name for people: parley
	P2P     uint64             // protocol versions to announce: 8. Nobody compares it
	Block   uint64             // 11. Peers of another one are refused
	App     uint64             // 0. Nobody compares it

	TxIndex    string // what else to announce: on, off or nothing
	RPCAddress string

	Channels []Channel // at most 16 together with that of peer exchange
	NoPEX    bool      // channel 0 is not there, or the application's like any other
	Seed     bool      // be a seed: ask whom we dialed, answer whom dialed us, and hang up; wants core.Config.Backoff at 30s, to leave alone whom it asked

	Peers   []NetAddress // whose identities are known: who answers there must have them
	Told    []NetAddress // who is said to be where, by an address book say: believed as what peers tell, 4,096 of them
	Private []string     // identities that are never passed on
	Keep    []NetAddress // whom a seed does not hang up on: known by identity, or by address where they have none here

	MaxPacket  int           // most bytes of data in one packet; the same in all of a network: 1024
	MaxPending int           // most bytes of unfinished messages from one peer: the largest MaxMessage and 8 MiB
	Ping       time.Duration // between pings: 60s
	Pong       time.Duration // how long an answer may take, when nothing else comes either: 45s
	Ask        time.Duration // between requests for addresses: 30s
	AskAgain   time.Duration // least time between requests of one peer: 10s
}

// Config2014 says how a node of 2014 speaks. Zero fields mean the default given
// with each.
type Config2014 struct {
	December bool      // the form with Reactors; otherwise that with Agents
	Channels []Channel // at most 256
	NoPEX    bool      // channel 0 is not there, or the application's like any other

	MaxPacket  int           // most bytes of data in one packet: 1024
	MaxPending int           // most bytes of unfinished messages from one peer: the largest MaxMessage and 8 MiB
	Ping       time.Duration // inbound silence after which to send a ping: 120s
	Idle       time.Duration // inbound silence after which a link ends: 5m
	Ask        time.Duration // between requests for addresses: 30s
	AskAgain   time.Duration // least time between requests of one peer: 10s
}

const (
	defaultPacket  = 1024
	pendingBesides = 8 << 20
	maxPacketLimit = 4 << 20
)

// settings are what both configurations come to. Immutable.
type settings struct {
	form    form
	table   *table
	packet  int
	pending int

	ping, pong, idle, ask, askAgain time.Duration

	id      string // ours, or ""
	seed    bool
	known   []NetAddress
	told    []NetAddress
	private map[string]bool
	keep    map[NetAddress]bool // an identity, or an address
}

// Dialect is one of the dialects. It is immutable and safe for concurrent use.
type Dialect struct {
	set   settings
	cfg   Config // of CometBFT
	peers map[addr.Addr]string
}

var _ dialect.Dialect = (*Dialect)(nil)

// New checks cfg and returns the dialect of CometBFT. Errors name the field that
// is wrong.
func New(cfg Config) (*Dialect, error) {
	if len(cfg.Key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("tendermint: Key has %d bytes, want %d", len(cfg.Key), ed25519.PrivateKeySize)
	}
	setDefault(&cfg.Moniker, "parley")
	setDefault(&cfg.P2P, 8)
	setDefault(&cfg.Block, 11)
	setDefault(&cfg.Ping, time.Minute)
	setDefault(&cfg.Pong, 45*time.Second)
	t, err := newTable(cfg.Channels, !cfg.NoPEX, maxChannels)
	d := &Dialect{cfg: cfg, set: settings{
		form: comet, table: t, packet: cfg.MaxPacket, pending: cfg.MaxPending,
		ping: cfg.Ping, pong: cfg.Pong, idle: time.Hour, ask: cfg.Ask, askAgain: cfg.AskAgain,
		id: ID(cfg.Key.Public().(ed25519.PublicKey)), seed: cfg.Seed,
		known: cfg.Peers, told: cfg.Told, private: map[string]bool{}, keep: map[NetAddress]bool{},
	}}
	if err == nil {
		err = errors.Join(d.set.complete(), d.announces(), d.knows())
	}
	if err != nil {
		return nil, fmt.Errorf("tendermint: %w", err)
	}
	return d, nil
}

// New2014 checks cfg and returns a dialect of 2014. Errors name the field that
// is wrong.
func New2014(cfg Config2014) (*Dialect, error) {
	setDefault(&cfg.Ping, 2*time.Minute)
	setDefault(&cfg.Idle, 5*time.Minute)
	f := september
	if cfg.December {
		f = december
	}
	t, err := newTable(cfg.Channels, !cfg.NoPEX, math.MaxUint8+1)
	d := &Dialect{set: settings{
		form: f, table: t, packet: cfg.MaxPacket, pending: cfg.MaxPending,
		ping: cfg.Ping, pong: time.Hour, idle: cfg.Idle, ask: cfg.Ask, askAgain: cfg.AskAgain,
	}}
	if err == nil {
		err = d.set.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("tendermint: %w", err)
	}
	return d, nil
}

// complete fills in the defaults that both have and checks what numbers there
// are.
func (s *settings) complete() error {
	setDefault(&s.packet, defaultPacket)
	setDefault(&s.pending, s.table.largest()+pendingBesides)
	setDefault(&s.ask, 30*time.Second)
	setDefault(&s.askAgain, 10*time.Second)
	return errors.Join(
		between("MaxPacket", s.packet, 16, maxPacketLimit),
		between("MaxPending", s.pending, s.packet, math.MaxInt32),
		between("Ping", s.ping, time.Second, math.MaxInt64/8),
		between("Pong", s.pong, time.Second, math.MaxInt64/8),
		between("Idle", s.idle, time.Second, math.MaxInt64/8),
		between("Ask", s.ask, time.Second, math.MaxInt64/8),
		between("AskAgain", s.askAgain, time.Second, math.MaxInt64/8),
	)
}

// announces checks that others will accept what we say of ourselves.
func (d *Dialect) announces() error {
	n := d.introduce(dialect.Self{})
	if d.cfg.Network == "" || !isText(d.cfg.Network) {
		return fmt.Errorf("network %q is not printable ASCII", d.cfg.Network)
	}
	if err := n.validate(); err != nil {
		return err
	}
	if size := len(n.append(nil)); size > maxNodeInfo/2 {
		return fmt.Errorf("node info: %d bytes, limit %d", size, maxNodeInfo/2)
	}
	return nil
}

// knows takes in the identities of the configuration.
func (d *Dialect) knows() error {
	d.peers = map[addr.Addr]string{}
	for _, p := range d.cfg.Peers {
		if err := checkID(p.ID); err != nil {
			return fmt.Errorf("peer %v: %w", p, err)
		}
		d.peers[p.Addr] = p.ID
	}
	for _, p := range d.cfg.Told {
		if err := checkID(p.ID); err != nil {
			return fmt.Errorf("told of %v: %w", p, err)
		}
	}
	for _, id := range d.cfg.Private {
		if err := checkID(id); err != nil {
			return fmt.Errorf("private peer: %w", err)
		}
		d.set.private[id] = true
	}
	for _, p := range d.cfg.Keep {
		if p.ID == "" {
			d.set.keep[NetAddress{Addr: p.Addr}] = true
			continue
		}
		if err := checkID(p.ID); err != nil {
			return fmt.Errorf("peer to keep %v: %w", p, err)
		}
		d.set.keep[NetAddress{ID: p.ID}] = true
	}
	return nil
}

func between[T int | time.Duration](field string, v, low, high T) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("%s %v is not from %v to %v", field, v, low, high)
}

// Name returns "cometbft" or "tendermint2014".
func (d *Dialect) Name() string {
	if d.set.form == comet {
		return "cometbft"
	}
	return "tendermint2014"
}

// ID returns the identity that the key gives this node, or "" in 2014.
func (d *Dialect) ID() string { return d.set.id }

// Rules returns the behavior of one node; see [dialect.Rules]. Its commands are
// [Ask] and [Tell], its notes of type [Addresses].
func (d *Dialect) Rules(v dialect.View) dialect.Rules { return newRules(&d.set, v) }
