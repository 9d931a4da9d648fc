package daemon

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"parley/api"
)

// asked makes a command that asks the running node and prints its answer, as
// JSON if that is wanted.
func asked[T any](c *cli.Command, args int, ask func(context.Context, *cli.Command, *api.Client) (*T, error), show func(*cli.Command, *T) error) *cli.Command {
	return command(c, args, func(ctx context.Context, cmd *cli.Command) error {
		cl, err := client(cmd)
		if err != nil {
			return err
		}
		v, err := ask(ctx, cmd, cl)
		if err != nil {
			return err
		}
		if cmd.Bool("json") {
			return printJSON(cmd.Root().Writer, v)
		}
		return show(cmd, v)
	})
}

func banCommand() *cli.Command {
	return asked(&cli.Command{
		Name:      "ban",
		Usage:     "refuse a machine, one of its ports, or an identity, and end its links",
		ArgsUsage: "HOST[:PORT]|id=IDENTITY",
		Flags: clientFlags(jsonFlag(),
			&cli.DurationFlag{Name: "for", Usage: "how long", DefaultText: "the node's ban-time"},
			&cli.StringFlag{Name: "why", Usage: "a reason, for the list of bans"}),
	}, 1, func(ctx context.Context, cmd *cli.Command, c *api.Client) (*api.BanResult, error) {
		at, id := whom(cmd.Args().First())
		q := api.BanRequest{Addr: at, Peer: id, Why: cmd.String("why")}
		if cmd.IsSet("for") {
			q.For = cmd.Duration("for").String()
		}
		return c.Ban(ctx, q)
	}, func(cmd *cli.Command, r *api.BanResult) error {
		_, err := fmt.Fprintf(cmd.Root().Writer, "banned until %s, %s ended\n", r.Until.Local().Format(time.DateTime), count(r.Ended, "link"))
		return err
	})
}

// whom tells an address from the identity of a peer, as parley peers prints it.
func whom(arg string) (at, id string) {
	if id, ok := strings.CutPrefix(arg, "id="); ok && id != "" {
		return "", id
	}
	return arg, ""
}

func unbanCommand() *cli.Command {
	return asked(&cli.Command{
		Name:      "unban",
		Usage:     "lift the bans of a machine, of one of its ports, or of an identity",
		ArgsUsage: "HOST[:PORT]|id=IDENTITY",
		Flags:     clientFlags(jsonFlag()),
	}, 1, func(ctx context.Context, cmd *cli.Command, c *api.Client) (*api.UnbanResult, error) {
		at, id := whom(cmd.Args().First())
		return c.Unban(ctx, api.UnbanRequest{Addr: at, Peer: id})
	}, func(cmd *cli.Command, r *api.UnbanResult) error {
		return verdict(cmd, r.Lifted, "lifted", "there is no such ban")
	})
}

func bansCommand() *cli.Command {
	return asked(&cli.Command{
		Name:  "bans",
		Usage: "print who is refused, until when and why",
		Flags: clientFlags(jsonFlag()),
	}, 0, func(ctx context.Context, _ *cli.Command, c *api.Client) (*api.Bans, error) {
		return c.Bans(ctx)
	}, func(cmd *cli.Command, bs *api.Bans) error {
		t := table{head: []string{"ADDRESS", "PEER", "UNTIL", "WHY"}}
		for _, b := range bs.Bans {
			t.add(text(b.Addr), text(b.Peer), b.Until.Local().Format(time.DateTime), text(b.Why))
		}
		return t.write(cmd.Root().Writer)
	})
}

func dropCommand() *cli.Command {
	return asked(&cli.Command{
		Name:      "drop",
		Usage:     "end a link, after what is queued on it has gone out",
		ArgsUsage: "ID",
		Flags:     clientFlags(jsonFlag()),
	}, 1, func(ctx context.Context, cmd *cli.Command, c *api.Client) (*api.DropResult, error) {
		id, err := strconv.ParseUint(cmd.Args().First(), 10, 64)
		if err != nil {
			return nil, usage("%.40q: want the number of a link, as parley peers prints it", cmd.Args().First())
		}
		return c.Drop(ctx, api.DropRequest{ID: id})
	}, func(cmd *cli.Command, r *api.DropResult) error {
		return verdict(cmd, r.Dropped, "dropped", "there is no such link")
	})
}

// verdict prints what was done, or returns an error that says why nothing was.
func verdict(cmd *cli.Command, done bool, yes, no string) error {
	if !done {
		return fmt.Errorf("%s: %s", cmp.Or(cmd.Args().First(), "?"), no)
	}
	_, err := fmt.Fprintln(cmd.Root().Writer, yes)
	return err
}
