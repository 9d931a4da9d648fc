package hist

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestHist(t *testing.T) {
	var h Hist
	if _, ok := h.Percentile(50); ok {
		t.Error("an empty histogram knows a percentile")
	}
	for ms := 1; ms <= 1000; ms++ {
		h.Add(time.Duration(ms) * time.Millisecond)
	}
	for _, c := range []struct {
		p    float64
		want time.Duration
	}{
		{0, time.Millisecond}, {50, 501 * time.Millisecond}, {90, 901 * time.Millisecond},
		{99, 991 * time.Millisecond}, {100, time.Second},
	} {
		got, ok := h.Percentile(c.p)
		if !ok || got < c.want || got > c.want+c.want/60 {
			t.Errorf("p%v is %v, want %v or 1.6 %% more", c.p, got, c.want)
		}
	}
	h.Add(-1)
	h.Add(1<<63 - 1)
	if got, _ := h.Percentile(100); got != 1<<63-1 {
		t.Errorf("the longest is %v", got)
	}
}

func TestHistBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		v := r.Uint64() >> (1 + r.IntN(63))
		i := bucket(v)
		if v > top(i) || i > 0 && v <= top(i-1) {
			t.Fatalf("%d is in bucket %d, from %d to %d", v, i, top(i-1)+1, top(i))
		}
	}
}
