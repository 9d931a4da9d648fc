package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/bench/measure"
)

// script is a bench whose samples are given, and that writes down what was
// asked of it.
type script struct {
	name   string
	rates  []float64
	fail   error
	events *[]string
}

func (s *script) Sample(context.Context, time.Duration) (measure.Sample, error) {
	*s.events = append(*s.events, s.name)
	out := measure.Unknown()
	if s.fail != nil {
		return out, s.fail
	}
	out[measure.Rate], s.rates = s.rates[0], s.rates[1:]
	return out, nil
}

func (s *script) Close() error {
	*s.events = append(*s.events, s.name+" closed")
	return nil
}

func (s *script) open(context.Context) (Bench, error) { return s, nil }

func TestRunTakesTurns(t *testing.T) {
	var events []string
	base := &script{name: "raw", rates: []float64{10, 20, 10}, events: &events}
	work := &script{name: "work", rates: []float64{5, 2, 9}, events: &events}
	rows := []Row{{Name: "a", Open: work.open, Raw: base.open}}
	got, err := Run(t.Context(), rows, Settings{Time: time.Second, Reps: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"raw", "work", "raw", "work", "raw", "work", "work closed", "raw closed"}; !slices.Equal(events, want) {
		t.Errorf("got %v, want %v", events, want)
	}
	r := got[0]
	if r.Got[measure.Rate].Median != 5 || r.Raw[measure.Rate].Median != 10 {
		t.Errorf("medians %v and %v, want 5 and 10", r.Got[measure.Rate], r.Raw[measure.Rate])
	}
	if want := (measure.Spread{Median: 0.5, Min: 0.1, Max: 0.9, N: 3}); r.Ratio[measure.Rate] != want {
		t.Errorf("ratio %+v, want %+v: that of each repetition, not of the medians", r.Ratio[measure.Rate], want)
	}
}

func TestRunOnce(t *testing.T) {
	var events []string
	work := &script{name: "work", rates: []float64{5}, events: &events}
	got, err := Run(t.Context(), []Row{{Name: "a", Open: work.open, Once: true}}, Settings{Time: time.Second, Reps: 3}, nil)
	if err != nil || len(events) != 2 || got[0].Got[measure.Rate].N != 1 {
		t.Errorf("got %v, %v and error %v; want one sample", events, got, err)
	}
}

func TestRunGoesOnAfterAFailure(t *testing.T) {
	var events []string
	lost := errors.New("a message was lost")
	rows := []Row{
		{Name: "bad", Open: (&script{name: "bad", fail: lost, events: &events}).open},
		{Name: "shut", Open: func(context.Context) (Bench, error) { return nil, lost }},
		{Name: "good", Open: (&script{name: "good", rates: []float64{7}, events: &events}).open},
	}
	var done []string
	got, err := Run(t.Context(), rows, Settings{Time: time.Second, Reps: 1}, func(r Result) { done = append(done, r.Row.Name) })
	if !errors.Is(err, lost) || !strings.Contains(err.Error(), "bad: ") || !strings.Contains(err.Error(), "shut: ") {
		t.Errorf("got error %v, want one that names both rows", err)
	}
	if len(got) != 3 || got[0].Err == nil || got[1].Err == nil || got[2].Err != nil || got[2].Got[measure.Rate].Median != 7 {
		t.Errorf("got %+v", got)
	}
	if !slices.Equal(done, []string{"bad", "shut", "good"}) || !slices.Contains(events, "bad closed") {
		t.Errorf("done %v, events %v", done, events)
	}
	if got[2].Raw != nil || got[2].Ratio != nil {
		t.Error("a row without a baseline has a ratio")
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var events []string
	rows := []Row{
		{Name: "a", Open: (&script{name: "a", rates: []float64{1}, events: &events}).open},
		{Name: "b", Open: (&script{name: "b", rates: []float64{1}, events: &events}).open},
	}
	got, err := Run(ctx, rows, Settings{Time: time.Second, Reps: 1}, func(Result) { cancel() })
	if !errors.Is(err, context.Canceled) || len(got) != 1 {
		t.Errorf("got %d rows and error %v, want one row and that it was canceled", len(got), err)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		s    Settings
		want string // the field at fault
	}{
		{Settings{time.Second, 5}, ""},
		{Settings{time.Millisecond, 1}, ""},
		{Settings{MaxTime, MaxReps}, ""},
		{Settings{0, 5}, "time"},
		{Settings{MaxTime + 1, 5}, "time"},
		{Settings{time.Second, 0}, "reps"},
		{Settings{time.Second, MaxReps + 1}, "reps"},
	} {
		_, err := Run(t.Context(), nil, c.s, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want+": ") {
			t.Errorf("%+v: got %v, want fault in %q", c.s, err, c.want)
		}
	}
}

func TestSelect(t *testing.T) {
	var rows []Row
	for _, n := range []string{"oneway/toy/32B", "oneway/toy/1KiB", "oneway/factom-11/1KiB", "idle/toy", "sim/flood"} {
		rows = append(rows, Row{Name: n})
	}
	for _, c := range []struct {
		patterns string
		want     []int
	}{
		{"", []int{0, 1, 2, 3, 4}},
		{"oneway", []int{0, 1, 2}},
		{"oneway/toy", []int{0, 1}},
		{"*/toy", []int{0, 1, 3}},
		{"*/*/1KiB", []int{1, 2}},
		{"idle/, oneway/factom-*", []int{2, 3}},
		{"sim/flood,sim", []int{4}},
		{"nothing", nil},
		{"oneway,nothing", nil},
		{"oneway/toy/32B/x", nil},
		{"[", nil},
		{",", nil},
	} {
		got, err := Select(rows, c.patterns)
		if (err != nil) != (c.want == nil) {
			t.Errorf("%q: error %v", c.patterns, err)
		}
		var names, want []string
		for _, r := range got {
			names = append(names, r.Name)
		}
		for _, i := range c.want {
			want = append(want, rows[i].Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: got %v, want %v", c.patterns, names, want)
		}
	}
}
