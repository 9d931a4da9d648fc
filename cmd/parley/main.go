// Command parley runs nodes of peer-to-peer networks; see its help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"parley/cmd/parley/internal/benchcmd"
	"parley/cmd/parley/internal/daemon"
	"parley/cmd/parley/internal/up"
)

// Exit codes that do not depend on the command.
const (
	exitError = 1
	exitUsage = 2
)

func main() { os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr)) }

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var missing error // the library takes no error from where this is found
	root := root(func(_ context.Context, c *cli.Command, name string) { missing = noCommand(c, name) })
	root.Writer, root.ErrWriter = stdout, stderr
	err := root.Run(ctx, args)
	if err == nil {
		err = missing
	}
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, text)
	}
	if coder, ok := errors.AsType[cli.ExitCoder](err); ok {
		return coder.ExitCode()
	}
	return exitError
}

const description = `Examples:

   parley up                            a network of five nodes on this machine
   parley up --help                     what else it can be
   parley node --config parley.toml     a node of a real network
   parley status                        how that node is doing

Flags may be written with one dash or two, and with or without "=".`

// root returns the command line of the whole program. missing is told of
// commands that do not exist.
func root(missing cli.CommandNotFoundFunc) *cli.Command {
	root := &cli.Command{
		Name:                  "parley",
		Usage:                 "one peer-to-peer engine for existing blockchain networks",
		Description:           description,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			usage(c, missing)
		},
		Action:         bare,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run decides
		Commands:       commands(),
	}
	usage(root, missing)
	return root
}

// commands returns the commands in the order of the help.
func commands() []*cli.Command {
	list := []*cli.Command{up.Command()}
	list = append(list, daemon.Commands()...)
	return append(list, benchcmd.Command())
}

// usage makes errors of flags and commands exit with exitUsage, in a command and
// all below it, unless it does that itself.
func usage(c *cli.Command, missing cli.CommandNotFoundFunc) {
	for _, sub := range c.Commands {
		usage(sub, missing)
	}
	c.CommandNotFound = missing
	if c.OnUsageError != nil {
		return
	}
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		return cli.Exit(fmt.Sprintf("%s: %v; see %s --help", c.FullName(), err, c.FullName()), exitUsage)
	}
}

// bare is what is done without a command.
func bare(_ context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return noCommand(c, c.Args().First())
	}
	return cli.ShowRootCommandHelp(c)
}

// noCommand returns an error about a command that c does not have.
func noCommand(c *cli.Command, name string) error {
	hint := ""
	if like := cli.SuggestCommand(c.VisibleCommands(), name); like != "" && name != "" && like[0] == name[0] {
		hint = fmt.Sprintf(" Did you mean %q?", like)
	}
	return cli.Exit(fmt.Sprintf("%s: there is no command %.40q.%s See %s --help", c.FullName(), name, hint, c.FullName()), exitUsage)
}
