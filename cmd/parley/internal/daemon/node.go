package daemon

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"parley/addr"
	"parley/api"
	"parley/cmd/parley/internal/record"
	"parley/cmd/parley/internal/seeds"
	"parley/cmd/parley/internal/tongue"
	"parley/config"
	"parley/dialect"
	"parley/node"
	"parley/transport/nat"
)

func nodeCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "node",
		Usage: "run one node of a real network",
		Description: "Settings come from flags, environment variables (PARLEY_ and the flag's name in upper case with _ for -),\n" +
			"a file, and defaults, in this order; parley config show --origin tells which. SIGINT and SIGTERM end the\n" +
			"node in order, a second one at once; SIGHUP rereads special peers, limits, bans and the log level.\n" +
			"Exit codes: 0 an orderly end, 1 error, 2 bad usage.",
		Flags: append(settingFlags(), &cli.DurationFlag{Name: "for", Usage: "leave after this time", DefaultText: "never"}),
	}, 0, func(ctx context.Context, cmd *cli.Command) error {
		o := options(cmd)
		load := func() (*config.Settings, error) { return config.Load(o) }
		d, err := newDaemon(load, cmd.Root().Writer, cmd.Root().ErrWriter)
		if err != nil {
			return err
		}
		end, hup := make(chan os.Signal, 1), make(chan os.Signal, 1)
		signal.Notify(end, os.Interrupt, syscall.SIGTERM)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(end)
		defer signal.Stop(hup)
		if span := cmd.Duration("for"); span > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, span, errSpan)
			defer cancel()
		}
		return d.run(ctx, end, hup)
	})
}

// daemon is a node with what surrounds it: its output, its seeds and its
// control socket.
type daemon struct {
	// Immutable.
	load    func() (*config.Settings, error)
	node    *node.Node
	server  *api.Server
	journal *journal
	names   seeds.Resolver // of hosts that lead to peers
	home    nat.Network    // where to look for gateways
	level   *slog.LevelVar
	log     *slog.Logger
	control net.Listener
	metrics net.Listener // nil for none
	lively  bool         // the output is a terminal, so repeat yourself

	set live // the settings in force
}

// newDaemon makes everything that can fail before the node runs. The caller must run what
// it returns, because sockets are open by then.
func newDaemon(load func() (*config.Settings, error), out, errs io.Writer) (*daemon, error) {
	s, err := load()
	if err != nil {
		return nil, err
	}
	d := &daemon{load: load, journal: newJournal(out), names: net.DefaultResolver, level: new(slog.LevelVar), lively: isTerminal(out)}
	d.set.put(s)
	d.level.Set(levelOf(s))
	d.log = newLog(errs, s.LogFormat, d.level)
	for _, text := range s.Warnings {
		d.log.Warn(text)
	}
	if d.node, err = d.newNode(s); err != nil {
		return nil, err
	}
	d.server = api.New(api.Config{
		Node:    d.node,
		About:   about(s),
		Limits:  func() api.Limits { return limitsOf(d.set.get()) },
		BanTime: func() time.Duration { return d.set.get().BanTime },
		Log:     d.log,
	})
	if d.control, err = api.Listen(s.Socket); err != nil {
		return nil, err
	}
	if s.Metrics != (addr.Addr{}) {
		if d.metrics, err = net.Listen("tcp", s.Metrics.AddrPort().String()); err != nil {
			d.control.Close()
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return d, nil
}

func (d *daemon) newNode(s *config.Settings) (*node.Node, error) {
	spoken, err := tongue.Of(s).Speak(s)
	if err != nil {
		return nil, err
	}
	imported, err := tongue.Imported(s)
	if err != nil {
		return nil, err
	}
	listed, err := listedBans(s)
	if err != nil {
		return nil, err
	}
	store := &banStore{listed: listed, imported: imported}
	if s.PeersFile != "" {
		if err := os.MkdirAll(filepath.Dir(s.PeersFile), 0o700); err != nil {
			return nil, fmt.Errorf("peers-file: %w", err)
		}
		store.Store = node.OpenFile(s.PeersFile, d.log)
	}
	first, err := d.firstSeeds(s, spoken)
	if err != nil {
		return nil, err
	}
	if err := d.observe(s); err != nil {
		return nil, err
	}
	return node.New(node.Config{
		Dialect:      spoken.Dialect,
		Self:         dialect.Self{Network: spoken.Network, ID: spoken.ID, Agent: cmp.Or(s.UserAgent, tongue.Of(s).Agent(Version()))},
		Handler:      d.journal,
		Core:         s.Core(),
		Seeds:        first,
		Listen:       s.Accept(),
		Advertise:    s.Advertise,
		Store:        store,
		Log:          d.log,
		OpenTimeout:  s.OpenTimeout,
		WriteTimeout: s.WriteTimeout,
		StopTimeout:  s.ShutdownTimeout / 2,
		ReadBuffer:   s.MaxMessage + frameRoom,
		Outbox:       s.Outbox,
		Full:         spoken.Full,
	})
}

// firstSeeds returns what is to be tried first: the dialect's own seeds and those
// of a file.
func (d *daemon) firstSeeds(s *config.Settings, spoken *tongue.Spoken) ([]addr.Addr, error) {
	if !s.EnableNet {
		return nil, nil
	}
	if s.SeedFile == "" {
		return spoken.Seeds, nil
	}
	list, bad, err := seeds.ReadFile(s.SeedFile)
	if err != nil {
		return nil, fmt.Errorf("seed-file: %w", err)
	}
	seeds.LogBad(d.log, s.SeedFile, bad)
	return append(list, spoken.Seeds...), nil
}

// observe opens the journal of messages, if there is to be one.
func (d *daemon) observe(s *config.Settings) (err error) {
	d.journal.show, d.journal.kind = s.ShowMessages, tongue.Of(s).Kind
	if s.Journal == "" {
		return nil
	}
	d.journal.record, err = record.Open(s.Journal, int64(s.JournalSize), s.JournalBody)
	d.journal.log = d.log
	return err
}

// frameRoom is what a wire form may add to the longest message.
const frameRoom = 64 << 10

func about(s *config.Settings) api.About {
	a := api.About{
		Name:    s.NodeName,
		Version: Version(),
		Dialect: s.Dialect,
		Network: api.Network{Name: s.Net.Name},
	}
	if id := s.NetworkID(); id != 0 {
		a.Network.ID = fmt.Sprintf("0x%08x", id)
	}
	return a
}

// limitsOf returns the limits in force as the control socket tells them.
func limitsOf(s *config.Settings) api.Limits {
	c := s.Core()
	l := api.Limits{In: limit(c.Inbound), Target: orNil(c.Target), Total: orNil(c.Total), PerIP: orNil(max(c.PerHost, 0))}
	if c.Target == 0 {
		l.Out = limit(c.Outbound)
	}
	if c.RoundTime > 0 {
		l.DropTo = orNil(c.DropTo)
	}
	return l
}

// limit returns a limit of the core: negative means that none are allowed.
func limit(n int) *int {
	n = max(n, 0)
	return &n
}

// orNil returns nil for a limit that is not there.
func orNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func newLog(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// levelOf returns the level to log at. The setting was checked when it was read.
func levelOf(s *config.Settings) slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(s.LogLevel)) != nil {
		return slog.LevelInfo
	}
	return l
}

// isTerminal reports whether w is a character device, where a person looks.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}
