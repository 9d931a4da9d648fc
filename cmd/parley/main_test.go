package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asParley makes the test program act as parley, so that signals and exit codes
// can be tested as a shell sees them.
const asParley = "PARLEY_TEST_AS_PARLEY"

func TestMain(m *testing.M) {
	if os.Getenv(asParley) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, "parley up"},
		{"--help", 0, "Examples:"},
		{"up --help", 0, "--kill-every"},
		{"upp", 2, `there is no command "upp". Did you mean "up"?`},
		{"help up", 0, "--kill-every"},
		{"help upp", 2, `there is no command "upp"`},
		{"config shw", 2, `parley config: there is no command "shw". Did you mean "show"?`},
		{"completion nosuch", 2, `there is no command "nosuch". See`},
		{"version", 0, "parley"},
		{"bench --nosuch", 2, "nosuch"},
		{"status --nosuch", 2, "nosuch"},
		{"--nosuch", 2, "nosuch"},
		{"up --nosuch", 2, "parley up --help"},
		{"up --nodes many", 2, "parley up --help"},
		{"up -nodes 0", 2, "at least 1"},
		{"up -block-time", 2, "block-time"},
		{"completion bash", 0, "parley"},
	} {
		var out, diag bytes.Buffer
		code := run(t.Context(), append([]string{"parley"}, strings.Fields(c.args)...), &out, &diag)
		text := out.String()
		if c.code != 0 {
			text = diag.String()
		}
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("parley %s: exit code %d, want %d and %q\n%s%s", c.args, code, c.code, c.want, out.String(), diag.String())
		}
	}
}

// start starts parley as a process of its own and waits until a line of its
// output contains a text.
func start(t *testing.T, until string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asParley+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	find(t, lines, until)
	return cmd, lines
}

// find reads lines up to one that contains a text.
func find(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Errorf("output ended without %q: %v", text, lines.Err())
}

// exit waits for the process and returns its exit code.
func exit(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Wait()
	if err == nil {
		return 0
	}
	bad, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	return bad.ExitCode()
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd, lines := start(t, "block 2 by", "up", "--block-time", "50ms")
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		find(t, lines, "delivered")
		find(t, lines, "faults")
		if code := exit(t, cmd); code != 0 {
			t.Errorf("%v: exit code %d, want 0", s, code)
		}
	}
}

// TestInterruptTwice has every message take a minute, so that the first signal
// has to wait for blocks.
func TestInterruptTwice(t *testing.T) {
	t.Parallel()
	cmd, lines := start(t, "block 1 by", "up", "--block-time", "50ms", "--delay", "1m")
	cmd.Process.Signal(os.Interrupt)
	find(t, lines, "ending")
	cmd.Process.Signal(os.Interrupt)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "delivered") {
			t.Error("a summary after the second signal")
		}
	}
	if code := exit(t, cmd); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
}
