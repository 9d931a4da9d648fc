package node

import (
	"errors"
	"net"
	"sync"
	"time"
)

// The pauses after a listener failed to accept, for lack of file descriptors
// perhaps: doubling from the first to the last.
const (
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// serve is a listener's goroutine.
func (n *Node) serve(ln net.Listener) {
	var pause time.Duration
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			n.welcome(c)
			continue
		case n.halted():
			return
		case errors.Is(err, net.ErrClosed):
			n.cfg.Log.Error("listener closed", "at", ln.Addr(), "err", err)
			return
		}
		pause = min(max(acceptPause, 2*pause), acceptPauseMax)
		n.cfg.Log.Warn("accept failed", "at", ln.Addr(), "err", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-n.halt:
			return
		}
	}
}

func (n *Node) halted() bool {
	select {
	case <-n.halt:
		return true
	default:
		return false
	}
}

// welcome begins the opening exchange on an accepted connection, or closes it.
func (n *Node) welcome(c net.Conn) {
	if !n.accept.take(time.Now()) {
		n.turned.Add(1)
		c.Close()
		return
	}
	taken := false
	n.ask(func(now time.Time) {
		from := where(c.RemoteAddr())
		id, err := n.core.Accepted(now, from)
		n.trace(now, id, "accepted", err)
		if err != nil {
			n.cfg.Log.Debug("turned away", "addr", from, "err", err)
			return
		}
		taken = true
		l := n.newLink(now, id, from, false)
		n.wg.Go(func() { l.run(c) })
	})
	if !taken {
		n.turned.Add(1)
		c.Close()
	}
}

// bucket limits a rate: it holds up to burst tokens and gains rate a second.
type bucket struct {
	mu     sync.Mutex
	rate   float64
	burst  float64
	tokens float64
	last   time.Time
}

func (b *bucket) init(rate, burst int) {
	b.rate, b.burst, b.tokens = float64(rate), float64(burst), float64(burst)
}

// take reports whether there was a token. A negative rate has no limit.
func (b *bucket) take(now time.Time) bool {
	if b.rate < 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.last.IsZero() {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
