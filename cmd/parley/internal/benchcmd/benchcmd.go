// Package benchcmd is the command "parley bench".
package benchcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"parley/bench"
)

const (
	defaultTime = time.Second
	defaultReps = 5

	exitUsage = 2
)

const description = `Measures the engine against bare TCP in this process, on loopback: throughput,
cost for each message, round trips, broadcasts, idle links, opening, simulator.
Engine and baseline take turns, and the ratio is that of each turn: a figure
alone says little on a machine that does other things too.

A missed target is reported and is not an error. The table is for people and
will change; --json is for programs.`

// peers says how to run what is a module of its own because of what it requires.
const peers = `btcd, CometBFT, go-ethereum, go-libp2p, gossipsub, grpc-go, NATS and memberlist are
measured in turn with bare TCP and with the engine by a program in the source tree:

    cd bench/peers && go run .          # ratios to both, with versions; about two minutes
    cd bench/peers && go run . --json   # for programs

It is a module of its own; the first run downloads and builds those libraries.
`

// Command returns "parley bench".
func Command() *cli.Command { return command(bench.Rows) }

// command takes where the rows come from.
func command(rows func() ([]bench.Row, error)) *cli.Command {
	return &cli.Command{
		Name:        "bench",
		Usage:       "measure the engine against bare TCP on this machine",
		Description: description,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object instead of tables; what is not known is null"},
			&cli.BoolFlag{Name: "list", Usage: "print the names of the rows and what they are to reach, and measure nothing"},
			&cli.BoolFlag{Name: "peers", Usage: "say how to measure the libraries that could be used instead, and measure nothing"},
			&cli.StringFlag{Name: "rows", Usage: "measure only rows that match `PATTERNS`, such as oneway,*/factom-11 or oneway/*/1KiB"},
			&cli.DurationFlag{Name: "time", Value: defaultTime, Usage: "measure each row, and its baseline, for `DURATION`"},
			&cli.IntFlag{Name: "reps", Value: defaultReps, Usage: "take turns with the baseline `N` times within that"},
		},
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usage(err) },
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return act(ctx, cmd, rows)
		},
	}
}

func usage(err error) error { return cli.Exit(fmt.Sprintf("bench: %v", err), exitUsage) }

func act(ctx context.Context, cmd *cli.Command, source func() ([]bench.Row, error)) error {
	if extra := cmd.Args().First(); extra != "" {
		return usage(fmt.Errorf("unexpected argument %q", extra))
	}
	s := bench.Settings{Time: cmd.Duration("time"), Reps: cmd.Int("reps")}
	if err := s.Check(); err != nil {
		return usage(err)
	}
	rows, err := source()
	if err != nil {
		return err
	}
	if rows, err = bench.Select(rows, cmd.String("rows")); err != nil {
		return usage(err)
	}
	out, progress := cmd.Root().Writer, cmd.Root().ErrWriter
	if cmd.Bool("peers") {
		_, err := io.WriteString(out, peers)
		return err
	}
	if cmd.Bool("list") {
		return list(out, rows, cmd.Bool("json"))
	}
	return run(ctx, out, progress, rows, s, cmd.Bool("json"))
}

// run measures and prints. What could be measured is printed even if some of it
// could not.
func run(ctx context.Context, out, progress io.Writer, rows []bench.Row, s bench.Settings, asJSON bool) error {
	report := bench.Report{Time: time.Now().UTC(), Machine: bench.ThisMachine(), Settings: s}
	done := 0
	results, err := bench.Run(ctx, rows, s, func(r bench.Result) {
		done++
		fmt.Fprintf(progress, "%d of %d: %s\n", done, len(rows), r.Row.Name)
	})
	report.Results = results
	if werr := write(out, report, asJSON); werr != nil {
		return werr
	}
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

func write(out io.Writer, r bench.Report, asJSON bool) error {
	if asJSON {
		return encode(out, r)
	}
	return r.WriteText(out)
}

// list prints what there is to measure, as results of which nothing is known.
func list(out io.Writer, rows []bench.Row, asJSON bool) error {
	if asJSON {
		names := []string{}
		for _, r := range rows {
			names = append(names, r.Name)
		}
		return encode(out, names)
	}
	for _, r := range rows {
		fmt.Fprint(out, r.Name)
		for _, t := range r.Targets {
			fmt.Fprintf(out, "  %v", t)
		}
		fmt.Fprintln(out)
	}
	return nil
}

func encode(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
