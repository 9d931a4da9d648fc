package daemon

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"parley/api"
	"parley/fault"
)

func statusCommand() *cli.Command {
	return command(&cli.Command{
		Name:        "status",
		Usage:       "print what a running node is and does, at one glance",
		Description: "Exit codes: 0 a node answered, 1 error, 2 bad usage, 3 no node answers.",
		Flags:       clientFlags(jsonFlag()),
	}, 0, func(ctx context.Context, cmd *cli.Command) error {
		c, err := client(cmd)
		if err != nil {
			return err
		}
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		if cmd.Bool("json") {
			return printJSON(cmd.Root().Writer, st)
		}
		return writeStatus(cmd.Root().Writer, st)
	})
}

func writeStatus(w io.Writer, st *api.Status) error {
	t := table{}
	t.add("node", fmt.Sprintf("%s, parley %s, pid %d, up %s", clean(st.Name), st.Version, st.PID, ageText(st.Time.Sub(st.Since))))
	t.add("network", fmt.Sprintf("%s, %s", networkText(st), st.Dialect))
	t.add("listen", listenText(st))
	t.add("links", linksText(st))
	t.add("peers", fmt.Sprintf("%d addresses known, %s, %s", st.Known, count(st.Bans, "ban"), count(st.Rounds, "round")))
	t.add("in", trafficText(st.Total.InBytes, st.Total.InMsgs, st.Rate, func(r *api.Rate) (float64, float64) { return r.InBytes, r.InMsgs }))
	t.add("out", trafficText(st.Total.OutBytes, st.Total.OutMsgs, st.Rate, func(r *api.Rate) (float64, float64) { return r.OutBytes, r.OutMsgs }))
	t.add("dropped", count(int(st.Total.Dropped), "message"))
	t.add("ended", endedText(st.Faults))
	return t.write(w)
}

// networkText names the network, with its number if it has one.
func networkText(st *api.Status) string {
	return strings.TrimSpace(clean(st.Network.Name) + " " + st.Network.ID)
}

func listenText(st *api.Status) string {
	at := "nowhere"
	if len(st.Listen) > 0 {
		at = strings.Join(st.Listen, ", ")
	}
	if st.Advertise != nil {
		at += ", told to others as " + *st.Advertise
	}
	return at
}

// linksText writes links against their limits. What is opening counts nowhere
// else.
func linksText(st *api.Status) string {
	both := st.Links.In + st.Links.Out
	parts := []string{against(st.Links.In, st.Limits.In) + " in", against(st.Links.Out, st.Limits.Out) + " out"}
	if st.Limits.Target != nil {
		parts = append(parts, against(both, st.Limits.Target)+" of target")
	}
	if st.Limits.Total != nil {
		parts = append(parts, against(both, st.Limits.Total)+" in all")
	}
	parts = append(parts, fmt.Sprintf("%d special", st.Links.Special), fmt.Sprintf("%d opening", st.Links.Opening))
	return strings.Join(parts, ", ")
}

func against(n int, limit *int) string {
	if limit == nil {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d/%d", n, *limit)
}

func trafficText(bytes, msgs uint64, rate *api.Rate, of func(*api.Rate) (bytes, msgs float64)) string {
	now := unknown
	if rate != nil {
		b, m := of(rate)
		now = fmt.Sprintf("%s/s, %s", bytesText(b), perSecond(m))
	}
	return fmt.Sprintf("%s, %d messages, now %s", bytesText(float64(bytes)), msgs, now)
}

// endedText counts ended links by the kind of their fault, in the order of the
// kinds, leaving out what did not happen.
func endedText(faults map[string]uint64) string {
	var parts []string
	for _, k := range fault.Kinds {
		if n := faults[k.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, n))
		}
	}
	if parts == nil {
		return "no link"
	}
	return strings.Join(parts, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
