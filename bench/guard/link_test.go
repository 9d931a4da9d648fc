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
			feed := func(messages int) {
				if err := f.Send(messages); err != nil {
					t.Fatal(err)
				}
				if err := f.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			n := 64 << 20 / size / 4
			feed(n / 4) // until buffers have grown
			before, m := f.Batches(), measure.Start()
			feed(n)
			allocs, batches := float64(m.Cost().Allocs), float64(f.Batches()-before)
			t.Logf("%s, %d bytes: %v allocations in %v batches of %.1f messages", l.Name, size, allocs, batches, float64(n)/batches)
			if allocs > batches*slack {
				t.Errorf("%s, %d bytes: %.2f allocations a batch, want at most 1", l.Name, size, allocs/batches)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSendingHardlyAllocates has both ends in it.
func TestSendingHardlyAllocates(t *testing.T) {
	for _, l := range languages(t) {
		for _, c := range []struct {
			size, n int
			most    float64 // allocations a message
		}{{32, 200_000, 0.05}, {1 << 10, 50_000, 0.2}, {64 << 10, 2000, 2}} {
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
			if allocs > c.most*slack {
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

func TestIdleLinks(t *testing.T) {
	const (
		links      = 200
		mostBytes  = 16 << 10
		goroutines = 2
	)
	for _, l := range languages(t) {
		before := measure.Hold()
		c, err := load.NewCrowd(t.Context(), l, links, 8)
		if err != nil {
			t.Fatal(err)
		}
		after := measure.Hold()
		bytes := float64(after.Bytes-before.Bytes) / links
		each := float64(after.Goroutines-before.Goroutines) / links
		t.Logf("%s: %.0f bytes and %.2f goroutines for each idle link", l.Name, bytes, each)
		if bytes > mostBytes*slack {
			t.Errorf("%s: an idle link holds %.0f bytes, want at most %d", l.Name, bytes, mostBytes)
		}
		if each > goroutines+0.1 { // the node has a few of its own
			t.Errorf("%s: an idle link holds %.2f goroutines, want at most %d", l.Name, each, goroutines)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
