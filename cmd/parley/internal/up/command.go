package up

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"parley/cmd/parley/internal/show"
	"parley/cmd/parley/internal/speech"
)

// Exit codes of `parley up`.
const (
	exitMissing     = 1   // a block did not reach a node that was up for it
	exitUsage       = 2   // bad flags or arguments
	exitInterrupted = 130 // ended by a second signal
)

const description = `Examples:

   parley up                                       5 nodes, a block every 2 seconds
   parley up --nodes 20 --topology discover        20 nodes that find each other
   parley up --kill-every 3s --drop 100            nodes die, a tenth of all messages is lost
   parley up --dialect factom/9 --for 20s --json   what came of it, for scripts

Each node is an engine of its own, connected to others over TCP on 127.0.0.1
and in no other way. One of them makes a block each block time; nodes pass on
what they have not seen, tell neighbors how far they are, and ask for what they
lack. A node that is stopped keeps its blocks and listens on the same port when
it is back.

With --json, one object is printed to standard output at the end, and everything
else to standard error:

   nodes, links, blocks; expected and delivered first arrivals; duplicates;
   propagation_ms (p50, p90, p99, max); bytes_sent, bytes_per_delivery;
   faults by kind; seed

Exit status: 0 if every block reached every node that was up for it, 1 if not,
2 for bad usage. Ctrl-C ends the run with a summary; twice, at once.`

// Command returns the command.
func Command() *cli.Command {
	o := defaults()
	return &cli.Command{
		Name:        "up",
		Usage:       "run a network on this machine",
		Description: description,
		Action:      action,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "nodes", Value: o.nodes, Usage: "how many `N`"},
			&cli.StringFlag{Name: "topology", Value: o.topology, Usage: "who holds links to whom: `NAME` is " + strings.Join(topologies(), ", ")},
			&cli.StringFlag{Name: "dialect", Value: o.dialect, Usage: "what they speak: `NAME` is " + strings.Join(speech.Names(), ", ")},
			&cli.DurationFlag{Name: "block-time", Value: o.blockTime, Usage: "a block each `TIME`"},
			&cli.IntFlag{Name: "block-size", Value: o.blockSize, Usage: "`BYTES` in a block"},
			&cli.BoolFlag{Name: "rotate", Usage: "let nodes make blocks in turn"},
			&cli.IntFlag{Name: "drop", Usage: "lose `N` of a thousand outgoing messages", HideDefault: true},
			&cli.DurationFlag{Name: "delay", Usage: "hold outgoing messages back for `TIME`", HideDefault: true},
			&cli.DurationFlag{Name: "kill-every", Usage: "stop a random node each `TIME`, and start it again", HideDefault: true},
			&cli.Uint64Flag{Name: "seed", Usage: "of all random choices: `N`; random if not given", HideDefault: true},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`; else with Ctrl-C", HideDefault: true},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object at the end"},
		},
	}
}

// read takes the options from the command line.
func read(cmd *cli.Command) (options, error) {
	o := options{
		nodes: cmd.Int("nodes"), topology: cmd.String("topology"), dialect: cmd.String("dialect"),
		blockTime: cmd.Duration("block-time"), blockSize: cmd.Int("block-size"), rotate: cmd.Bool("rotate"),
		drop: cmd.Int("drop"), delay: cmd.Duration("delay"), killEvery: cmd.Duration("kill-every"),
		seed: cmd.Uint64("seed"), runFor: cmd.Duration("for"), json: cmd.Bool("json"),
	}
	if cmd.Args().Present() {
		return o, fmt.Errorf("argument %.40q: none is taken", cmd.Args().First())
	}
	if !cmd.IsSet("seed") {
		o.seed = uint64(rand.Uint32())
	}
	return o, o.check()
}

func action(ctx context.Context, cmd *cli.Command) error {
	o, err := read(cmd)
	if err != nil {
		return cli.Exit("parley up: "+strings.ReplaceAll(err.Error(), "\n", "\nparley up: "), exitUsage)
	}
	stdout, out := cmd.Root().Writer, cmd.Root().Writer
	if o.json {
		out = cmd.Root().ErrWriter
	}
	start := time.Now()
	screen := show.NewScreen(out, start, !o.json)
	ctx, done := interruptible(ctx, screen)
	defer done()
	r, err := run(ctx, o, screen)
	if err != nil {
		return fmt.Errorf("parley up: %w", err)
	}
	if o.json {
		err = r.writeJSON(stdout)
	} else {
		err = r.writeText(stdout, &o, time.Since(start))
	}
	if err != nil {
		return fmt.Errorf("parley up: %w", err)
	}
	if why := r.fails(); why != "" {
		return cli.Exit("parley up: "+why, exitMissing)
	}
	return nil
}
