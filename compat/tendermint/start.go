package p2p

import (
	"errors"
	"fmt"
	"time"
)

const stopGrace = time.Second // how long Stop waits for listeners to be told

// Errors of a Switch.
var (
	ErrSwitchDuplicatePeer = errors.New("duplicate peer")
	ErrSwitchNotRunning    = errors.New("switch is not running")
	ErrSwitchStarted       = errors.New("switch has started already")
)

// Start starts the Switch, and its reactors, and returns once it listens.
func (sw *Switch) Start() error {
	over := make(chan error, 1)
	if err := sw.launch(over); err != nil {
		return err
	}
	select {
	case <-sw.node.Ready():
	case err := <-over:
		sw.Stop()
		return err
	}
	if sw.cfg.AddrBook != nil {
		sw.node.Learn(sw.cfg.AddrBook.dialable())
	}
	for _, h := range sw.hosts {
		if err := h.r.Start(); err != nil {
			sw.Stop()
			return fmt.Errorf("reactor %s: %w", h.name, err)
		}
	}
	return nil
}

// launch starts every goroutine.
func (sw *Switch) launch(over chan<- error) (err error) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if sw.started || sw.stopped {
		return ErrSwitchStarted
	}
	if book := sw.cfg.AddrBook; book != nil {
		book.adopt(sw)
	}
	if sw.node, err = sw.engine(); err != nil {
		return err
	}
	sw.started = true
	for _, h := range sw.hosts {
		h.start()
	}
	for _, l := range sw.listeners {
		sw.wg.Go(l.run)
	}
	sw.nodes.Go(func() { over <- sw.node.Run(sw.ctx) })
	return nil
}

// running reports whether Start was called and Stop was not.
func (sw *Switch) running() bool {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	return sw.started && !sw.stopped
}

// Stop ends every connection after what is queued has been written, stops the
// reactors, and waits for calls of them that are under way. Receive returns false
// from then on. Listeners that read are told of the peers that go. A reactor must
// not call it.
func (sw *Switch) Stop() {
	sw.mu.Lock()
	if sw.stopped {
		sw.mu.Unlock()
		return
	}
	sw.stopped = true
	started := sw.started
	sw.mu.Unlock()
	sw.cancel()
	sw.nodes.Wait()
	for _, q := range sw.queues {
		q.close()
	}
	boxes := sw.mailboxes()
	for _, m := range boxes {
		m.finish()
	}
	grace := time.AfterFunc(stopGrace, func() {
		for _, m := range boxes {
			m.end()
		}
	})
	if started {
		for _, h := range sw.hosts {
			h.r.Stop()
		}
		if sw.cfg.AddrBook != nil {
			sw.cfg.AddrBook.Stop()
		}
	}
	sw.wg.Wait()
	grace.Stop()
}

// mailboxes returns those of all reactors and listeners.
func (sw *Switch) mailboxes() (all []*mailbox) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	for _, h := range sw.hosts {
		all = append(all, h.mailbox)
	}
	for _, l := range sw.listeners {
		all = append(all, l.mailbox)
	}
	return all
}
