package up

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"parley/cmd/parley/internal/speech"
	"parley/fault"
)

// slots bounds how many networks run at once: too many at a time would starve
// each other.
var slots = make(chan struct{}, 2)

// invoke runs the command as a user would and returns what it printed and its
// exit code.
func invoke(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return invokeUntil(t, nil, args...)
}

// invokeUntil is invoke for a run that ends once it has printed all of some texts, as
// if it had got a signal then. Without any it ends by itself.
func invokeUntil(t *testing.T, texts []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	slots <- struct{}{}
	defer func() { <-slots }()
	var out, diag bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := Command()
	cmd.Writer, cmd.ErrWriter = &watched{&out, texts, cancel}, &diag
	cmd.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	err := cmd.Run(ctx, append([]string{"up"}, args...))
	if err != nil {
		code = 1
		diag.WriteString(err.Error())
	}
	if c, ok := errors.AsType[cli.ExitCoder](err); ok {
		code = c.ExitCode()
	}
	return out.String(), diag.String(), code
}

// watched calls done once all of some texts were written.
type watched struct {
	out   *bytes.Buffer
	texts []string
	done  func()
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	missing := func(text string) bool { return !strings.Contains(w.out.String(), text) }
	if w.texts != nil && !slices.ContainsFunc(w.texts, missing) {
		w.texts = nil
		w.done()
	}
	return n, err
}

// runJSON runs a network for a second with a block each 50 ms and wants every
// block everywhere.
func runJSON(t *testing.T, args ...string) report {
	t.Helper()
	args = append([]string{"--json", "--seed", "1", "--block-time", "50ms", "--for", "1s"}, args...)
	stdout, stderr, code := invoke(t, args...)
	var r report
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil || dec.More() {
		t.Fatalf("%v: standard output is not one object (%v): %s", args, err, stdout)
	}
	if code != 0 || r.Blocks == 0 || r.Expected != r.Blocks*uint64(r.Nodes-1) || r.Delivered != r.Expected {
		t.Errorf("%v: exit code %d, want every block everywhere: %s\n%s", args, code, stdout, stderr)
	}
	for _, kind := range []fault.Kind{fault.Protocol, fault.Abuse} {
		if n := r.Faults[kind.String()]; n > 0 {
			t.Errorf("%v: %d faults of kind %v among honest nodes\n%s", args, n, kind, stderr)
		}
	}
	return r
}

func TestVersions(t *testing.T) {
	for _, name := range speech.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := runJSON(t, "--dialect", name)
			if len(r.Faults) > 0 {
				t.Errorf("links ended in a quiet network: %v", r.Faults)
			}
		})
		t.Run(name+" with kills", func(t *testing.T) {
			t.Parallel()
			runJSON(t, "--dialect", name, "--kill-every", "150ms", "--rotate")
		})
	}
}

func TestTopologies(t *testing.T) {
	links := map[string]int{"long": 8, "tree": 11, "square": 18, "loops": 8, "alot": 27, "alot+": 27, "circles": 9, "full": 36}
	for _, name := range topologies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := runJSON(t, "--topology", name, "--nodes", "9")
			if want, ok := links[name]; ok && r.Links != want {
				t.Errorf("%d links, want %d", r.Links, want)
			}
			if r.Links < r.Nodes-1 {
				t.Errorf("%d links can not connect %d nodes", r.Links, r.Nodes)
			}
		})
	}
}

func TestTroubles(t *testing.T) {
	for _, args := range [][]string{
		{"--drop", "200"},
		{"--delay", "120ms"},
		{"--drop", "100", "--delay", "20ms", "--kill-every", "200ms", "--rotate"},
		{"--topology", discover, "--nodes", "8", "--kill-every", "200ms", "--drop", "50"},
		{"--block-size", "300000", "--kill-every", "300ms"},
		{"--block-size", "0", "--nodes", "2"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			runJSON(t, args...)
		})
	}
}

// TestOtherKinds gives the troubles to languages that name blocks before they send
// them, or share a link between channels.
func TestOtherKinds(t *testing.T) {
	for _, name := range []string{"soter", "bitcoin", "cometbft", "tendermint2014"} {
		for _, args := range [][]string{
			{"--drop", "100", "--delay", "20ms", "--kill-every", "200ms", "--rotate"},
			{"--topology", discover, "--nodes", "8", "--kill-every", "200ms", "--drop", "50"},
			{"--block-size", "300000", "--kill-every", "300ms"},
		} {
			t.Run(name+" "+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				runJSON(t, append(args, "--dialect", name)...)
			})
		}
	}
}

// TestOneNode wants null for what can not be known, and never a zero.
func TestOneNode(t *testing.T) {
	t.Parallel()
	stdout, _, code := invoke(t, "--nodes", "1", "--for", "100ms", "--block-time", "20ms", "--json", "--seed", "18")
	var object map[string]any
	if err := json.Unmarshal([]byte(stdout), &object); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	for key, want := range map[string]any{
		"nodes": 1.0, "links": 0.0, "expected": 0.0, "delivered": 0.0, "duplicates": 0.0,
		"bytes_sent": 0.0, "bytes_per_delivery": nil, "seed": 18.0,
	} {
		if got, ok := object[key]; !ok || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	spread, _ := object["propagation_ms"].(map[string]any)
	for _, key := range []string{"p50", "p90", "p99", "max"} {
		if got, ok := spread[key]; !ok || got != nil {
			t.Errorf("propagation_ms.%s is %v, want null", key, got)
		}
	}
	if faults, ok := object["faults"].(map[string]any); !ok || len(faults) != 0 {
		t.Errorf("faults is %v, want {}", object["faults"])
	}
	if len(object) != 11 {
		t.Errorf("%d fields, want 11: %s", len(object), stdout)
	}
}

// TestLost loses everything: that must not pass for success.
func TestLost(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.drop = maxPerMille
	n, err := newNetwork(o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	c := &conductor{net: n}
	c.block()
	r := n.report()
	if r.Blocks != 1 || r.Expected != 4 || r.Delivered != 0 || r.fails() != "4 of 4 deliveries did not arrive" {
		t.Errorf("%+v: %q, want 4 deliveries missing", r, r.fails())
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	events := []string{"block 1 by node 0", " stopped at height ", " is back on 127.0.0.1:"}
	stdout, stderr, code := invokeUntil(t, events, "-nodes", "3", "-for=1h", "-block-time", "50ms", "--kill-every", "100ms", "-seed", "5")
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, on standard error %q", code, stderr)
	}
	for _, want := range append(events, "node 0 listens on 127.0.0.1:", "node 2 listens on 127.0.0.1:",
		"topology tree: 2 links", "delivered ", "propagation ", "seed 5") {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"--nodes 0", "--nodes 0: at least 1 is needed"},
		{"--nodes 1001", "--nodes 1001: the limit is 1000"},
		{"--nodes 200 --topology full", "limit 10000"},
		{"--topology mesh", `--topology "mesh": known are long, tree, square, loops, alot, alot+, circles, random, full, discover`},
		{"--dialect factom/8", `--dialect "factom/8": known are factom/9, factom/10, factom/11, soter, bitcoin, cometbft, tendermint2014, tendermint2014/december`},
		{"--block-time 1ms", "--block-time 1ms: at least 10ms is needed"},
		{"--block-time 2h", "--block-time 2h0m0s: the limit is 1h0m0s"},
		{"--block-size -1", "--block-size -1: at least 0 is needed"},
		{"--block-size 5000000", "the limit is 4194304"},
		{"--dialect soter --block-size 4000000", "the limit is 3999979"},
		{"--drop 1001", "--drop 1001: the limit is 1000"},
		{"--delay 2m", "--delay 2m0s: the limit is 1m0s"},
		{"--kill-every 1ms", "--kill-every 1ms: at least 100ms is needed"},
		{"--for -1s", "--for -1s: at least 0s is needed"},
		{"tree", `argument "tree": none is taken`},
		{"--nodes 0 --drop -1", "--drop -1: at least 0 is needed"},
	} {
		stdout, stderr, code := invoke(t, append(strings.Fields(c.args), "--json")...)
		if code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%s: exit code %d, %q, want 2 and %q", c.args, code, stderr, c.want)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	stdout, _, code := invoke(t, "--help")
	if code != 0 || !strings.Contains(stdout, "Examples:") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	for _, f := range Command().Flags {
		if !strings.Contains(stdout, "--"+slices.Max(f.Names())) {
			t.Errorf("help does not name --%s", f.Names())
		}
	}
}
