package bench

import (
	"context"
	"fmt"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	crowdPeers = 1000 // that send all the time
	crowdSize  = 250
	calmLinks  = 5000 // that only ping
	calmSettle = 20 * time.Second
	calmRest   = 32 * time.Second // two pings of each
	fastPeers  = fanPeers - 1     // besides a slow one
)

// gob compares the old versions of Factom's protocol with the newest.
func gob(old, newest load.Language) []Row {
	var rows []Row
	for _, size := range sizes[:2] {
		rows = append(rows, Row{
			Name: "gob/" + old.Name + "/" + sizeName(size), Work: "one way, against " + newest.Name + " instead of bare frames",
			Dialect: old.Name, Size: size, Unit: "messages", Lead: measure.Rate,
			Targets: []Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.6}},
			Raw:     func(ctx context.Context) (Bench, error) { return stream1(ctx, newest, size) },
			Open:    func(ctx context.Context) (Bench, error) { return stream1(ctx, old, size) },
		})
	}
	return rows
}

// sealed compares a link that seals with sealing alone.
func sealed(l load.Language) []Row {
	var rows []Row
	for _, size := range sizes {
		r := Row{
			Name: "sealed/" + l.Name + "/" + sizeName(size), Work: "one way, sealed, against sealing alone with nothing sent",
			Dialect: l.Name, Size: size, Unit: "messages", Lead: measure.Bandwidth,
			Raw: func(context.Context) (Bench, error) {
				s, err := raw.NewSeal(size)
				if err != nil {
					return nil, err
				}
				return sealing{s.Do, size, lump(size)}, nil
			},
			Open: func(ctx context.Context) (Bench, error) { return stream1(ctx, l, size) },
		}
		if size == 1<<10 || size == 64<<10 {
			r.Targets = []Target{{Metric: measure.Bandwidth, OverRaw: true, Bound: 0.75}}
		}
		rows = append(rows, r)
	}
	return rows
}

// uneven is a broadcast with one slow peer among fast ones, against the fast ones
// alone.
func uneven(l load.Language) []Row {
	return []Row{{
		Name: "uneven/" + l.Name + "/" + sizeName(fanSize), Work: fmt.Sprintf("broadcast to %d fast peers and one that reads 10 KiB/s, against the fast ones alone", fastPeers),
		Dialect: l.Name, Size: fanSize, Unit: "deliveries", Lead: measure.Rate,
		Targets: []Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.95}},
		Raw:     func(context.Context) (Bench, error) { return fan(load.NewFan(l, fastPeers, fanSize)) },
		Open:    func(context.Context) (Bench, error) { return fan(load.NewUneven(l, fastPeers, fanSize)) },
	}}
}

func fan(f *load.Fan, err error) (Bench, error) {
	if err != nil {
		return nil, err
	}
	send := func(_ context.Context, n int) error { return f.Send(n) }
	return &flow{send: send, wait: f.Wait, close: f.Close, size: fanSize, lump: lump(fanSize), each: fastPeers}, nil
}

// crowd is many peers that each send a little.
func crowd(l load.Language) []Row {
	return []Row{{
		Name: "crowd/" + l.Name, Work: fmt.Sprintf("receiving from %d peers that send 100 messages/s of %d B each, the sending thread taken off", crowdPeers, crowdSize),
		Dialect: l.Name, Size: crowdSize, Unit: "messages", Lead: measure.Core,
		Targets: []Target{{Metric: measure.Core, Bound: 60}},
		Raw: func(context.Context) (Bench, error) {
			t, err := raw.NewTraffic(crowdPeers, crowdSize)
			if err != nil {
				return nil, err
			}
			return paced{t.Run, crowdPeers * 100, t.Close}, nil
		},
		Open: func(context.Context) (Bench, error) {
			t, err := load.NewTraffic(l, crowdPeers, crowdSize)
			if err != nil {
				return nil, err
			}
			return paced{t.Run, crowdPeers * 100, t.Close}, nil
		},
	}}
}

// pings is very many links that only ping.
func pings(l load.Language) []Row {
	return []Row{{
		Name: "pings/" + l.Name, Work: fmt.Sprintf("%d idle links and their peers, for %v", calmLinks, calmRest),
		Dialect: l.Name, Unit: "pings", Lead: measure.Core, Once: true,
		Targets: []Target{{Metric: measure.Core, Bound: 2}, {Metric: measure.Late, Bound: 1000}},
		Open: func(context.Context) (Bench, error) {
			q, err := load.NewQuiet(l, calmLinks)
			if err != nil {
				return nil, err
			}
			return calm{q, calmSettle, calmRest}, nil
		},
	}}
}
