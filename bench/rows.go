package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	tripSize = 32 // bytes of the body that goes there and back
	fanPeers = 32 // peers of a broadcast
	fanSize  = 1 << 10
)

var sizes = []int{32, 1 << 10, 64 << 10, 1 << 20}

// Rows returns every row there is, in the order of the table.
func Rows() ([]Row, error) {
	languages, err := load.Languages()
	if err != nil {
		return nil, err
	}
	soter, err := load.Soter()
	if err != nil {
		return nil, err
	}
	comet, err := load.CometBFT()
	if err != nil {
		return nil, err
	}
	var rows []Row
	add := func(kind func(load.Language) []Row, languages ...load.Language) {
		for _, l := range languages {
			rows = append(rows, kind(l)...)
		}
	}
	nine, ten, eleven := languages[1], languages[2], languages[3]
	plain := append(slices.Clone(languages), soter)
	all := append(slices.Clone(plain), comet)
	add(oneWay, plain...)
	rows = append(rows, slices.Concat(gob(nine, eleven), gob(ten, eleven))...)
	add(sealed, comet)
	add(receive, plain...)
	add(thereAndBack, all...)
	add(broadcast, plain...)
	add(uneven, eleven)
	add(crowd, eleven)
	add(idle, all...)
	add(pings, eleven)
	add(opening, all...)
	add(flood, languages...)
	rows = append(rows, floodOf(eleven, manyNodes, 1.5e6)...)
	add(discovery, languages...)
	return rows, nil
}

// sizeName writes a size as rows are named: 32B, 1KiB, 1MiB.
func sizeName(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

// lump is how many messages make about a quarter of a MiB.
func lump(size int) int { return min(max(1, (256<<10)/size), 256) }

func oneWay(l load.Language) []Row {
	var rows []Row
	for _, size := range sizes {
		r := Row{
			Name: "oneway/" + l.Name + "/" + sizeName(size), Work: "one way, node to node, lossless",
			Dialect: l.Name, Size: size, Unit: "messages", Lead: measure.Rate,
			Raw:     func(context.Context) (Bench, error) { return rawStream(size) },
			Open:    func(ctx context.Context) (Bench, error) { return stream1(ctx, l, size) },
			Targets: oneWayTargets(l.Name, size),
		}
		if size > 1<<10 {
			r.Lead = measure.Bandwidth
		}
		rows = append(rows, r)
	}
	return rows
}

// oneWayTargets returns what the plain dialects without gob are to reach.
func oneWayTargets(name string, size int) []Target {
	if name != "factom-11" && name != "soter" {
		return nil
	}
	switch size {
	case 32:
		enough := &Target{Metric: measure.Rate, Bound: 2.5e6}
		return []Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.4, Or: enough}, {Metric: measure.Allocs, Bound: 0.02}}
	case 1 << 10:
		return []Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.6}}
	}
	return []Target{{Metric: measure.Bandwidth, OverRaw: true, Bound: 0.9}}
}

// stream1 links two nodes.
func stream1(ctx context.Context, l load.Language, size int) (Bench, error) {
	o, err := load.NewOneWay(ctx, l, size)
	if err != nil {
		return nil, err
	}
	return &flow{send: o.Send, wait: o.Wait, batches: o.Batches, close: o.Close, size: size, lump: lump(size), each: 1}, nil
}

func rawStream(size int) (Bench, error) {
	s, err := raw.NewStream(size)
	if err != nil {
		return nil, err
	}
	send := func(_ context.Context, n int) error { return s.Send(n) }
	return &flow{send: send, wait: s.Wait, close: s.Close, size: size, lump: lump(size), each: 1}, nil
}

// receive has no size above 1 KiB: from there on a batch is a message.
func receive(l load.Language) []Row {
	var rows []Row
	for _, size := range sizes[:2] {
		rows = append(rows, Row{
			Name: "receive/" + l.Name + "/" + sizeName(size), Work: "receiving alone, from ready-made bytes",
			Dialect: l.Name, Size: size, Unit: "messages", Lead: measure.Rate,
			Targets: []Target{{Metric: measure.BatchAllocs, Bound: 1}},
			Raw: func(context.Context) (Bench, error) {
				f, err := raw.NewFeed(size)
				if err != nil {
					return nil, err
				}
				send := func(_ context.Context, n int) error { return f.Send(n) }
				return &flow{send: send, wait: f.Wait, close: f.Close, size: size, lump: lump(size), each: 1}, nil
			},
			Open: func(context.Context) (Bench, error) {
				f, err := load.NewFeed(l, size)
				if err != nil {
					return nil, err
				}
				send := func(_ context.Context, n int) error { return f.Send(n) }
				return &flow{send: send, wait: f.Wait, batches: f.Batches, close: f.Close, size: size, lump: lump(size), each: 1}, nil
			},
		})
	}
	return rows
}

func thereAndBack(l load.Language) []Row {
	return []Row{{
		Name: "pingpong/" + l.Name + "/" + sizeName(tripSize), Work: "there and back, handler to handler",
		Dialect: l.Name, Size: tripSize, Unit: "round trips", Lead: measure.P50, Targets: tripTargets(l.Name),
		Raw: func(context.Context) (Bench, error) {
			e, err := raw.NewEcho(tripSize)
			if err != nil {
				return nil, err
			}
			return &echo{rawTrips(e), e.Close}, nil
		},
		Open: func(ctx context.Context) (Bench, error) {
			e, err := load.NewEcho(ctx, l, tripSize)
			if err != nil {
				return nil, err
			}
			return &echo{e.Trips, e.Close}, nil
		},
	}}
}

// tripTargets returns what plain links are to reach.
func tripTargets(name string) []Target {
	if name == "cometbft" {
		return nil
	}
	return []Target{{Metric: measure.P50, OverRaw: true, Bound: 1.25}, {Metric: measure.P99, OverRaw: true, Bound: 1.25}}
}

func rawTrips(e *raw.Echo) func([]time.Duration) error {
	return func(took []time.Duration) error {
		for i := range took {
			begin := time.Now()
			if err := e.Trip(); err != nil {
				return err
			}
			took[i] = time.Since(begin)
		}
		return nil
	}
}

func broadcast(l load.Language) []Row {
	return []Row{{
		Name: "broadcast/" + l.Name + "/" + sizeName(fanSize), Work: fmt.Sprintf("broadcast to %d peers", fanPeers),
		Dialect: l.Name, Size: fanSize, Unit: "deliveries", Lead: measure.Rate,
		Targets: []Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.8}},
		Raw: func(context.Context) (Bench, error) {
			f, err := raw.NewFan(fanPeers, fanSize)
			if err != nil {
				return nil, err
			}
			send := func(_ context.Context, n int) error { return f.Send(n) }
			return &flow{send: send, wait: f.Wait, close: f.Close, size: fanSize, lump: lump(fanSize), each: fanPeers}, nil
		},
		Open: func(context.Context) (Bench, error) {
			f, err := load.NewFan(l, fanPeers, fanSize)
			if err != nil {
				return nil, err
			}
			send := func(_ context.Context, n int) error { return f.Send(n) }
			return &flow{send: send, wait: f.Wait, close: f.Close, size: fanSize, lump: lump(fanSize), each: fanPeers}, nil
		},
	}}
}
