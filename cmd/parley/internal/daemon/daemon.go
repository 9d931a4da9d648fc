// Package daemon holds the commands that run one node of a real network and
// look at it while it runs: node, status, peers, bans and their like, config
// and version.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"parley/api"
	"parley/config"
)

// Exit codes, also told in the help of each command.
const (
	exitError       = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// Commands returns the commands of this package, for the root command that the
// caller makes. Their errors implement cli.ExitCoder: 1 for an error, 2 for bad
// usage, 3 where no node answers.
func Commands() []*cli.Command {
	return []*cli.Command{
		nodeCommand(), statusCommand(), peersCommand(), banCommand(), unbanCommand(), bansCommand(), dropCommand(),
		configCommand(), doctorCommand(), versionCommand(),
	}
}

// command completes c with what all commands share: usage errors and failures
// end with their exit codes, and args says how many arguments there must be.
func command(c *cli.Command, args int, run func(context.Context, *cli.Command) error) *cli.Command {
	c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error {
		return cli.Exit(fmt.Errorf("parley %s: %w", c.Name, err), exitUsage)
	}
	c.Action = func(ctx context.Context, cmd *cli.Command) error {
		if n := cmd.Args().Len(); n != args {
			return cli.Exit(fmt.Sprintf("parley %s: %d arguments, want %d; see parley %s --help", c.Name, n, args, c.Name), exitUsage)
		}
		err := run(ctx, cmd)
		if err == nil {
			return nil
		}
		return cli.Exit(fmt.Errorf("parley %s: %w", c.Name, err), codeOf(err))
	}
	return c
}

// codeOf returns the exit code of an error.
func codeOf(err error) int {
	if errors.Is(err, api.ErrUnreachable) {
		return exitUnreachable
	}
	if ce, ok := errors.AsType[*config.Error](err); ok && ce.Origin.Layer == config.Flag {
		return exitUsage
	}
	if ec, ok := errors.AsType[cli.ExitCoder](err); ok {
		return ec.ExitCode()
	}
	return exitError
}

// usage is an error of the command line.
func usage(format string, args ...any) error {
	return cli.Exit(fmt.Sprintf(format, args...), exitUsage)
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON, which later versions only add to; the text may change"}
}

// printJSON writes v indented.
func printJSON[T any](w io.Writer, v T) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
