package benchcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"parley/bench"
	"parley/bench/measure"
)

// steady is work that always comes to the same.
type steady float64

func (s steady) Sample(context.Context, time.Duration) (measure.Sample, error) {
	out := measure.Unknown()
	out[measure.Rate] = float64(s)
	return out, nil
}

func (steady) Close() error { return nil }

func open(rate float64) func(context.Context) (bench.Bench, error) {
	return func(context.Context) (bench.Bench, error) { return steady(rate), nil }
}

func rows() ([]bench.Row, error) {
	return []bench.Row{
		{Name: "oneway/x", Work: "one way", Unit: "messages", Lead: measure.Rate, Open: open(30), Raw: open(100),
			Targets: []bench.Target{{Metric: measure.Rate, OverRaw: true, Bound: 0.5}}},
		{Name: "sim/y", Work: "simulating", Unit: "steps", Lead: measure.Rate, Open: open(7)},
	}, nil
}

// call runs the command as main does and returns what it printed.
func call(t *testing.T, source func() ([]bench.Row, error), args ...string) (out, progress string, err error) {
	t.Helper()
	var o, p bytes.Buffer
	root := &cli.Command{
		Name: "parley", Writer: &o, ErrWriter: &p,
		Commands:       []*cli.Command{command(source)},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // the test looks at the error itself
	}
	err = root.Run(t.Context(), append([]string{"parley", "bench"}, args...))
	return o.String(), p.String(), err
}

func TestTable(t *testing.T) {
	out, progress, err := call(t, rows)
	if err != nil {
		t.Fatalf("a missed target is no error, got %v", err)
	}
	for _, want := range []string{"1s a row in 5 turns", "oneway/x", "0.3", "≥ 0.5 raw: missed", "sim/y", "7"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q:\n%s", want, out)
		}
	}
	if want := "1 of 2: oneway/x\n2 of 2: sim/y\n"; progress != want {
		t.Errorf("progress %q, want %q", progress, want)
	}
}

func TestPeers(t *testing.T) {
	out, progress, err := call(t, rows, "--peers")
	if err != nil || progress != "" || !strings.Contains(out, "cd bench/peers && go run .") {
		t.Errorf("%q, progress %q, error %v", out, progress, err)
	}
}

func TestJSON(t *testing.T) {
	out, _, err := call(t, rows, "--json", "--rows", "oneway", "--time", "100ms", "--reps", "2")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Seconds float64
		Reps    int
		Rows    []struct {
			Name  string
			Ratio map[string]*struct {
				Median float64
				N      int
			}
			Targets []struct{ Met *bool }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Seconds != 0.1 || got.Reps != 2 || len(got.Rows) != 1 {
		t.Fatalf("got %+v", got)
	}
	row := got.Rows[0]
	if rate := row.Ratio["per_second"]; rate == nil || rate.Median != 0.3 || rate.N != 2 || row.Ratio["p50_us"] != nil {
		t.Errorf("ratio %+v", row.Ratio)
	}
	if met := row.Targets[0].Met; met == nil || *met {
		t.Errorf("target %v, want it missed", met)
	}
}

func TestList(t *testing.T) {
	out, progress, err := call(t, rows, "--list")
	if want := "oneway/x  ≥ 0.5 raw\nsim/y\n"; err != nil || out != want || progress != "" {
		t.Errorf("got %q, %q and %v; want %q", out, progress, err, want)
	}
	out, _, err = call(t, rows, "--list", "--json", "--rows", "sim")
	if want := "[\"sim/y\"]\n"; err != nil || out != want {
		t.Errorf("got %q and %v, want %q", out, err, want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--time", "0s"}, {"--time", "-1s"}, {"--time", "1h"}, {"--time", "soon"},
		{"--reps", "0"}, {"--reps", "101"}, {"--reps", "many"},
		{"--rows", "nothing"}, {"--rows", "["}, {"--fast"}, {"oneway"},
	} {
		out, _, err := call(t, rows, args...)
		coder, ok := errors.AsType[cli.ExitCoder](err)
		if !ok || coder.ExitCode() != 2 {
			t.Errorf("%v: got error %v, want one with exit code 2", args, err)
		}
		if out != "" {
			t.Errorf("%v: measured all the same:\n%s", args, out)
		}
	}
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	broken := errors.New("no sockets")
	source := func() ([]bench.Row, error) {
		all, err := rows()
		all[0].Open = func(context.Context) (bench.Bench, error) { return nil, broken }
		return all, err
	}
	for _, args := range [][]string{nil, {"--json"}} {
		out, _, err := call(t, source, args...)
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
		if !strings.Contains(out, "no sockets") || !strings.Contains(out, "sim/y") {
			t.Errorf("want the failure and the row that worked in\n%s", out)
		}
	}
}
