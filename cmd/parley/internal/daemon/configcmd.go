package daemon

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"parley/cmd/parley/internal/tongue"
	"parley/config"
)

func configCommand() *cli.Command {
	show := command(&cli.Command{
		Name:  "show",
		Usage: "print every effective setting; takes the flags of parley node",
		Flags: append(settingFlags(), jsonFlag(), &cli.BoolFlag{Name: "origin", Usage: "print where each value comes from"}),
	}, 0, configShow)
	validate := command(&cli.Command{
		Name:      "validate",
		Usage:     "check a configuration file by itself, without environment and flags",
		ArgsUsage: "FILE",
	}, 1, configValidate)
	sample := command(&cli.Command{
		Name:  "init",
		Usage: "print a commented configuration file that says what holds without one",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "ini", Usage: "in the form of factomd's configuration instead of TOML"}},
	}, 0, configInit)
	return &cli.Command{
		Name:     "config",
		Usage:    "show, check or make a configuration",
		Commands: []*cli.Command{show, validate, sample},
	}
}

func configShow(_ context.Context, cmd *cli.Command) error {
	s, err := config.Load(options(cmd))
	if err != nil {
		return err
	}
	warn(cmd.Root().ErrWriter, s)
	rows, err := s.Rows()
	if err != nil {
		return err
	}
	w := cmd.Root().Writer
	if cmd.Bool("json") {
		return printJSON(w, rows)
	}
	t := table{}
	for _, r := range rows {
		row := []string{r.Key, clean(r.Text)}
		if cmd.Bool("origin") {
			row = append(row, clean(r.Origin.String()))
		}
		t.add(row...)
	}
	return t.write(w)
}

func configValidate(_ context.Context, cmd *cli.Command) error {
	s, err := config.Load(config.Options{File: cmd.Args().First(), Env: withoutOurs(os.Environ())})
	if err != nil {
		return err
	}
	if err := tongue.Check(s); err != nil {
		return err
	}
	warn(cmd.Root().ErrWriter, s)
	_, err = fmt.Fprintf(cmd.Root().Writer, "%s is valid\n", cmd.Args().First())
	return err
}

func configInit(_ context.Context, cmd *cli.Command) error {
	text := config.SampleTOML()
	if cmd.Bool("ini") {
		text = config.SampleINI()
	}
	_, err := io.WriteString(cmd.Root().Writer, text)
	return err
}

func warn(w io.Writer, s *config.Settings) {
	for _, text := range s.Warnings {
		fmt.Fprintln(w, "warning:", text)
	}
}

// withoutOurs leaves out the variables that are settings.
func withoutOurs(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PARLEY_") })
}
