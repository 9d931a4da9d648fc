package measure

import (
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		figures []float64
		want    Spread
	}{
		{"one", []float64{4}, Spread{4, 4, 4, 1}},
		{"odd", []float64{9, 1, 4}, Spread{4, 1, 9, 3}},
		{"even", []float64{9, 1, 4, 6}, Spread{5, 1, 9, 4}},
		{"unknown ones do not count", []float64{nan, 3, math.Inf(1)}, Spread{3, 3, 3, 1}},
	} {
		if got := SpreadOf(c.figures); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	for _, none := range [][]float64{nil, {nan, nan}} {
		got := SpreadOf(none)
		if got.Known() || !math.IsNaN(got.Median) || !math.IsNaN(got.Min) || !math.IsNaN(got.Max) {
			t.Errorf("%v: got %+v, want an unknown spread", none, got)
		}
	}
}

func TestSpreadKeepsItsInput(t *testing.T) {
	figures := []float64{3, 1, 2}
	SpreadOf(figures)
	if figures[0] != 3 || figures[1] != 1 {
		t.Errorf("the repetitions were reordered: %v", figures)
	}
}

func TestOf(t *testing.T) {
	c := Cost{Elapsed: 2 * time.Second, CPU: 3 * time.Second, Allocs: 500, Bytes: 64000}
	s := Of(Work{Messages: 1000, Size: 2000, Batches: 100}, c)
	want := Unknown()
	want[Rate], want[Bandwidth], want[CPU] = 500, 1, 3000
	want[Allocs], want[AllocBytes] = 0.5, 64
	want[BatchAllocs], want[Batch] = 5, 10
	want[Others] = 0
	for _, m := range All() {
		if s[m] != want[m] && !(math.IsNaN(s[m]) && math.IsNaN(want[m])) {
			t.Errorf("%s: got %v, want %v", m, s[m], want[m])
		}
	}
}

func TestWhatWasNotMeasuredIsUnknown(t *testing.T) {
	for _, m := range All() {
		if v := Of(Work{}, Cost{Elapsed: time.Second})[m]; !math.IsNaN(v) {
			t.Errorf("no messages: %s is %v", m, v)
		}
		if v := Trips(nil)[m]; !math.IsNaN(v) {
			t.Errorf("no round trips: %s is %v", m, v)
		}
	}
	s := Of(Work{Messages: 1}, Cost{Elapsed: time.Second, CPU: -1})
	for _, m := range []Metric{CPU, Bandwidth, BatchAllocs, P50, Memory} {
		if !math.IsNaN(s[m]) {
			t.Errorf("%s is %v without having been measured", m, s[m])
		}
	}
}

func TestOver(t *testing.T) {
	a, b := Unknown(), Unknown()
	a[Rate], b[Rate] = 30, 90
	a[Allocs], b[Allocs] = 1, 0
	a[CPU] = 7
	r := a.Over(b)
	if r[Rate] != 30.0/90 {
		t.Errorf("rate: %v", r[Rate])
	}
	for _, m := range []Metric{Allocs, CPU, P99} {
		if !math.IsNaN(r[m]) {
			t.Errorf("%s: %v, want unknown", m, r[m])
		}
	}
}

func TestTrips(t *testing.T) {
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Microsecond)
	}
	s := Trips(took)
	if s[P50] != 100 || s[P99] != 198 {
		t.Errorf("p50 %v, p99 %v; want 100 and 198", s[P50], s[P99])
	}
	if s := Trips([]time.Duration{5 * time.Microsecond}); s[P50] != 5 || s[P99] != 5 {
		t.Errorf("of one: p50 %v, p99 %v; want 5 and 5", s[P50], s[P99])
	}
}

func TestSummaryJSON(t *testing.T) {
	a, b := Unknown(), Unknown()
	a[Rate], b[Rate] = 2, 4
	out, err := json.Marshal(Summarize([]Sample{a, b}))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"per_second":{"median":3,"min":2,"max":4,"n":2},"mb_per_second":null,`; !strings.HasPrefix(string(out), want) {
		t.Errorf("got %s\nwant it to begin %s", out, want)
	}
	var keys map[string]any
	if err := json.Unmarshal(out, &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != int(count) {
		t.Errorf("%d keys, want %d: each metric needs a key of its own", len(keys), count)
	}
}

var sink []byte

func TestMeter(t *testing.T) {
	const n, size = 1000, 4096
	m := Start()
	for range n {
		sink = make([]byte, size)
	}
	c := m.Cost()
	if c.Allocs < n || c.Allocs > n+n/10 {
		t.Errorf("%d allocations, want about %d", c.Allocs, n)
	}
	if c.Bytes < n*size {
		t.Errorf("%d bytes, want at least %d", c.Bytes, n*size)
	}
	if c.Elapsed <= 0 {
		t.Errorf("no time passed: %v", c.Elapsed)
	}
}

func TestMeterCountsProcessorTime(t *testing.T) {
	m := Start()
	if m.cpu < 0 {
		if m.Cost().CPU >= 0 {
			t.Error("processor time out of nowhere")
		}
		return
	}
	for m.Cost().CPU == 0 { // ends once the system's clock has ticked
		sink = make([]byte, 1<<16)
	}
}

func TestHold(t *testing.T) {
	before := Hold()
	const held = 1 << 20
	keep := make([]byte, held)
	after := Hold()
	if grown := after.Sub(before).Bytes; grown < held*9/10 || grown > held*2 {
		t.Errorf("grew by %d bytes, want about %d", grown, held)
	}
	if after.Goroutines < 1 {
		t.Errorf("%d goroutines", after.Goroutines)
	}
	runtime.KeepAlive(keep)
}

func TestOthers(t *testing.T) {
	before := parseTicks("cpu  100 0 50 800 50 0 0 0 0 0")
	after := parseTicks("cpu  160 0 90 880 60 5 5 0 30 0")
	if before != (ticks{150, 1000}) || after != (ticks{260, 1200}) {
		t.Fatalf("read %+v and %+v", before, after)
	}
	for _, c := range []struct {
		own  time.Duration
		want float64
	}{{0, 55}, {500 * time.Millisecond, 30}, {time.Hour, 0}} {
		if got := after.others(before, c.own); got != c.want {
			t.Errorf("own %v: others used %v %%, want %v", c.own, got, c.want)
		}
	}
	for _, unknown := range []float64{after.others(ticks{}, 0), after.others(after, 0), after.others(before, -1)} {
		if !math.IsNaN(unknown) {
			t.Errorf("got %v, want it unknown", unknown)
		}
	}
	for _, line := range []string{"", "cpu", "cpu0 1 2 3 4 5", "cpu 1 2 3 x 5"} {
		if got := parseTicks(line); got != (ticks{}) {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
}
