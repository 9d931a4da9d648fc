package bench

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/bench/measure"
)

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {0.0374, "0.0374"}, {1.0 / 3, "0.333"}, {2.5, "2.5"}, {25.04, "25"}, {99.7, "99.7"},
		{271.4, "271"}, {4321, "4321"}, {16384, "16384"}, {99994, "99994"}, {99996, "100k"},
		{271_400, "271k"}, {999_400, "999k"}, {999_600, "1M"}, {3_460_000, "3.46M"}, {41_080_000, "41.1M"}, {4.2e9, "4.2G"},
	} {
		if got := figure(c.v); got != c.want {
			t.Errorf("%v is written %q, want %q", c.v, got, c.want)
		}
	}
}

// summary returns a summary of one repetition for each value of one metric.
func summary(m measure.Metric, values ...float64) *measure.Summary {
	var reps []measure.Sample
	for _, v := range values {
		s := measure.Unknown()
		s[m] = v
		reps = append(reps, s)
	}
	return new(measure.Summarize(reps))
}

func TestTargets(t *testing.T) {
	rate := Target{Metric: measure.Rate, OverRaw: true, Bound: 0.5}
	memory := Target{Metric: measure.Memory, Bound: 16 << 10}
	for _, c := range []struct {
		name       string
		t          Target
		got, ratio *measure.Summary
		want       *bool
		clear      *bool
	}{
		{"enough", rate, nil, summary(measure.Rate, 0.5), new(true), new(true)},
		{"mostly too slow", rate, nil, summary(measure.Rate, 0.4, 0.49, 0.9), new(false), new(false)},
		{"mostly enough", rate, nil, summary(measure.Rate, 0.4, 0.6, 0.9), new(true), new(false)},
		{"too slow", rate, nil, summary(measure.Rate, 0.1, 0.2, 0.4), new(false), new(true)},
		{"no baseline", rate, summary(measure.Rate, 1e6), nil, nil, nil},
		{"small", memory, summary(measure.Memory, 9000), nil, new(true), new(true)},
		{"large", memory, summary(measure.Memory, 17000), nil, new(false), new(true)},
		{"mostly large", memory, summary(measure.Memory, 9000, 17000, 18000), nil, new(false), new(false)},
		{"not weighed", memory, summary(measure.Rate, 1), nil, nil, nil},
	} {
		if got := c.t.Clear(c.got, c.ratio); show(got) != show(c.clear) {
			t.Errorf("%s: clear %v, want %v", c.name, show(got), show(c.clear))
		}
		got := c.t.Met(c.got, c.ratio)
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: got %v, want %v", c.name, show(got), show(c.want))
		}
	}
	unsure := Result{Row: Row{Targets: []Target{rate}}, Ratio: summary(measure.Rate, 0.4, 0.6, 0.9)}
	if got, want := unsure.verdicts(), "≥ 0.5 raw: met, but not in every turn"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := rate.String(); got != "≥ 0.5 raw" {
		t.Errorf("got %q", got)
	}
	if got := memory.String(); got != "≤ 16384 bytes" {
		t.Errorf("got %q", got)
	}
}

func show(b *bool) string {
	if b == nil {
		return "unknown"
	}
	return strconv.FormatBool(*b)
}

// results are three rows as a run might leave them: one with everything, one
// without a baseline, one that failed.
func results() []Result {
	full := Result{
		Row: Row{Name: "oneway/x/1KiB", Work: "one way", Dialect: "x", Size: 1024, Unit: "messages", Lead: measure.Rate,
			Targets: []Target{{Metric: measure.Rate, OverRaw: true, Bound: 1.0 / 3}}},
		Got:   summary(measure.Rate, 1e6, 1.1e6, 1.2e6),
		Raw:   summary(measure.Rate, 4e6, 4e6, 4e6),
		Ratio: summary(measure.Rate, 0.25, 0.275, 0.3),
	}
	full.Ratio[measure.CPU] = measure.SpreadOf([]float64{2, 3, 5})
	full.Got[measure.Others] = measure.SpreadOf([]float64{40})
	full.Raw[measure.Others] = measure.SpreadOf([]float64{20})
	return []Result{
		full,
		{Row: Row{Name: "oneway/y/1KiB", Work: "one way", Unit: "messages", Lead: measure.Rate}, Err: errors.New("3 of 4 arrived")},
		{Row: Row{Name: "sim/z", Work: "simulating", Unit: "steps", Lead: measure.Rate}, Got: summary(measure.Rate, 2e6)},
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := WriteTable(&b, results()); err != nil {
		t.Fatal(err)
	}
	want := `one way
                 messages/s         raw  ratio to raw        CPU to raw  target
  oneway/x/1KiB  1.1M [1M..1.2M]    4M   0.275 [0.25..0.3]   3           ≥ 0.333 raw: missed
  oneway/y/1KiB  error: 3 of 4 arrived

simulating
         steps/s  raw  ratio to raw  CPU to raw  target
  sim/z  2M       —    —             —           —

Other processes used 30 % of the machine meanwhile, 20 % in the quietest row and 40 % in the busiest.
`
	if got := squeeze(b.String()); got != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// squeeze makes runs of spaces one space, since the width of columns is not the
// point.
func squeeze(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestReportJSON(t *testing.T) {
	r := Report{
		Time:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine:  Machine{OS: "linux", Arch: "amd64", Cores: 2, Procs: 2, Go: "go1.26"},
		Settings: Settings{Time: 500 * time.Millisecond, Reps: 3},
		Results:  results(),
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine struct{ CPU *string }
		Seconds float64
		Rows    []struct {
			Name               string
			Dialect            *string
			Parley, Raw, Ratio map[string]*struct{ Median float64 }
			Targets            []map[string]any
			Error              *string
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Machine.CPU != nil || got.Seconds != 0.5 || len(got.Rows) != 3 {
		t.Fatalf("got %+v", got)
	}
	full, failed, alone := got.Rows[0], got.Rows[1], got.Rows[2]
	if full.Parley["per_second"].Median != 1.1e6 || full.Ratio["per_second"].Median != 0.275 || full.Parley["p50_us"] != nil {
		t.Errorf("first row: %+v", full)
	}
	target := full.Targets[0]
	if target["metric"] != "per_second" || target["met"] != false || target["clear"] != true || target["at_most"] != nil || math.Abs(target["at_least"].(float64)-1.0/3) > 1e-9 {
		t.Errorf("target: %v", target)
	}
	if failed.Error == nil || *failed.Error != "3 of 4 arrived" || failed.Parley != nil || failed.Dialect != nil {
		t.Errorf("failed row: %+v", failed)
	}
	if alone.Raw != nil || alone.Ratio != nil || alone.Error != nil || alone.Targets == nil {
		t.Errorf("row without a baseline: %+v", alone)
	}
}
