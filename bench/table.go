package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"parley/bench/measure"
)

// dash stands for what is not known.
const dash = "—"

// WriteTable writes results as text, a table for each kind of work. It is for
// people and will change; programs read [Report].
func WriteTable(w io.Writer, results []Result) error {
	for rest := results; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Row.Work == rest[0].Row.Work {
			n++
		}
		if err := writeGroup(w, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	_, err := io.WriteString(w, company(results))
	return err
}

// WriteText writes the machine and how it was measured, then the tables.
func (r Report) WriteText(w io.Writer) error {
	m := r.Machine
	cpu := "unknown processor"
	if m.CPU != nil {
		cpu = *m.CPU
	}
	if _, err := fmt.Fprintf(w, "%s/%s, %s, %d cores, GOMAXPROCS %d, %s; %v a row in %d turns: median [least..most]\n\n",
		m.OS, m.Arch, cpu, m.Cores, m.Procs, m.Go, r.Settings.Time, r.Reps); err != nil {
		return err
	}
	return WriteTable(w, r.Results)
}

// shown are the metrics with a column of their own, in order, and its title.
var shown = []struct {
	metric measure.Metric
	title  string
}{
	{measure.Rate, ""}, // titled by what it counts
	{measure.Bandwidth, "MB/s"},
	{measure.P50, "p50 µs"},
	{measure.P99, "p99 µs"},
	{measure.Memory, "bytes"},
	{measure.Goroutines, "goroutines"},
	{measure.Core, "% of a core"},
	{measure.Late, "ms late"},
	{measure.CPU, "CPU µs"},
	{measure.Allocs, "allocs"},
	{measure.BatchAllocs, "allocs/batch"},
	{measure.Batch, "batch"},
}

func writeGroup(w io.Writer, group []Result) error {
	if _, err := fmt.Fprintln(w, group[0].Row.Work); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	header := []string{"  "}
	var columns []measure.Metric
	for _, c := range shown {
		if !anyKnown(group, c.metric) {
			continue
		}
		if c.metric == measure.Rate {
			c.title = group[0].Row.Unit + "/s"
		}
		columns = append(columns, c.metric)
		header = append(header, c.title)
	}
	fmt.Fprintln(tw, strings.Join(append(header, "raw", "ratio to raw", "CPU to raw", "target"), "\t"))
	for i := range group {
		fmt.Fprintln(tw, strings.Join(group[i].cells(columns), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func anyKnown(group []Result, m measure.Metric) bool {
	for i := range group {
		if got := group[i].Got; got != nil && got[m].Known() {
			return true
		}
	}
	return false
}

// cells returns one line: the leading figure with its extremes, the others
// without.
func (r *Result) cells(columns []measure.Metric) []string {
	line := []string{"  " + r.Row.Name}
	if r.Err != nil {
		return append(line, "error: "+r.Err.Error())
	}
	for _, m := range columns {
		line = append(line, spread(r.Got, m, m == r.Row.Lead))
	}
	line = append(line, spread(r.Raw, r.Row.Lead, false), spread(r.Ratio, r.Row.Lead, true), spread(r.Ratio, measure.CPU, false))
	return append(line, r.verdicts())
}

func spread(s *measure.Summary, m measure.Metric, extremes bool) string {
	if s == nil || !s[m].Known() {
		return dash
	}
	v := s[m]
	if !extremes || v.N == 1 {
		return figure(v.Median)
	}
	return fmt.Sprintf("%s [%s..%s]", figure(v.Median), figure(v.Min), figure(v.Max))
}

// verdicts says what the row was to reach and whether it did.
func (r *Result) verdicts() string {
	var all []string
	for _, t := range r.Row.Targets {
		verdict := dash
		if met := t.Met(r.Got, r.Ratio); met != nil {
			verdict = map[bool]string{true: "met", false: "missed"}[*met]
			if !*t.Clear(r.Got, r.Ratio) {
				verdict += ", but not in every turn"
			}
		}
		all = append(all, t.String()+": "+verdict)
	}
	if len(all) == 0 {
		return dash
	}
	return strings.Join(all, "; ")
}

// String writes a target as in "≥ 0.333 raw" or "≤ 2 goroutines".
func (t Target) String() string {
	sign := "≥ "
	if t.Metric.LowerIsBetter() {
		sign = "≤ "
	}
	what := "raw"
	if !t.OverRaw {
		for _, c := range shown {
			if c.metric == t.Metric {
				what = c.title
			}
		}
	}
	text := strings.TrimSpace(sign + figure(t.Bound) + " " + what)
	if t.Metric == measure.P99 {
		text += " at p99"
	}
	if t.Or != nil {
		text += " or " + t.Or.String()
	}
	return text
}

// figure writes three significant digits: 0.0374, 2.5, 271k, 3.46M.
func figure(v float64) string {
	suffix := ""
	for _, s := range []string{"k", "M", "G"} {
		if math.Abs(v) < 99995 && suffix == "" || math.Abs(v) < 999.5 {
			break
		}
		v, suffix = v/1000, s
	}
	switch abs := math.Abs(v); {
	case abs == 0:
		return "0"
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64) + suffix
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + suffix
}

// company says how much other processes disturbed, since nothing here can be
// believed further than that.
func company(results []Result) string {
	var all []float64
	for _, r := range results {
		for _, s := range []*measure.Summary{r.Got, r.Raw} {
			if s != nil && s[measure.Others].Known() {
				all = append(all, s[measure.Others].Median)
			}
		}
	}
	s := measure.SpreadOf(all)
	if !s.Known() {
		return "How much other processes used the machine meanwhile is not known.\n"
	}
	return fmt.Sprintf("Other processes used %s %% of the machine meanwhile, %s %% in the quietest row and %s %% in the busiest.\n",
		figure(s.Median), figure(s.Min), figure(s.Max))
}
