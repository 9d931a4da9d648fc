package up

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"parley/cmd/parley/internal/show"
)

// interruptible returns a context that the first SIGINT or SIGTERM ends. The
// second ends the program at once. done must be called when neither should be
// caught any more.
func interruptible(ctx context.Context, screen *show.Screen) (soft context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-over:
			return
		case s := <-signals:
			cancel()
			screen.Tell("%v: ending; once more ends at once", s)
		}
		select {
		case <-over:
		case <-signals:
			screen.Close()
			os.Exit(exitInterrupted)
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		wg.Wait()
		cancel()
	}
}
