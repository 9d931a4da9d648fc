package daemon

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"
)

// build is what is known about this program's making. Null is not known.
type build struct {
	Version  string  `json:"version"`
	Revision *string `json:"revision"`
	Time     *string `json:"time"`
	Modified *bool   `json:"modified"` // whether the tree differed from the revision
	Go       string  `json:"go"`
	Platform string  `json:"platform"`
}

func versionCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "version",
		Usage: "print what this program was built from",
		Flags: []cli.Flag{jsonFlag()},
	}, 0, func(_ context.Context, cmd *cli.Command) error {
		info, _ := debug.ReadBuildInfo()
		b := buildOf(info)
		if cmd.Bool("json") {
			return printJSON(cmd.Root().Writer, b)
		}
		_, err := fmt.Fprintln(cmd.Root().Writer, b)
		return err
	})
}

// Version returns the version of this program, "unknown" if it was built
// without one.
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return buildOf(info).Version
}

// buildOf reads what the linker left; info may be nil.
func buildOf(info *debug.BuildInfo) build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	if v := strings.Trim(info.Main.Version, "()"); v != "" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = &s.Value
		case "vcs.time":
			b.Time = &s.Value
		case "vcs.modified":
			modified := s.Value == "true"
			b.Modified = &modified
		}
	}
	return b
}

// String returns one line for people.
func (b build) String() string {
	line := "parley " + b.Version
	if b.Revision != nil {
		line += ", revision " + fmt.Sprintf("%.12s", *b.Revision)
	}
	if b.Modified != nil && *b.Modified {
		line += " with changes"
	}
	if b.Time != nil {
		line += " of " + *b.Time
	}
	return line + ", " + b.Go + ", " + b.Platform
}
