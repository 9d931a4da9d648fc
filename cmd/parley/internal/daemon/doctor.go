package daemon

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"parley/transport/nat"
)

const exitNoGateway = 1

func doctorCommand() *cli.Command {
	look := command(&cli.Command{
		Name:  "nat",
		Usage: "look for gateways that let peers in, try a mapping through each, and tell what to set",
		Description: "Nothing is left mapped. It takes about ten seconds.\n" +
			"Exit codes: 0 peers can be let in, 1 they can not, or error, 2 bad usage.",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "nat", Value: nat.Any.String(), Usage: "ask with `PROTOCOL` any, upnp, natpmp or pcp"},
		},
	}, 0, func(ctx context.Context, cmd *cli.Command) error { return doctorNAT(ctx, cmd, nat.Network{}) })
	return &cli.Command{
		Name:     "doctor",
		Usage:    "look for what keeps a node from being reached",
		Commands: []*cli.Command{look},
	}
}

// doctorNAT looks for gateways in a network and reports.
func doctorNAT(ctx context.Context, cmd *cli.Command, home nat.Network) error {
	p, err := nat.ParseProtocol(cmd.String("nat"))
	if err != nil || p == nat.None {
		return usage("nat: %.40q: want any, upnp, natpmp or pcp", cmd.String("nat"))
	}
	r := nat.Probe(ctx, home, p)
	w := cmd.Root().Writer
	if cmd.Bool("json") {
		err = printJSON(w, r)
	} else {
		err = writeNAT(w, r)
	}
	if err != nil {
		return err
	}
	if _, ok := r.Best(); !ok {
		return cli.Exit("no gateway lets peers in", exitNoGateway)
	}
	return nil
}

// writeNAT writes what was found, and what to do about it.
func writeNAT(w io.Writer, r *nat.Report) error {
	t := table{head: []string{"PROTOCOL", "GATEWAY", "HERE", "OUTSIDE", "FOR", "FROM INSIDE", "VERDICT"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		t.add(f.Protocol.String(), valid(f.Gateway.IsValid(), f.Gateway), valid(f.Local.IsValid(), f.Local),
			outside(f), lifetime(f), f.Hairpin.String(), clean(natVerdict(f)))
	}
	if err := t.write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n"+natAdvice(r))
	return err
}

func outside(f *nat.Finding) string {
	if f.External.Port() == 0 {
		return valid(f.External.Addr().IsValid(), f.External.Addr())
	}
	return f.External.String()
}

// valid returns v as text, or the sign for what is not known.
func valid(known bool, v fmt.Stringer) string {
	if !known {
		return unknown
	}
	return v.String()
}

func lifetime(f *nat.Finding) string {
	switch {
	case !f.Mapped:
		return unknown
	case f.Lifetime == 0:
		return "ever"
	}
	return f.Lifetime.Round(time.Second).String()
}

func natVerdict(f *nat.Finding) string {
	switch {
	case !f.Found:
		return "nobody answers"
	case !f.Mapped:
		return "does not map: " + f.Why
	case f.Double:
		return "maps, but there is another NAT behind it"
	}
	return "maps"
}

// natAdvice says what the operator of a node can do.
func natAdvice(r *nat.Report) string {
	if best, ok := r.Best(); ok {
		return fmt.Sprintf("Peers can be let in: run parley node --nat %s, or any to keep the choice open.", best.Protocol)
	}
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case f.Mapped && f.Double:
			return "The gateway maps, but its own address is private: forward a port at the outer one too, and tell peers with --advertise."
		case f.Found && !f.Mapped:
			return "A gateway answers but does not map: allow it in its settings, or forward a port by hand and tell peers with --advertise."
		}
	}
	return "No gateway answers: forward a port by hand and tell peers with --advertise, or go without inbound links."
}
