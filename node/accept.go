package node

import (
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"time"

	"parley/addr"
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
	from := where(c.RemoteAddr())
	if !n.accept.take(time.Now(), from) {
		n.turned.Add(1)
		c.Close()
		return
	}
	taken := false
	n.ask(func(now time.Time) {
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

// hostShare is the part of the rate at which connections are accepted that one
// machine may use up, so that the others get in while one tries without pause.
const hostShare = 4

// porter limits the rate of connections: of all together, and of each machine.
// Machines share a bucket by a secret hash, which bounds its memory; nobody can
// tell whose bucket to empty. Connections from this machine count only in all.
type porter struct {
	mu    sync.Mutex
	all   bucket
	hosts [256]bucket
	seed  maphash.Seed
}

func (p *porter) init(rate, burst int) {
	p.seed = maphash.MakeSeed()
	p.all.init(rate, burst)
	if rate > 0 {
		rate = max(rate/hostShare, 1)
	}
	for i := range p.hosts {
		p.hosts[i].init(rate, max(burst/hostShare, 1))
	}
}

// take reports whether a connection from there may come in.
func (p *porter) take(now time.Time, from addr.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from.IP.IsValid() && !from.IP.IsLoopback() && !p.host(from.IP).take(now) {
		return false
	}
	return p.all.take(now)
}

// host returns the bucket of a machine. One with IPv6 has at least 64 bits of
// addresses to choose from.
func (p *porter) host(ip netip.Addr) *bucket {
	if ip.Is6() {
		home, _ := ip.Prefix(64) // an IPv6 address has 128 bits
		ip = home.Addr()
	}
	b := ip.As16()
	return &p.hosts[maphash.Bytes(p.seed, b[:])%uint64(len(p.hosts))]
}

// bucket limits a rate: it holds up to burst tokens and gains rate a second.
type bucket struct {
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
