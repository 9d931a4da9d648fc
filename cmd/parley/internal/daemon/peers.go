package daemon

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"parley/api"
)

// idWidth is how much of a peer's identity a table shows.
const idWidth = 17

func peersCommand() *cli.Command {
	return command(&cli.Command{
		Name:        "peers",
		Usage:       "print the links of a running node, or those that ended",
		Description: "Exit codes: 0 a node answered, 1 error, 2 bad usage, 3 no node answers.",
		Flags: clientFlags(jsonFlag(),
			&cli.BoolFlag{Name: "closed", Usage: "the links that ended last, newest first, and why"},
			&cli.IntFlag{Name: "max", Usage: "how many of them, 1 to 1000", Value: 1000},
			&cli.StringFlag{Name: "sort", Usage: "sort by " + strings.Join(sortKeys(), ", "), Value: "id"},
			&cli.BoolFlag{Name: "reverse", Aliases: []string{"r"}, Usage: "the other way round"}),
	}, 0, peers)
}

func peers(ctx context.Context, cmd *cli.Command) error {
	order, ok := sorts[cmd.String("sort")]
	if !ok {
		return usage("sort: %.40q: want %s", cmd.String("sort"), strings.Join(sortKeys(), ", "))
	}
	if n := cmd.Int("max"); n < 1 || n > 1000 {
		return usage("max: %d: want a number from 1 to 1000", n)
	}
	c, err := client(cmd)
	if err != nil {
		return err
	}
	if cmd.Bool("closed") {
		return closedPeers(ctx, cmd, c)
	}
	ps, err := c.Peers(ctx)
	if err != nil {
		return err
	}
	sortPeers(ps.Peers, order, cmd.Bool("reverse"))
	if cmd.Bool("json") {
		return printJSON(cmd.Root().Writer, ps)
	}
	return writePeers(cmd.Root().Writer, ps)
}

func closedPeers(ctx context.Context, cmd *cli.Command, c *api.Client) error {
	es, err := c.Closed(ctx, cmd.Int("max"))
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return printJSON(cmd.Root().Writer, es)
	}
	return writeClosed(cmd.Root().Writer, es, time.Now())
}

// order compares two peers. It reports whether what it compares is known of
// each, because what is not goes last in both directions.
type order func(a, b *api.Peer) (c int, aKnown, bKnown bool)

// sorts holds the orders that the flag can choose.
var sorts = map[string]order{
	"id":      always(func(p *api.Peer) uint64 { return p.ID }),
	"addr":    always(func(p *api.Peer) string { return p.Addr }),
	"dir":     always(direction),
	"since":   always(func(p *api.Peer) int64 { return p.Since.UnixNano() }),
	"blame":   always(func(p *api.Peer) int { return p.Blame }),
	"in":      of(func(p *api.Peer) *api.Totals { return p.Total }, func(t *api.Totals) uint64 { return t.InBytes }),
	"out":     of(func(p *api.Peer) *api.Totals { return p.Total }, func(t *api.Totals) uint64 { return t.OutBytes }),
	"dropped": of(func(p *api.Peer) *api.Totals { return p.Total }, func(t *api.Totals) uint64 { return t.Dropped }),
	"inrate":  of(func(p *api.Peer) *api.Rate { return p.Rate }, func(r *api.Rate) float64 { return r.InBytes }),
	"outrate": of(func(p *api.Peer) *api.Rate { return p.Rate }, func(r *api.Rate) float64 { return r.OutBytes }),
	"queued":  of(func(p *api.Peer) *int { return p.Queued }, func(n *int) int { return *n }),
	"last":    of(func(p *api.Peer) *time.Time { return p.LastIn }, func(t *time.Time) int64 { return t.UnixNano() }),
	"version": of(func(p *api.Peer) *uint32 { return p.Version }, func(v *uint32) uint32 { return *v }),
}

func sortKeys() []string {
	keys := make([]string, 0, len(sorts))
	for k := range sorts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func always[T cmp.Ordered](key func(*api.Peer) T) order {
	return func(a, b *api.Peer) (int, bool, bool) { return cmp.Compare(key(a), key(b)), true, true }
}

func of[P any, T cmp.Ordered](part func(*api.Peer) *P, key func(*P) T) order {
	return func(a, b *api.Peer) (int, bool, bool) {
		x, y := part(a), part(b)
		if x == nil || y == nil {
			return 0, x != nil, y != nil
		}
		return cmp.Compare(key(x), key(y)), true, true
	}
}

// sortPeers sorts by o, then by ID.
func sortPeers(ps []api.Peer, o order, reverse bool) {
	slices.SortFunc(ps, func(a, b api.Peer) int {
		c, ka, kb := o(&a, &b)
		switch {
		case ka != kb && ka:
			return -1
		case ka != kb:
			return 1
		case reverse:
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.ID, b.ID))
	})
}

func direction(p *api.Peer) string {
	d := "in"
	if p.Out {
		d = "out"
	}
	switch {
	case p.Special:
		d += " special"
	case p.Opening:
		d += " opening"
	}
	return d
}

func writePeers(w io.Writer, ps *api.Peers) error {
	t := table{
		head:  []string{"ID", "ADDRESS", "DIR", "VER", "PEER", "UP", "IN", "OUT", "IN/S", "OUT/S", "QUEUED", "DROPPED", "LAST", "BLAME", "FOR"},
		right: []bool{true, false, false, true, false, true, true, true, true, true, true, true, true, true, false},
	}
	size := func(n uint64) string { return bytesText(float64(n)) }
	for i := range ps.Peers {
		p := &ps.Peers[i]
		t.add(fmt.Sprint(p.ID), clean(p.Addr), direction(p),
			maybe(p.Version, func(v uint32) string { return fmt.Sprint(v) }),
			middle(text(cmp.Or(p.Peer, p.Agent)), idWidth),
			ageText(ps.Time.Sub(p.Since)),
			maybe(p.Total, func(t api.Totals) string { return size(t.InBytes) }),
			maybe(p.Total, func(t api.Totals) string { return size(t.OutBytes) }),
			maybe(p.Rate, func(r api.Rate) string { return bytesText(r.InBytes) }),
			maybe(p.Rate, func(r api.Rate) string { return bytesText(r.OutBytes) }),
			maybe(p.Queued, func(n int) string { return size(uint64(max(n, 0))) }),
			maybe(p.Total, func(t api.Totals) string { return fmt.Sprint(t.Dropped) }),
			maybe(p.LastIn, func(at time.Time) string { return ageText(ps.Time.Sub(at)) }),
			fmt.Sprint(p.Blame), blameText(p))
	}
	return t.write(w)
}

// blameText says what a peer was last blamed for: nothing where it was not.
func blameText(p *api.Peer) string {
	if p.Why == nil {
		return ""
	}
	return middle(clean(*p.Why), maxBlameText)
}

// maxBlameText is how much of that is shown.
const maxBlameText = 60

func writeClosed(w io.Writer, es *api.Closed, now time.Time) error {
	t := table{
		head:  []string{"ID", "ADDRESS", "DIR", "PEER", "ENDED", "LASTED", "IN", "OUT", "KIND", "WHY"},
		right: []bool{true, false, false, false, true, true, true, true},
	}
	size := func(n uint64) string { return bytesText(float64(n)) }
	for i := range es.Closed {
		e := &es.Closed[i]
		dir := direction(&api.Peer{Out: e.Out, Opening: !e.WasUp})
		t.add(fmt.Sprint(e.ID), clean(e.Addr), dir, middle(text(e.Peer), idWidth),
			ageText(now.Sub(e.End)), ageText(e.End.Sub(e.Start)),
			maybe(e.InBytes, size), maybe(e.OutBytes, size), clean(e.Kind), clean(e.Why))
	}
	return t.write(w)
}
