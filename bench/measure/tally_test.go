package measure

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTallyWaits(t *testing.T) {
	tally := NewTally()
	var wg sync.WaitGroup
	const adders, each = 4, 1000
	for range adders {
		wg.Go(func() {
			for range each {
				tally.Add(1)
			}
		})
	}
	for _, want := range []int64{0, 1, adders * each / 2, adders * each} {
		if err := tally.Wait(want, nil); err != nil {
			t.Fatal(err)
		}
		if got := tally.Got(); got < want {
			t.Fatalf("waited for %d, got %d", want, got)
		}
	}
	wg.Wait()
	if got := tally.Got(); got != adders*each {
		t.Errorf("got %d, want %d", got, adders*each)
	}
}

func TestTallyEndsWithTheConnection(t *testing.T) {
	tally := NewTally()
	tally.Add(3)
	broken := make(chan struct{})
	close(broken)
	if err := tally.Wait(3, broken); err != nil {
		t.Errorf("all arrived, yet: %v", err)
	}
	if err := tally.Wait(4, broken); err == nil || !strings.HasPrefix(err.Error(), "3 of 4 ") {
		t.Errorf("got %v, want an error that says 3 of 4", err)
	}
}

func TestTallyGivesUp(t *testing.T) { synctest.Test(t, testTallyGivesUp) }

func testTallyGivesUp(t *testing.T) {
	tally := NewTally()
	begin := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(Patience / 2)
		tally.Add(1)
	})
	if err := tally.Wait(2, nil); err == nil || !strings.HasPrefix(err.Error(), "1 of 2 ") {
		t.Errorf("got %v, want an error that says 1 of 2", err)
	}
	if waited := time.Since(begin); waited < Patience*3/2 || waited > Patience*3 {
		t.Errorf("gave up %v after the start, want a while after the last arrival", waited)
	}
	wg.Wait()
}

func TestTallyDoesNotAllocate(t *testing.T) {
	tally := NewTally()
	n := int64(0)
	if got := testing.AllocsPerRun(100, func() {
		n++
		tally.Add(1)
		if err := tally.Wait(n, nil); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations to count and wait, want none", got)
	}
}
