package bench

import (
	"context"
	"fmt"
	"io"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	idleLinks   = 300
	openedLinks = 1000
	dialers     = 16 // that open links at the same time
)

func idle(l load.Language) []Row {
	return []Row{{
		Name: "idle/" + l.Name, Work: fmt.Sprintf("holding %d idle links, one end", idleLinks),
		Dialect: l.Name, Unit: "links", Lead: measure.Memory,
		Targets: []Target{{measure.Memory, false, 16 << 10}, {measure.Goroutines, false, 2}},
		Raw:     rawCrowd(idleLinks, true),
		Open:    nodeCrowd(l, idleLinks, true),
	}}
}

func opening(l load.Language) []Row {
	return []Row{{
		Name: "opening/" + l.Name, Work: fmt.Sprintf("opening %d links", openedLinks),
		Dialect: l.Name, Unit: "links", Lead: measure.Rate,
		Raw:  rawCrowd(openedLinks, false),
		Open: nodeCrowd(l, openedLinks, false),
	}}
}

func rawCrowd(links int, weigh bool) func(context.Context) (Bench, error) {
	open := func(_ context.Context, n int) (io.Closer, error) { return raw.NewCrowd(n, dialers) }
	return func(context.Context) (Bench, error) { return &crowd{links, open, weigh}, nil }
}

func nodeCrowd(l load.Language, links int, weigh bool) func(context.Context) (Bench, error) {
	open := func(ctx context.Context, n int) (io.Closer, error) { return load.NewCrowd(ctx, l, n, dialers) }
	return func(context.Context) (Bench, error) { return &crowd{links, open, weigh}, nil }
}
