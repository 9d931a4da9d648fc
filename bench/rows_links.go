package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	idleLinks   = 300
	openedLinks = 1000
	dialers     = 16 // that open links at the same time

	// idleTime is how long links are left alone before they are weighed: twice
	// the pause after which package node gives memory back, and longer than any
	// dialect here waits before it pings.
	idleTime = 25 * time.Second
)

func idle(l load.Language) []Row {
	return []Row{{
		Name: "idle/" + l.Name, Work: fmt.Sprintf("holding %d links, idle for %v but for pings, one end", idleLinks, idleTime),
		Dialect: l.Name, Unit: "links", Lead: measure.Memory, Once: true,
		Targets: []Target{{Metric: measure.Memory, Bound: perLink(l, 8<<10, 16<<10)}, {Metric: measure.Goroutines, Bound: 2}},
		Raw:     func(context.Context) (Bench, error) { return weight{idleLinks, rawCrowd, 0}, nil },
		Open:    func(context.Context) (Bench, error) { return weight{idleLinks, nodeCrowd(l), idleTime}, nil },
	}}
}

func opening(l load.Language) []Row {
	return []Row{{
		Name: "opening/" + l.Name, Work: fmt.Sprintf("opening %d links", openedLinks),
		Dialect: l.Name, Unit: "links", Lead: measure.Rate,
		Targets: []Target{{Metric: measure.Rate, Bound: perLink(l, 3000, 1000)}},
		Raw:     func(context.Context) (Bench, error) { return rush{openedLinks, rawCrowd}, nil },
		Open:    func(context.Context) (Bench, error) { return rush{openedLinks, nodeCrowd(l)}, nil },
	}}
}

// perLink returns what a link is to reach, which is less where it seals.
func perLink(l load.Language, plain, sealed float64) float64 {
	if l.Name == "cometbft" {
		return sealed
	}
	return plain
}

func rawCrowd(_ context.Context, n int) (io.Closer, error) { return raw.NewCrowd(n, dialers) }

func nodeCrowd(l load.Language) opener {
	return func(ctx context.Context, n int) (io.Closer, error) { return load.NewCrowd(ctx, l, n, dialers) }
}
