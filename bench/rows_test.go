package bench

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/bench/load"
	"parley/bench/measure"
)

func TestRowsAreWellFormed(t *testing.T) {
	rows, err := Rows()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	works := map[string]int{}
	for i, r := range rows {
		if names[r.Name] || r.Name == "" || strings.ContainsAny(r.Name, " ,*?[") {
			t.Errorf("row %d: %q is not a name of its own", i, r.Name)
		}
		names[r.Name] = true
		if last, ok := works[r.Work]; ok && last != i-1 {
			t.Errorf("%s: rows of one work do not stand together", r.Name)
		}
		works[r.Work] = i
	}
	for _, name := range []string{
		"oneway/toy/32B", "oneway/factom-9/1KiB", "oneway/factom-10/64KiB", "oneway/factom-11/1MiB",
		"pingpong/factom-11/32B", "broadcast/factom-11/1KiB", "idle/factom-11", "opening/toy", "flood/toy", "discovery/factom-11",
	} {
		if !names[name] {
			t.Errorf("there is no row %s", name)
		}
	}
}

// TestRowsWork runs every row that is quick, for a moment.
func TestRowsWork(t *testing.T) {
	rows, err := Rows()
	if err != nil {
		t.Fatal(err)
	}
	rows, err = Select(rows, "oneway/*/32B,oneway/*/64KiB,receive/*/1KiB,pingpong,broadcast")
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), rows, Settings{Time: 4 * time.Millisecond, Reps: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, s := range []*measure.Summary{r.Got, r.Raw, r.Ratio} {
			if s == nil || s[r.Row.Lead].N != 2 || s[r.Row.Lead].Median <= 0 {
				t.Errorf("%s: got %v, raw %v, ratio %v; want each twice", r.Row.Name, r.Got, r.Raw, r.Ratio)
				break
			}
		}
		for _, target := range r.Row.Targets {
			if target.Met(r.Got, r.Ratio) == nil {
				t.Errorf("%s: %v is not known", r.Row.Name, target)
			}
		}
	}
}

func TestLinksAreWeighedAndRushed(t *testing.T) {
	all, err := load.Languages()
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []opener{rawCrowd, nodeCrowd(all[0])} {
		s, err := weight{100, open, time.Millisecond}.Sample(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if m, g := s[measure.Memory], s[measure.Goroutines]; m <= 0 || m > 200_000 || g < 1 || g > 2 {
			t.Errorf("a link holds %v bytes and %v goroutines", m, g)
		}
		if s, err = (rush{20, open}).Sample(t.Context(), 0); err != nil || !(s[measure.Rate] > 0) {
			t.Errorf("%v links a second, error %v", s[measure.Rate], err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (weight{1, rawCrowd, time.Hour}).Sample(ctx, 0); err == nil {
		t.Error("links were weighed although nobody waits")
	}
}

func TestSimulationsWork(t *testing.T) {
	all, err := load.Languages()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		f, err := load.NewFlood(l, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []simulation{{f}, {load.NewDiscovery(l, 50)}} {
			s, err := w.Sample(t.Context(), time.Millisecond)
			if err != nil || !(s[measure.Rate] > 0) {
				t.Errorf("%s: %v steps a second, error %v", l.Name, s[measure.Rate], err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// blocks are links of a kind that does nothing with time: a goroutine and a block of
// memory each, until all are closed.
type blocks struct {
	held [][]byte
	end  chan struct{}
	wg   sync.WaitGroup
}

const blockSize = 1 << 10

func openBlocks(_ context.Context, n int) (io.Closer, error) {
	b := &blocks{end: make(chan struct{})}
	for range n {
		b.held = append(b.held, make([]byte, blockSize))
		b.wg.Go(func() { <-b.end })
	}
	return b, nil
}

func (b *blocks) Close() error {
	close(b.end)
	b.wg.Wait()
	b.held = nil
	return nil
}

// TestWeightDoesNotDependOnThePast weighs the same again when the runtime has
// records of goroutines to give away. Links of a node would not do: how many of them
// have given something back by then depends on how fast the machine opens them.
func TestWeightDoesNotDependOnThePast(t *testing.T) {
	w := weight{1000, openBlocks, 0}
	for range 3 {
		held, err := w.all(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		each := float64(held.Bytes-held.Stacks) / float64(w.links)
		if each < blockSize || each > blockSize+goroutineRecord*3/4 {
			t.Errorf("a goroutine with %d bytes holds %.0f besides its stack and its record", blockSize, each)
		}
	}
}

// TestDiscoveryIsRepeatable runs two networks with the same seeds. That their
// nodes find each other Step sees to.
func TestDiscoveryIsRepeatable(t *testing.T) {
	all, err := load.Languages()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		a, b := load.NewDiscovery(l, 30), load.NewDiscovery(l, 30)
		for range 3 {
			if err := errors.Join(a.Step(), b.Step()); err != nil {
				t.Fatalf("%s: %v", l.Name, err)
			}
		}
		if a.Steps() != b.Steps() || a.Steps() == 0 {
			t.Errorf("%s: %d and %d events of the same network", l.Name, a.Steps(), b.Steps())
		}
	}
}
