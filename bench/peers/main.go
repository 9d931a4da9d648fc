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
	"strings"
	"time"

	"parley/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// report is a whole run, ready for JSON. What is not known is null.
type report struct {
	Time    time.Time     `json:"time"`
	Machine bench.Machine `json:"machine"`
	Seconds float64       `json:"seconds"` // of each turn
	Turns   int           `json:"turns"`
	Rows    []row         `json:"rows"`
}

// run measures and prints what could be measured.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(progress)
	asJSON := flags.Bool("json", false, "print one JSON object; what is not known is null")
	each := flags.Duration("time", 300*time.Millisecond, "let each send so long in each turn")
	turns := flags.Int("turns", 5, "take turns so often, from 1 on")
	only := flags.String("only", "", "measure only works whose name contains this `text`, such as \"one way\"")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *turns < 1 || *each <= 0 {
		return fmt.Errorf("%d turns of %v, want at least one and more than no time", *turns, *each)
	}
	r := report{time.Now().UTC(), bench.ThisMachine(), each.Seconds(), *turns, []row{}}
	var errs []error
	for _, w := range works() {
		if !strings.Contains(w.name, *only) {
			continue
		}
		fmt.Fprintln(progress, w.name)
		rows, err := w.measure(ctx, *each, *turns)
		r.Rows, errs = append(r.Rows, rows...), append(errs, err)
	}
	if len(r.Rows) == 0 {
		return fmt.Errorf("only: no work's name contains %q", *only)
	}
	return errors.Join(append(errs, r.write(out, *asJSON))...)
}

func (r report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	return r.table(out)
}
