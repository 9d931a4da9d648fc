package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"parley/config"
)

// live holds the settings in force. It is safe for concurrent use; what it
// returns is not changed any more.
type live struct {
	mu sync.Mutex
	s  *config.Settings
}

func (l *live) get() *config.Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s
}

func (l *live) put(s *config.Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s = s
}

// reread takes over what a running node can. If anything is wrong, everything
// stays as it was.
func (d *daemon) reread(ctx context.Context) {
	changed, err := d.reload(ctx)
	if err != nil {
		d.log.Error("configuration was not reread", "err", err)
		d.journal.add("configuration was not reread: %s", clean(err.Error()))
		return
	}
	d.journal.add("configuration reread, changed: %v", changed)
}

// reload does the work of reread and returns the keys whose values changed.
func (d *daemon) reload(ctx context.Context) ([]string, error) {
	old := d.set.get()
	s, err := d.load()
	if err != nil {
		return nil, err
	}
	changed, fixed := config.Changed(old, s)
	for _, key := range []string{"network", "custom-network", "enable-net"} {
		if slices.Contains(fixed, key) {
			return nil, fmt.Errorf("%s changed: that needs a restart", key)
		}
	}
	listed, err := listedBans(s)
	if err != nil {
		return nil, err
	}
	for _, text := range s.Warnings {
		d.log.Warn(text)
	}
	for _, key := range fixed {
		d.log.Warn("setting changed, but takes effect only at a restart", "setting", key)
	}
	if err := d.node.Tune(s.Core()); err != nil {
		return nil, err
	}
	d.level.Set(levelOf(s))
	d.set.put(s)
	return changed, rebans(d.node, listed)
}
