package recent

import (
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	now := time.Unix(1000, 0)
	h := NewHistory[int](time.Minute)
	if h.Young(now, 1) || !h.Claim(now, 1) || h.Claim(now.Add(59*time.Second), 1) || !h.Young(now.Add(59*time.Second), 1) {
		t.Error("within the time")
	}
	if h.Young(now.Add(time.Minute), 1) || !h.Claim(now.Add(time.Minute), 1) {
		t.Error("after the time")
	}
	for i := range 5 * MaxHistory {
		h.Claim(now.Add(time.Minute), i)
		if len(h.last) > MaxHistory {
			t.Fatalf("%d are remembered", len(h.last))
		}
	}
	none := NewHistory[int](0)
	if !none.Claim(now, 1) || !none.Claim(now, 1) || len(none.last) != 0 {
		t.Error("without a time, something is remembered")
	}
}

// A full history forgets what is over before it forgets what is not.
func TestHistoryForgetsTheOldFirst(t *testing.T) {
	now := time.Unix(1000, 0)
	h := NewHistory[int](time.Minute)
	for i := range MaxHistory - 1 {
		h.Claim(now, i)
	}
	later := now.Add(50 * time.Second)
	h.Claim(later, -1)
	h.Claim(now.Add(70*time.Second), -2)
	if !h.Young(now.Add(70*time.Second), -1) || len(h.last) != 2 {
		t.Errorf("%d are remembered, want the two young ones", len(h.last))
	}
}

func TestBuckets(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBuckets[int](2, time.Second)
	b.limit = 3
	for i := range 7 {
		b.Add(now, i)
	}
	if b.Len() != 4 || b.Has(now, 2) || !b.Has(now, 3) || !b.Has(now, 6) {
		t.Errorf("%d are remembered in two buckets of three, want the last four", b.Len())
	}
	if now = now.Add(time.Second); !b.Has(now, 6) || b.Has(now, 5) {
		t.Error("after an interval the newest bucket is left")
	}
	if b.Has(now.Add(time.Second), 6) || b.Len() != 0 {
		t.Error("after two intervals nothing is left")
	}
}
