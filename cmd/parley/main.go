// Command parley runs nodes of peer-to-peer networks; see its help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

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
	root := root()
	root.Writer, root.ErrWriter = stdout, stderr
	err := root.Run(ctx, args)
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

   parley up                   a network of five nodes on this machine
   parley up --help            what else it can be

Flags may be written with one dash or two, and with or without "=".`

// root returns the command line of the whole program.
func root() *cli.Command {
	root := &cli.Command{
		Name:                            "parley",
		Usage:                           "one peer-to-peer engine for existing blockchain networks",
		Description:                     description,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: func(c *cli.Command) { c.Hidden = false },
		Suggest:                         true,
		Action:                          unknown,
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {}, // run decides
		Commands:                        []*cli.Command{up.Command()},
	}
	usage(root)
	return root
}

// usage makes errors of flags and arguments exit with exitUsage, in a command and
// all below it, unless a command does that itself.
func usage(c *cli.Command) {
	for _, sub := range c.Commands {
		usage(sub)
	}
	if c.OnUsageError != nil {
		return
	}
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		return cli.Exit(fmt.Sprintf("%s: %v; see %s --help", c.FullName(), err, c.FullName()), exitUsage)
	}
}

// unknown is what is done without a command.
func unknown(_ context.Context, c *cli.Command) error {
	if !c.Args().Present() {
		return cli.ShowRootCommandHelp(c)
	}
	name := c.Args().First()
	hint := ""
	if like := cli.SuggestCommand(c.VisibleCommands(), name); like != "" {
		hint = fmt.Sprintf(" Did you mean %q?", like)
	}
	return cli.Exit(fmt.Sprintf("parley: there is no command %.40q.%s See parley --help", name, hint), exitUsage)
}
