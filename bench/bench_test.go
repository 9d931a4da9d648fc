package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

// The benchmarks repeat the rows of the table one side at a time, for profiles
// and for benchstat: BenchmarkOneWay/raw/1KiB is the baseline of
// BenchmarkOneWay/factom-11/1KiB.

func languages(b *testing.B) []load.Language {
	b.Helper()
	all, err := load.Languages()
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// stream measures one message an iteration.
func stream(b *testing.B, size int, send func(context.Context, int) error, wait, close func() error) {
	b.Helper()
	ctx := b.Context()
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if err := send(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
	if err := wait(); err != nil {
		b.Fatal(err)
	}
	if err := close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkOneWay(b *testing.B) {
	for _, size := range sizes {
		b.Run("raw/"+sizeName(size), func(b *testing.B) {
			s, err := raw.NewStream(size)
			if err != nil {
				b.Fatal(err)
			}
			stream(b, size, func(_ context.Context, n int) error { return s.Send(n) }, s.Wait, s.Close)
		})
	}
	for _, l := range languages(b) {
		for _, size := range sizes {
			b.Run(l.Name+"/"+sizeName(size), func(b *testing.B) {
				o, err := load.NewOneWay(b.Context(), l, size)
				if err != nil {
					b.Fatal(err)
				}
				stream(b, size, o.Send, o.Wait, o.Close)
			})
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, l := range languages(b) {
		for _, size := range sizes[:2] {
			b.Run(l.Name+"/"+sizeName(size), func(b *testing.B) {
				f, err := load.NewFeed(l, size)
				if err != nil {
					b.Fatal(err)
				}
				const lump = 64 // a write each iteration would be what is measured
				b.ReportAllocs()
				b.SetBytes(int64(size) * lump)
				for b.Loop() {
					if err := f.Send(lump); err != nil {
						b.Fatal(err)
					}
				}
				if err := f.Wait(); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// roundTrips measures a lump of round trips an iteration and reports the
// quantiles of all of them.
func roundTrips(b *testing.B, trips func([]time.Duration) error, close func() error) {
	b.Helper()
	const lump = 100
	var all []time.Duration
	took := make([]time.Duration, lump)
	for b.Loop() {
		if err := trips(took); err != nil {
			b.Fatal(err)
		}
		all = append(all, took...)
	}
	s := measure.Trips(all)
	b.ReportMetric(s[measure.P50], "p50-µs")
	b.ReportMetric(s[measure.P99], "p99-µs")
	if err := close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPingPong(b *testing.B) {
	b.Run("raw", func(b *testing.B) {
		e, err := raw.NewEcho(tripSize)
		if err != nil {
			b.Fatal(err)
		}
		roundTrips(b, rawTrips(e), e.Close)
	})
	for _, l := range languages(b) {
		b.Run(l.Name, func(b *testing.B) {
			e, err := load.NewEcho(b.Context(), l, tripSize)
			if err != nil {
				b.Fatal(err)
			}
			roundTrips(b, e.Trips, e.Close)
		})
	}
}

func BenchmarkBroadcast(b *testing.B) {
	b.Run("raw", func(b *testing.B) {
		f, err := raw.NewFan(fanPeers, fanSize)
		if err != nil {
			b.Fatal(err)
		}
		const lump = 64 // each Send starts a goroutine for each peer
		b.SetBytes(fanPeers * fanSize * lump)
		for b.Loop() {
			if err := f.Send(lump); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Wait(); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	})
	for _, l := range languages(b) {
		b.Run(l.Name, func(b *testing.B) {
			f, err := load.NewFan(l, fanPeers, fanSize)
			if err != nil {
				b.Fatal(err)
			}
			stream(b, fanPeers*fanSize, func(_ context.Context, n int) error { return f.Send(n) }, f.Wait, f.Close)
		})
	}
}

func BenchmarkOpening(b *testing.B) {
	const links = 100
	for _, l := range languages(b) {
		b.Run(fmt.Sprintf("%s/%d", l.Name, links), func(b *testing.B) {
			for b.Loop() {
				c, err := load.NewCrowd(b.Context(), l, links, dialers)
				if err != nil {
					b.Fatal(err)
				}
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// simulate measures the steps of a world and reports them a second.
func simulate(b *testing.B, w world) {
	b.Helper()
	first := w.Steps()
	for b.Loop() {
		if err := w.Step(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(w.Steps()-first)/b.Elapsed().Seconds(), "steps/s")
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkFlood(b *testing.B) {
	for _, l := range languages(b) {
		b.Run(l.Name, func(b *testing.B) {
			f, err := load.NewFlood(l, floodNodes)
			if err != nil {
				b.Fatal(err)
			}
			simulate(b, f)
		})
	}
}

func BenchmarkDiscovery(b *testing.B) {
	for _, l := range languages(b) {
		b.Run(l.Name, func(b *testing.B) { simulate(b, load.NewDiscovery(l, discoveryNodes)) })
	}
}
