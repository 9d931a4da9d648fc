// Command table measures the engine against bare TCP on this machine and prints
// what each row of the table was to reach and what it reached.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"parley/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// run measures and prints. A row that falls short is marked and is no error.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	flags.SetOutput(progress)
	asJSON := flags.Bool("json", false, "print one JSON object; what is not known is null")
	rows := flags.String("rows", "", "measure only rows that match these `patterns`, such as oneway,*/factom-11")
	all := flags.Bool("all", false, "measure the rows without a target too")
	each := flags.Duration("time", 2*time.Second, "measure each row, and its baseline, this long")
	reps := flags.Int("reps", 7, "take turns with the baseline so often within that")
	profiles := flags.String("profiles", "", "instead of measuring, write a CPU profile of each row to this `directory` and print what took the time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	known, err := bench.Rows()
	if err != nil {
		return err
	}
	chosen, err := bench.Select(known, *rows)
	if err != nil {
		return err
	}
	if !*all && *rows == "" {
		chosen = bench.WithTarget(chosen)
	}
	if *profiles != "" {
		return profile(ctx, chosen, *each, *profiles, out)
	}
	report := bench.Report{Time: time.Now().UTC(), Machine: bench.ThisMachine(), Settings: bench.Settings{Time: *each, Reps: *reps}}
	done := 0
	results, failed := bench.Run(ctx, chosen, report.Settings, func(r bench.Result) {
		done++
		fmt.Fprintf(progress, "%d of %d: %s\n", done, len(chosen), r.Row.Name)
	})
	report.Results = results
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		err = e.Encode(report)
	} else {
		err = report.WriteText(out)
	}
	if err != nil {
		return err
	}
	return failed
}
