package guard

import (
	"testing"

	"parley/bench/load"
	"parley/bench/measure"
	"parley/bench/raw"
)

// TestReceivingAllocatesAtMostOncePerBatch counts allocations of the whole
// process while a node receives, so timers and the brain are in it.
func TestReceivingAllocatesAtMostOncePerBatch(t *testing.T) {
	for _, l := range languages(t) {
		for _, size := range []int{32, 1 << 10} {
			f, err := load.NewFeed(l, size)
			if err != nil {
				t.Fatal(err)
			}
			receive(t, f, 100) // until buffers have grown
			m := measure.Start()
			batches := receive(t, f, 300)
			each := float64(m.Cost().Allocs) / float64(batches)
			t.Logf("%s, %d bytes: %.3f allocations a batch", l.Name, size, each)
			if each > slack+forgotten {
				t.Errorf("%s, %d bytes: %.3f allocations a batch, want at most 1", l.Name, size, each)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// receive feeds a node at least as many batches as asked for, one after the
// other, and returns how many there were.
func receive(t *testing.T, f *load.Feed, batches int64) int64 {
	t.Helper()
	const lump = 32 // messages in one write
	before := f.Batches()
	for f.Batches()-before < batches {
		if err := f.Send(lump); err != nil {
			t.Fatal(err)
		}
		if err := f.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	return f.Batches() - before
}

// TestSendingHardlyAllocates has both ends in it.
func TestSendingHardlyAllocates(t *testing.T) {
	for _, l := range languages(t) {
		for _, c := range []struct {
			size, n int
			most    float64 // allocations a message
		}{{32, 20_000, 0.05}, {1 << 10, 5000, 0.2}, {64 << 10, 200, 2}} {
			o, err := load.NewOneWay(t.Context(), l, c.size)
			if err != nil {
				t.Fatal(err)
			}
			send := func(messages int) {
				if err := o.Send(t.Context(), messages); err != nil {
					t.Fatal(err)
				}
				if err := o.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			send(c.n / 4)
			m := measure.Start()
			send(c.n)
			cost := m.Cost()
			allocs := float64(cost.Allocs) / float64(c.n)
			t.Logf("%s, %d bytes: %.4f allocations a message, %.2f of raw messages/s", l.Name, c.size, allocs, rawTime(t, c.size, c.n)/cost.Elapsed.Seconds())
			if allocs > c.most*slack+forgotten {
				t.Errorf("%s, %d bytes: %.4f allocations a message, want at most %v", l.Name, c.size, allocs, c.most)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// rawTime returns how many seconds the baseline takes for n messages.
func rawTime(t *testing.T, size, n int) float64 {
	t.Helper()
	s, err := raw.NewStream(size)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := measure.Start()
	if err := s.Send(n); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	return m.Cost().Elapsed.Seconds()
}

// TestFreshLinks weighs links that have opened and done nothing since. The
// target for idle links is in the table; this bound is only to notice growth.
func TestFreshLinks(t *testing.T) {
	const (
		links     = 200
		mostBytes = 16 << 10
		mostGoros = 2
	)
	for _, l := range languages(t) {
		hold := func(n int) measure.Held {
			before := measure.Hold()
			c, err := load.NewCrowd(t.Context(), l, n, 8)
			if err != nil {
				t.Fatal(err)
			}
			held := measure.Hold().Sub(before)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			return held
		}
		one := hold(1)
		all := hold(1 + links).Sub(one)
		t.Logf("%s: %d bytes for each fresh link", l.Name, all.Bytes/links)
		if all.Bytes > mostBytes*slack*links {
			t.Errorf("%s: a fresh link holds %d bytes, want at most %d", l.Name, all.Bytes/links, mostBytes)
		}
		if all.Goroutines > mostGoros*links {
			t.Errorf("%s: %d links hold %d goroutines, want at most %d each", l.Name, links, all.Goroutines, mostGoros)
		}
	}
}
