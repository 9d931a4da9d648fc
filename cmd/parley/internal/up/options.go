package up

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/cmd/parley/internal/speech"
	"parley/internal/topology"
)

// discover is the topology of nodes that find each other.
const discover = "discover"

// The limits of what can be asked for.
const (
	minBlockTime = 10 * time.Millisecond
	maxBlockTime = time.Hour
	maxBlockSize = speech.MaxBlockSize
	maxPerMille  = 1000
	maxDelay     = time.Minute
	minKillEvery = 100 * time.Millisecond
)

// options is what the user asks for.
type options struct {
	nodes     int
	topology  string
	dialect   string
	blockTime time.Duration
	blockSize int
	rotate    bool
	drop      int // of a thousand messages
	delay     time.Duration
	killEvery time.Duration // 0 for never
	seed      uint64
	runFor    time.Duration // 0 until interrupted
	json      bool
}

// defaults returns the network that a bare `parley up` starts.
func defaults() options {
	return options{
		nodes: 5, topology: "tree", dialect: "factom/11",
		blockTime: 2 * time.Second, blockSize: 10 << 10,
	}
}

// topologies returns the names that --topology takes.
func topologies() []string { return append(topology.Names(), discover) }

// check reports everything that is wrong, each with its flag and limit.
func (o *options) check() error {
	errs := []error{
		within("nodes", o.nodes, 1, topology.MaxNodes),
		oneOf("topology", o.topology, topologies()),
		oneOf("dialect", o.dialect, speech.Names()),
		within("block-time", o.blockTime, minBlockTime, maxBlockTime),
		within("block-size", o.blockSize, 0, o.largest()),
		within("drop", o.drop, 0, maxPerMille),
		within("delay", o.delay, 0, maxDelay),
		within("for", o.runFor, 0, math.MaxInt64),
	}
	if o.killEvery != 0 {
		errs = append(errs, within("kill-every", o.killEvery, minKillEvery, math.MaxInt64))
	}
	if err := errors.Join(errs...); err != nil || o.topology == discover {
		return err
	}
	return topology.Check(o.topology, o.nodes)
}

// largest returns the most bytes besides its header that a block may have.
func (o *options) largest() int {
	if l, ok := speech.Of(o.dialect); ok {
		return min(maxBlockSize, l.MaxBlock-chain.HeaderSize)
	}
	return maxBlockSize
}

func within[T int | time.Duration](flag string, v, low, high T) error {
	if v >= low && v <= high {
		return nil
	}
	if v < low {
		return fmt.Errorf("--%s %v: at least %v is needed", flag, v, low)
	}
	return fmt.Errorf("--%s %v: the limit is %v", flag, v, high)
}

func oneOf(flag, v string, names []string) error {
	if slices.Contains(names, v) {
		return nil
	}
	return fmt.Errorf("--%s %.40q: known are %s", flag, v, strings.Join(names, ", "))
}

// A node keeps its blocks for neighbors that lack them. All nodes together
// should not need more than this for it.
const (
	keepBytes = 256 << 20
	minKeep   = 16
	maxKeep   = 4096
)

// keep returns how many blocks each node keeps.
func (o *options) keep() int {
	return min(max(keepBytes/(o.nodes*(o.blockSize+1)), minKeep), maxKeep)
}

// batch returns how many blocks are asked for at once: about 1 MiB, because
// an outbox has room for 8.
func (o *options) batch() int { return min(max((1<<20)/(o.blockSize+1), 1), 64) }

// interval returns how often nodes announce their height: each block, but not
// so seldom that a network with slow blocks takes long to heal.
func (o *options) interval() time.Duration { return min(o.blockTime, time.Second) }

// retry returns how long a neighbor may take for an answer that takes some round
// trips.
func (o *options) retry(trips int) time.Duration {
	return time.Duration(2*trips)*o.delay + min(max(o.blockTime/2, 100*time.Millisecond), 500*time.Millisecond)
}
