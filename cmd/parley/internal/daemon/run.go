package daemon

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"parley/addr"
	"parley/cmd/parley/internal/seeds"
)

var (
	errTwice = errors.New("told twice to end, so links were not ended in order")
	errLate  = errors.New("did not end within the shutdown timeout")
	errSpan  = errors.New("the time is over")
)

// run serves until ctx is done or end says so, and then leaves the network in
// order, within the shutdown timeout. A second word from end stops the waiting
// at once; goroutines may be left then, so the process must exit. A word from
// hup rereads the configuration.
func (d *daemon) run(ctx context.Context, end, hup <-chan os.Signal) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	over := d.start(serving)
	leave := func(why string) time.Duration {
		d.journal.add("leaving: %s", why)
		stop()
		return d.set.get().ShutdownTimeout
	}
	err := supervise(ctx, over, end, hup, leave, func() { d.reread(ctx) })
	if errors.Is(err, errTwice) || errors.Is(err, errLate) {
		d.control.Close() // nobody else does any more
	}
	return err
}

// supervise waits for the end. It calls leave when the end is to begin, which
// tells how long it may take, and reread for every word from hup.
func supervise(ctx context.Context, over <-chan error, end, hup <-chan os.Signal, leave func(why string) time.Duration, reread func()) error {
	var late <-chan time.Time
	for done := ctx.Done(); ; {
		select {
		case err := <-over:
			return err
		case <-done:
			done = nil
			if late == nil {
				late = time.After(leave(context.Cause(ctx).Error()))
			}
		case sig := <-end:
			if late != nil {
				return errTwice
			}
			late = time.After(leave(sig.String()))
		case <-late:
			return errLate
		case <-hup:
			reread()
		}
	}
}

// start starts every goroutine of the daemon. They end when ctx is done or the
// node has ended by itself: what feeds the node first, then the node, and last
// what reports on it, so that its leaving is printed. The channel delivers the
// node's error once all have ended.
func (d *daemon) start(ctx context.Context) <-chan error {
	over := make(chan error, 1)
	var outer sync.WaitGroup
	outer.Go(func() {
		around, stopAround := context.WithCancel(context.WithoutCancel(ctx))
		defer stopAround()
		feeding, stopFeeding := context.WithCancel(ctx)
		defer stopFeeding()
		var feeders, wg sync.WaitGroup
		feeders.Go(func() { d.seed(feeding) })
		feeders.Go(func() { d.tell(feeding) })
		feeders.Go(func() { d.letIn(feeding) })
		wg.Go(func() { d.journal.run(around) })
		wg.Go(func() {
			if err := d.server.Run(around, d.control, d.metrics); err != nil {
				d.log.Error("the control socket is not served any more", "err", err)
			}
		})
		err := d.node.Run(ctx)
		stopFeeding()
		feeders.Wait() // what they say at last is still printed
		stopAround()
		wg.Wait()
		d.journal.close()
		over <- err
	})
	return over
}

// seed supplies the node from the seed URL and by names of hosts, once it runs.
func (d *daemon) seed(ctx context.Context) {
	s := d.set.get()
	if !s.EnableNet {
		return
	}
	select {
	case <-d.node.Ready():
	case <-ctx.Done():
		return
	}
	source := seeds.Source{Learn: d.node.Learn, Log: d.log, Say: d.journal.add}
	var wg sync.WaitGroup
	defer wg.Wait()
	if url := source; s.SeedURL != "" {
		url.Name = s.SeedURL
		url.Fetch = func(ctx context.Context) ([]addr.Addr, []seeds.Bad, error) {
			return seeds.Fetch(ctx, s.SeedURL, seeds.Timeout)
		}
		wg.Go(func() { url.Run(ctx) })
	}
	if names := source; len(s.DNSSeeds) > 0 && !s.Exclusive && !s.ExclusiveIn {
		names.Name = strings.Join(s.DNSSeeds, " ")
		names.Fetch = seeds.Names(d.names, s.DNSSeeds, uint16(s.Net.Port), func(err error) {
			d.log.Warn("names that lead nowhere", "err", err)
		})
		wg.Go(func() { names.Run(ctx) })
	}
}

// tell prints where the node listens, and then a status line now and again: on
// a terminal always, elsewhere if it says something new.
func (d *daemon) tell(ctx context.Context) {
	select {
	case <-d.node.Ready():
	case <-ctx.Done():
		return
	}
	s := d.set.get()
	st, err := d.server.Status(ctx)
	if err != nil {
		return
	}
	d.journal.add("node %s of network %s (%s) listens at %s; control socket %s", s.NodeName, networkText(st), s.Dialect, listenText(st), s.Socket)
	d.journal.add("known as %s%s", d.node.Self().Agent, idText(d.node.Self().ID))
	if s.StatusEvery == 0 {
		return
	}
	t := time.NewTicker(s.StatusEvery)
	defer t.Stop()
	last := ""
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		st, err := d.server.Status(ctx)
		if err != nil {
			continue // the node is ending
		}
		if state := stateText(st); d.lively || state != last {
			d.journal.add("%s; %s", state, rateText(st))
			last = state
		}
	}
}
