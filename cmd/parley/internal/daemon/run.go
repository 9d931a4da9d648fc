package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"parley/addr"
)

var (
	errTwice = errors.New("told twice to end, so links were not ended in order")
	errLate  = errors.New("did not end in time")
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
	var late <-chan time.Time
	leave := func(why string) {
		d.journal.add("leaving: %s", why)
		stop()
		late = time.After(d.set.get().ShutdownTimeout)
	}
	for done := ctx.Done(); ; {
		select {
		case err := <-over:
			return err
		case <-done:
			done = nil
			leave(context.Cause(ctx).Error())
		case sig := <-end:
			if late != nil {
				return errors.Join(errTwice, d.control.Close())
			}
			done = nil
			leave(sig.String())
		case <-late:
			return errors.Join(fmt.Errorf("%w: %s", errLate, d.set.get().ShutdownTimeout), d.control.Close())
		case <-hup:
			d.reread(ctx)
		}
	}
}

// start starts every goroutine of the daemon. They end when ctx is done, the
// node first, so that what it has to say at its end is printed. The channel
// delivers the node's error once all have ended.
func (d *daemon) start(ctx context.Context) <-chan error {
	around, stop := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan error, 1)
	var outer sync.WaitGroup
	outer.Go(func() {
		defer stop()
		var wg sync.WaitGroup
		wg.Go(func() { d.journal.run(around) })
		wg.Go(func() { d.tell(ctx) })
		wg.Go(func() { d.seed(ctx) })
		wg.Go(func() {
			if err := d.server.Run(around, d.control, d.metrics); err != nil {
				d.log.Error("the control socket is not served any more", "err", err)
			}
		})
		err := d.node.Run(ctx)
		stop()
		wg.Wait()
		over <- err
	})
	return over
}

// seed supplies the node from the seed URL, once it runs.
func (d *daemon) seed(ctx context.Context) {
	s := d.set.get()
	if s.SeedURL == "" || !s.EnableNet {
		return
	}
	select {
	case <-d.node.Ready():
	case <-ctx.Done():
		return
	}
	(&seeder{
		fetch: func(ctx context.Context) ([]addr.Addr, []badLine, error) {
			return fetchSeeds(ctx, s.SeedURL, seedTimeout)
		},
		learn: d.node.Learn,
		log:   d.log,
	}).run(ctx)
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
	d.journal.add("node %s of network %s %s (%s) listens at %s; control socket %s", s.NodeName, st.Network.Name, st.Network.ID, s.Dialect, listenText(st), s.Socket)
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
		if line := statusLine(st); d.lively || line != last {
			d.journal.add("%s", line)
			last = line
		}
	}
}
