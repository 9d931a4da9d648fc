package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run measures every contender and prints what could be measured.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(progress)
	asJSON := flags.Bool("json", false, "print a JSON array")
	each := flags.Duration("time", time.Second, "measure so long in each turn, and the baseline too")
	turns := flags.Int("turns", 5, "take turns so often, from 1 on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *turns < 1 {
		return fmt.Errorf("turns: %d, at least 1", *turns)
	}
	results, errs := []result{}, []error(nil)
	for _, c := range contenders() {
		fmt.Fprintln(progress, c.name)
		r, err := c.measure(ctx, *each, *turns)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
			continue
		}
		results = append(results, r)
	}
	if err := write(out, results, *asJSON); err != nil {
		return err
	}
	return errors.Join(errs...)
}

func write(out io.Writer, results []result, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(results)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d bytes a message\tversion\tratio to bare TCP\tleast\tmost\n", bodySize)
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.3f\n", r.Name, r.Version, r.Median, r.Least, r.Most)
	}
	return w.Flush()
}
