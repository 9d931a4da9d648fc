package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// contender is one line of the table.
type contender struct {
	name   string
	module string // whose version is shown
	base   func() (*pipe, error)
	open   func() (*pipe, error)
}

// contenders returns all that is measured, in the order of the table.
func contenders() []contender {
	one := func(name, module string, open func() (*pipe, error)) contender {
		return contender{name + ", one way", module, bare, open}
	}
	many := func(name, module string, open func() (*pipe, error)) contender {
		return contender{fmt.Sprintf("%s, 1 to %d", name, fanPeers), module, bareFan, open}
	}
	return []contender{
		one("Parley", "parley", func() (*pipe, error) { return ours(false) }),
		one("Parley, sealed as CometBFT", "parley", func() (*pipe, error) { return ours(true) }),
		one("btcd peer", "github.com/btcsuite/btcd", btcd),
		one("CometBFT MConnection", "github.com/cometbft/cometbft", func() (*pipe, error) { return comet(false) }),
		one("CometBFT MConnection, sealed", "github.com/cometbft/cometbft", func() (*pipe, error) { return comet(true) }),
		one("go-ethereum RLPx, sealed", "github.com/ethereum/go-ethereum", ethereum),
		one("go-libp2p stream, sealed", "github.com/libp2p/go-libp2p", func() (*pipe, error) { return libp2pStreams(1, false) }),
		one("go-libp2p stream, sealed, 64 KiB buffer", "github.com/libp2p/go-libp2p", func() (*pipe, error) { return libp2pStreams(1, true) }),
		one("grpc-go stream", "google.golang.org/grpc", grpcStream),
		one("NATS, through its server", "github.com/nats-io/nats-server/v2", func() (*pipe, error) { return broker(1) }),
		one("memberlist, reliable", "github.com/hashicorp/memberlist", members),
		many("Parley", "parley", oursFan),
		many("NATS, through its server", "github.com/nats-io/nats-server/v2", func() (*pipe, error) { return broker(fanPeers) }),
		many("go-libp2p streams, sealed, 64 KiB buffers", "github.com/libp2p/go-libp2p", func() (*pipe, error) { return libp2pStreams(fanPeers, true) }),
	}
}

// result is what a contender came to: its rate over that of bare TCP, in turns.
type result struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Median  float64 `json:"ratio"`
	Least   float64 `json:"least"`
	Most    float64 `json:"most"`
}

// measure takes turns with the baseline.
func (c contender) measure(ctx context.Context, d time.Duration, turns int) (r result, err error) {
	base, err := c.base()
	if err != nil {
		return r, fmt.Errorf("baseline: %w", err)
	}
	defer func() { err = errors.Join(err, base.close()) }()
	p, err := c.open()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, quietly(p.close())) }()
	var ratios []float64
	for range turns {
		bare, err := base.rate(ctx, d)
		if err != nil {
			return r, fmt.Errorf("baseline: %w", err)
		}
		got, err := p.rate(ctx, d)
		if err != nil {
			return r, err
		}
		ratios = append(ratios, got/bare)
	}
	slices.Sort(ratios)
	n := len(ratios)
	return result{c.name, version(c.module), (ratios[(n-1)/2] + ratios[n/2]) / 2, ratios[0], ratios[n-1]}, nil
}

// quietly drops the error of closing a library: several report that the other end
// hung up, which it did.
func quietly(error) error { return nil }

// version returns the version of a module that is built in.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == module {
			if d.Replace != nil {
				return "this tree"
			}
			return d.Version
		}
	}
	return "unknown"
}
