package bench

import (
	"context"
	"fmt"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
)

const (
	floodNodes     = 10_000
	manyNodes      = 100_000
	discoveryNodes = 1000
)

// world is a simulation whose steps can be counted.
type world interface {
	Step() error
	Steps() uint64
	Close() error
}

// simulation is work in events of a simulated world.
type simulation struct{ world }

// Sample implements Bench.
func (s simulation) Sample(ctx context.Context, d time.Duration) (measure.Sample, error) {
	first := s.Steps()
	m := measure.Start()
	for begin := time.Now(); s.Steps() == first || time.Since(begin) < d; {
		if err := ctx.Err(); err != nil {
			return measure.Unknown(), err
		}
		if err := s.Step(); err != nil {
			return measure.Unknown(), err
		}
	}
	cost := m.Cost()
	return measure.Of(measure.Work{Messages: int64(s.Steps() - first)}, cost), nil
}

func flood(l load.Language) []Row { return floodOf(l, floodNodes, 3e6) }

// floodOf is a flood in a network of any size, which is to reach so many steps a
// second.
func floodOf(l load.Language, nodes int, bound float64) []Row {
	return []Row{{
		Name: fmt.Sprintf("flood%s/%s", map[bool]string{true: "-100k"}[nodes == manyNodes], l.Name), Work: fmt.Sprintf("simulating a flood over %d nodes of degree 8, messages as values", nodes),
		Dialect: l.Name, Unit: "steps", Lead: measure.Rate,
		Targets: []Target{{Metric: measure.Rate, Bound: bound}},
		Open: func(context.Context) (Bench, error) {
			f, err := load.NewFlood(l, nodes)
			if err != nil {
				return nil, err
			}
			return simulation{f}, nil
		},
	}}
}

func discovery(l load.Language) []Row {
	return []Row{{
		Name: "discovery/" + l.Name, Work: fmt.Sprintf("simulating %d nodes that find each other, whole wire", discoveryNodes),
		Dialect: l.Name, Unit: "steps", Lead: measure.Rate,
		Targets: []Target{{Metric: measure.Rate, Bound: 500e3}},
		Open: func(context.Context) (Bench, error) {
			return simulation{load.NewDiscovery(l, discoveryNodes)}, nil
		},
	}}
}
