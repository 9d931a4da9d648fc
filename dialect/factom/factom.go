// Package factom speaks the wire protocols of the Factom network: versions 9 and
// 10, which carry gob values, and 11, which carries protobuf. It follows the
// behavior of factom-p2p 1.13 and, for version 9, of the older nodes of factomd
// 6.6 that still speak it.
//
// The dialer chooses how to speak and the listener follows, whatever version it
// is configured with; see [Dialect.Open]. Bodies of application messages are
// bytes that only the application understands; their type is [TypeMessage].
package factom

import (
	"errors"
	"fmt"
	"math"
	"time"

	"parley/dialect"
)

// Config says how a node speaks. Zero fields mean the default given with each.
type Config struct {
	Version    uint16 // protocol version to dial with, 9, 10 or 11: 11
	MinVersion uint16 // least version to accept of others, 9 to 11: 9
	NodeID     uint32 // part of this node's peer hash: the number of the name FNode0

	MaxParcel    int // most bytes of one received parcel, at most 128 MiB; a message that comes in parts may have 2 MiB at most: 16 MiB
	MaxHandshake int // most bytes of an opening exchange from the other side: 64 KiB

	Ping         time.Duration // outbound silence after which to send a ping: 15s
	ReadDeadline time.Duration // inbound silence after which a link ends: 5m

	PeerRequestInterval time.Duration // pause before asking a peer for addresses again, and before answering it again: 5s
	ShareTimeout        time.Duration // how long an answer is waited for: 5s
	ShareAmount         int           // addresses to give, and to take out of one answer: 3
	SharesLimit         int           // most addresses another may put into one answer: 512
}

const (
	maxParcel = 128 << 20 // the protocol's own limit, factom-p2p 1.13 (V11)
	slack     = 4 << 10   // what a parcel may take beside its payload
)

// Dialect is the Factom dialect. It is immutable and safe for concurrent use.
type Dialect struct{ cfg Config }

// New checks cfg and returns a dialect. Errors name the field that is wrong.
func New(cfg Config) (*Dialect, error) {
	setDefault(&cfg.Version, V11)
	setDefault(&cfg.MinVersion, V9)
	setDefault(&cfg.NodeID, StringToUint32("FNode0"))
	setDefault(&cfg.MaxParcel, 16<<20)
	setDefault(&cfg.MaxHandshake, 64<<10)
	setDefault(&cfg.Ping, 15*time.Second)
	setDefault(&cfg.ReadDeadline, 5*time.Minute)
	setDefault(&cfg.PeerRequestInterval, 5*time.Second)
	setDefault(&cfg.ShareTimeout, 5*time.Second)
	setDefault(&cfg.ShareAmount, 3)
	setDefault(&cfg.SharesLimit, 512)
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("factom: %w", err)
	}
	return &Dialect{cfg}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) check() error {
	return errors.Join(
		between("Version", c.Version, V9, V11),
		between("MinVersion", c.MinVersion, V9, c.Version),
		between("MaxParcel", c.MaxParcel, 1, maxParcel),
		between("MaxHandshake", c.MaxHandshake, 512, 1<<20),
		between("Ping", c.Ping, time.Second, math.MaxInt64),
		between("ReadDeadline", c.ReadDeadline, time.Second, math.MaxInt64),
		between("PeerRequestInterval", c.PeerRequestInterval, time.Second, math.MaxInt64),
		between("ShareTimeout", c.ShareTimeout, time.Second, math.MaxInt64),
		between("ShareAmount", c.ShareAmount, 1, 1024),
		between("SharesLimit", c.SharesLimit, 1, 1<<16),
	)
}

func between[T uint16 | int | time.Duration](field string, v, low, high T) error {
	if v >= low && v <= high {
		return nil
	}
	return fmt.Errorf("%s %v is not from %v to %v", field, v, low, high)
}

// Name returns "factom", whatever the version.
func (d *Dialect) Name() string { return "factom" }

// Rules returns the behavior of one node; see [dialect.Rules]. It takes no
// commands.
func (d *Dialect) Rules(v dialect.View) dialect.Rules { return newRules(&d.cfg, v) }
