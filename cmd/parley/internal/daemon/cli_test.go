package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"parley/config"
)

// alone gives a test a home of its own and takes our settings out of its
// environment.
func alone(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "PARLEY_") || strings.HasPrefix(name, "XDG_") {
			t.Setenv(name, "") // so that it is restored
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", home)
	return home
}

// parley runs the command line and returns what it prints and its exit code.
func parley(ctx context.Context, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	root := &cli.Command{
		Name: "parley", Commands: Commands(), Writer: &o, ErrWriter: &e,
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	err := root.Run(ctx, append([]string{"parley"}, args...))
	if err == nil {
		return o.String(), e.String(), 0
	}
	code = exitError
	if ec, ok := errors.AsType[cli.ExitCoder](err); ok {
		code = ec.ExitCode()
	}
	return o.String(), e.String() + err.Error(), code
}

// TestFlags gives flags in every form and asks what came of them.
func TestFlags(t *testing.T) {
	alone(t)
	t.Setenv("PARLEY_DROP_TO", "7")
	args := strings.Fields("config show --json -networkPort 9000 --exclusive -exclusive_in=false -enablenet=false -deadline=300 " +
		"-customnet x -network=custom -p2pIncoming 5 -p2pOutgoing 0 -loglvl debug --seed-url= -nodename n")
	out, errs, code := parley(t.Context(), append(args, "-peers", "1.2.3.4:5 [::1]:6")...)
	if code != 0 {
		t.Fatal(errs)
	}
	var rows []struct {
		Key    string
		Value  json.RawMessage
		Origin struct{ Where string }
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"port": {`9000`, "--networkPort"}, "exclusive": {`true`, "--exclusive"}, "exclusive-in": {`false`, "--exclusive_in"},
		"enable-net": {`false`, "--enablenet"}, "write-timeout": {`"300ms"`, "--deadline"}, "custom-network": {`"x"`, "--customnet"},
		"network": {`"CUSTOM"`, "--network"}, "inbound": {`5`, "--p2pIncoming"}, "outbound": {`8`, ""}, "log-level": {`"debug"`, "--loglvl"},
		"seed-url": {`""`, "--seed-url"}, "node-name": {`"n"`, "--nodename"}, "drop-to": {`7`, "PARLEY_DROP_TO"},
		"peers": {`["1.2.3.4:5","[::1]:6"]`, "--peers"},
	}
	for _, r := range rows {
		var value bytes.Buffer
		if err := json.Compact(&value, r.Value); err != nil {
			t.Fatal(err)
		}
		if w, ok := want[r.Key]; ok && (value.String() != w[0] || r.Origin.Where != w[1]) {
			t.Errorf("%s is %s from %q, want %s from %q", r.Key, &value, r.Origin.Where, w[0], w[1])
		}
		delete(want, r.Key)
	}
	if len(want) > 0 {
		t.Errorf("%v are not shown", want)
	}
}

func TestOriginIsPrinted(t *testing.T) {
	alone(t)
	out, _, _ := parley(t.Context(), "config", "show", "--origin", "--inbound", "3")
	i := slices.IndexFunc(strings.Split(out, "\n"), func(l string) bool {
		return slices.Equal(strings.Fields(l), []string{"inbound", "3", "flag", "--inbound"})
	})
	if i < 0 {
		t.Errorf("no line says that inbound is 3 from a flag:\n%s", out)
	}
}

func TestExitCodes(t *testing.T) {
	home := alone(t)
	bad := filepath.Join(home, "bad.toml")
	if err := os.WriteFile(bad, []byte("inbuond = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"status", 3, "no node answers at " + home},
		{"status --json", 3, "no node answers"},
		{"peers --closed", 3, "no node answers"},
		{"bans", 3, "no node answers"},
		{"ban 1.2.3.4", 3, "no node answers"},
		{"status now", 2, "1 arguments, want 0"},
		{"ban", 2, "0 arguments, want 1"},
		{"unban", 2, "0 arguments, want 1"},
		{"drop x", 2, `"x": want the number of a link`},
		{"peers --sort color", 2, `sort: "color": want addr, blame`},
		{"peers --max 0", 2, "max: 0: want a number from 1 to 1000"},
		{"status --nonsense", 2, "nonsense"},
		{"node --inbound many", 2, `inbound: "many": want a number`},
		{"node --min-version 12", 2, `min-version: "12": want 0 or a number from 9 to 11 (flag --min-version)`},
		{"node -dialect factom/9 --min-version 10", 2, "want 0 or a number from 9 to 9"},
		{"node --seed-file /nonexistent", 1, "seed-file:"},
		{"node --bans-file /nonexistent", 1, "bans-file:"},
		{"node --config " + bad, 1, "line 1: unknown key"},
		{"config validate " + bad, 1, "line 1: unknown key"},
		{"config validate", 2, "0 arguments, want 1"},
		{"config validate " + home, 1, "is a directory"},
		{"version", 0, ""},
	} {
		if _, errs, code := parley(t.Context(), strings.Fields(tt.args)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("parley %s exits with %d and %q, want %d and %q", tt.args, code, errs, tt.code, tt.want)
		}
	}
}

// TestInitAndValidate checks the samples with the command that checks files.
func TestInitAndValidate(t *testing.T) {
	home := alone(t)
	t.Setenv("PARLEY_INBOUND", "wrong, but not the file's fault")
	for name, args := range map[string][]string{"p.toml": {"config", "init"}, "p.conf": {"config", "init", "--ini"}} {
		text, errs, code := parley(t.Context(), args...)
		if code != 0 {
			t.Fatal(errs)
		}
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, errs, code := parley(t.Context(), "config", "validate", path); code != 0 || out != path+" is valid\n" || errs != "" {
			t.Errorf("validate says %q, %q and exits with %d", out, errs, code)
		}
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	alone(t)
	out, _, _ := parley(t.Context(), "node", "--help")
	for _, f := range config.Fields() {
		if !f.FileOnly() && !strings.Contains(out, "--"+f.Key+" ") {
			t.Errorf("the help does not name --%s", f.Key)
		}
	}
	if strings.Contains(out, "networkPort") {
		t.Error("the help names an older flag, want them hidden")
	}
}
