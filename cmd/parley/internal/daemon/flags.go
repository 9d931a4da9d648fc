package daemon

import (
	"cmp"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"parley/api"
	"parley/config"
)

// settingFlags returns the flags of all settings, with the older names hidden.
// Their values are text, which package config reads after it has merged them
// with the other layers.
func settingFlags() []cli.Flag {
	flags := []cli.Flag{configFlag()}
	for _, f := range config.Fields() {
		if f.FileOnly() {
			continue
		}
		flags = append(flags, settingFlag(&f, f.Key, false))
		for _, old := range f.Legacy {
			flags = append(flags, settingFlag(&f, old.Name, true))
		}
	}
	return flags
}

func settingFlag(f *config.Field, name string, hidden bool) cli.Flag {
	text := cmp.Or(f.Follows(), f.Default())
	if f.Bool {
		return &cli.BoolFlag{Name: name, Usage: f.Usage, Hidden: hidden, Category: f.Group, DefaultText: text}
	}
	return &cli.StringFlag{Name: name, Usage: f.Usage, Hidden: hidden, Category: f.Group, DefaultText: text}
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "configuration `FILE`: TOML if it ends in .toml, else INI", TakesFile: true,
		DefaultText: "parley.toml or parley.conf in the user's configuration directory"}
}

// clientFlags are the flags that say where a running node is.
func clientFlags(more ...cli.Flag) []cli.Flag {
	flags := []cli.Flag{configFlag()}
	for _, f := range config.Fields() {
		if slices.Contains([]string{"socket", "data-dir"}, f.Key) {
			f.Group = ""
			flags = append(flags, settingFlag(&f, f.Key, false))
		}
	}
	return append(flags, more...)
}

// options returns what to load the settings from: the environment, and those of
// the command's flags that were given. The present name of a flag overrides
// older ones.
func options(cmd *cli.Command) config.Options {
	o := config.Options{File: cmd.String("config"), Env: os.Environ()}
	for _, f := range config.Fields() {
		for _, old := range f.Legacy {
			o.Flags = appendGiven(o.Flags, cmd, &f, old.Name)
		}
		o.Flags = appendGiven(o.Flags, cmd, &f, f.Key)
	}
	return o
}

func appendGiven(gs []config.Given, cmd *cli.Command, f *config.Field, name string) []config.Given {
	switch {
	case f.FileOnly() || !cmd.IsSet(name):
		return gs
	case f.Bool && !cmd.Bool(name):
		return append(gs, config.Given{Name: name, Text: "false"})
	case f.Bool:
		return append(gs, config.Given{Name: name, Text: "true"})
	}
	return append(gs, config.Given{Name: name, Text: cmd.String(name)})
}

// client returns a client of the node that the flags point to.
func client(cmd *cli.Command) (*api.Client, error) {
	s, err := config.Load(options(cmd))
	if err != nil {
		return nil, err
	}
	return api.NewClient(s.Socket), nil
}
