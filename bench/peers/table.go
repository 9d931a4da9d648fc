package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"parley/bench/measure"
)

// table writes ratios for people.
func (r report) table(out io.Writer) error {
	cpu := "unknown processor"
	if r.Machine.CPU != nil {
		cpu = *r.Machine.CPU
	}
	fmt.Fprintf(out, "%s/%s, %s, %d cores, %s; %d turns of %.2g s: median [least..most]\n",
		r.Machine.OS, r.Machine.Arch, cpu, r.Machine.Cores, r.Machine.Go, r.Turns, r.Seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	work := ""
	for _, x := range r.Rows {
		if x.Work != work {
			work = x.Work
			fmt.Fprintf(w, "\n%s\t\tto bare TCP\tto ours\tslow receiver\n", work)
		}
		seal := ""
		if x.Sealed {
			seal = "sealed"
		}
		if x.Error != nil {
			fmt.Fprintf(w, "  %s\t%s\terror: %s\n", x.Name, seal, *x.Error)
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", x.Name, seal, ratio(x.ToRaw), ratio(x.ToOurs), x.Slow)
	}
	fmt.Fprintln(w, "\nversions")
	var seen []string
	for _, x := range r.Rows {
		if !slices.Contains(seen, x.Module) {
			seen = append(seen, x.Module)
			fmt.Fprintf(w, "  %s\t%s\n", x.Module, x.Version)
		}
	}
	return w.Flush()
}

func ratio(s measure.Spread) string {
	if !s.Known() {
		return "—"
	}
	return fmt.Sprintf("%.3g [%.3g..%.3g]", s.Median, s.Min, s.Max)
}
