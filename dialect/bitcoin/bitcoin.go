// Package bitcoin speaks the wire protocol of Bitcoin and of its descendant
// Soter; [Params] say which. It follows the behavior of soterd and btcd, but for
// their defects.
//
// A message's type is a number that stands for its command; see [TypeOther] for
// commands without one. The dialect itself handles the opening exchange, pings,
// addresses and rejects of what is malformed; everything else goes to the
// application as bytes. The application announces what it has with the command
// [Announce], and marks requests with [Request] so that a peer that does not
// answer is dropped.
//
// On a Soter network the opening exchange is that of the two version messages:
// its nodes do not wait for a verack and may say something else first, so verack
// is a message like others here, with a deadline. On a Bitcoin network the
// exchange lasts until both veracks are there.
package bitcoin

import (
	"errors"
	"fmt"
	"math"
	"time"

	"parley/addr"
	"parley/dialect"
)

// Config says how a node speaks. Zero fields mean the default given with each.
type Config struct {
	Params Params // required: one of the networks, or another

	Version    uint32   // newest protocol version: 70013 for Soter, 70016 for Bitcoin
	MinVersion uint32   // least version to accept of others: 209
	Services   Services // what we offer
	NoRelay    bool     // we want no transactions until we load a filter

	// Hello completes our version message before it is written to the peer at
	// an address: the last block, or other addresses. The nonce and the genesis
	// hash stay as they were. An error ends the exchange. It is called by the
	// goroutines that open links, several at once; in a simulation it must be
	// deterministic.
	Hello func(own *Version, to addr.Addr) error
	// Judge is shown the peer's version message after all checks but that of
	// its protocol version. What it returns, if not nil, is sent to the peer and
	// ends the exchange. It is called like Hello, and before the node is asked.
	Judge func(theirs *Version) *Reject

	Ping    time.Duration // pause between pings: 2m
	Idle    time.Duration // inbound silence after which a link ends: 5m
	VerAck  time.Duration // how long the verack of a Soter node may take: 30s
	NoStall bool          // never drop a peer because it does not answer requests

	Trickle time.Duration // pause between announcements of inventory: 10s; negative for none
	Known   int           // announced and received inventory to remember for each peer: 1000

	AddrInterval time.Duration // pause before asking a peer for addresses again, and before answering it again: 10m

	// Everything lets the application receive also the messages that the dialect
	// handles. They cost it a look at each; façades with a callback for every
	// message need it.
	Everything bool
}

const defaultAgent = "/parley:0.1.0/"

// Dialect is the Bitcoin dialect. It is immutable and safe for concurrent use.
type Dialect struct{ cfg Config }

// New checks cfg and returns a dialect. Errors name the field that is wrong.
func New(cfg Config) (*Dialect, error) {
	newest := uint32(sendAddrV2Version)
	if cfg.Params.Soter {
		newest = feeFilterVersion
	}
	setDefault(&cfg.Version, newest)
	setDefault(&cfg.MinVersion, 209)
	setDefault(&cfg.Ping, 2*time.Minute)
	setDefault(&cfg.Idle, 5*time.Minute)
	setDefault(&cfg.VerAck, 30*time.Second)
	setDefault(&cfg.Trickle, 10*time.Second)
	setDefault(&cfg.Known, 1000)
	setDefault(&cfg.AddrInterval, 10*time.Minute)
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("bitcoin: %w", err)
	}
	return &Dialect{cfg}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

var (
	errNet     = errors.New("Params.Net is zero")
	errGenesis = errors.New("Params.Genesis is zero, and Soter compares it")
)

func (c *Config) check() error {
	errs := []error{
		between("MinVersion", c.MinVersion, 1, c.Version),
		between("Ping", c.Ping, time.Second, math.MaxInt64),
		between("Idle", c.Idle, time.Second, math.MaxInt64),
		between("VerAck", c.VerAck, time.Second, math.MaxInt64),
		between("Known", c.Known, 1, 1<<20),
		between("AddrInterval", c.AddrInterval, time.Second, math.MaxInt64),
	}
	if c.Params.Net == 0 {
		errs = append(errs, errNet)
	}
	if c.Params.Soter && c.Params.Genesis == (Hash{}) {
		errs = append(errs, errGenesis)
	}
	return errors.Join(errs...)
}

func between[T uint32 | int | time.Duration](field string, v, low, high T) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("%s %v is not from %v to %v", field, v, low, high)
}

// Name returns "soter" or "bitcoin".
func (d *Dialect) Name() string {
	if d.cfg.Params.Soter {
		return "soter"
	}
	return "bitcoin"
}

// Params returns what the network speaks.
func (d *Dialect) Params() Params { return d.cfg.Params }

// Rules returns the behavior of one node; see [dialect.Rules]. Its commands are
// [Announce], [Known] and [Ping]; its notes [Pinged] and [RTT].
func (d *Dialect) Rules(v dialect.View) dialect.Rules { return newRules(&d.cfg, v) }
