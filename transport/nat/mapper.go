package nat

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// MapperConfig says what a Mapper keeps mapped. Zero fields mean the default
// given with each.
type MapperConfig struct {
	Network  Network
	Protocol Protocol // how to talk to the gateway: None, which maps nothing
	Request  Request  // what to map; Port is required
	// Changed is called on Run's goroutine with the external address and port
	// as soon as there is a mapping, whenever they change, and with the zero
	// AddrPort when the mapping is lost or about to be removed. It must not block.
	Changed func(netip.AddrPort)
	Log     *slog.Logger // nil is silent

	Check   time.Duration // how often to ask whether the mapping still stands: 2m
	Retry   time.Duration // first pause after nobody would map, doubling to 32 times, with jitter: 15s
	Removal time.Duration // for removing the mapping in the end: 3s
}

func (c MapperConfig) filled() MapperConfig {
	c.Request = c.Request.filled()
	c.Check = cmp.Or(max(c.Check, 0), 2*time.Minute)
	c.Retry = cmp.Or(max(c.Retry, 0), 15*time.Second)
	c.Removal = cmp.Or(max(c.Removal, 0), 3*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Changed == nil {
		c.Changed = func(netip.AddrPort) {}
	}
	return c
}

// Status is what a Mapper has reached.
type Status struct {
	Protocol Protocol       // of the mapping, None without one
	Gateway  netip.Addr     // likewise
	External netip.AddrPort // where peers can dial; the zero value without a mapping
	Err      error          // the last error, nil once all is well
}

// Mapper keeps one port mapped while Run lasts.
type Mapper struct {
	// Immutable.
	cfg  MapperConfig
	find func(ctx context.Context) ([]*Gateway, error)

	// Owned by Run.
	gateway *Gateway // that made lease
	lease   Lease
	made    time.Time // when lease was made or renewed
	fails   int       // checks or renewals in a row that went unanswered

	mu     sync.Mutex
	status Status
}

// NewMapper returns a mapper. Nothing happens before Run.
func NewMapper(cfg MapperConfig) *Mapper {
	m := &Mapper{cfg: cfg.filled()}
	m.find = func(ctx context.Context) ([]*Gateway, error) { return m.cfg.Network.Find(ctx, m.cfg.Protocol) }
	return m
}

// Status returns what was reached so far. Any goroutine may call it.
func (m *Mapper) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Run keeps the port mapped until ctx is done, then removes the mapping, which
// takes at most Removal and a second. It may be called once. With the protocol
// None it returns at once.
func (m *Mapper) Run(ctx context.Context) {
	if m.cfg.Protocol == None {
		return
	}
	pause := m.cfg.Retry
	for ctx.Err() == nil {
		err := m.acquire(ctx)
		if err == nil {
			pause = m.cfg.Retry
			m.hold(ctx)
			continue
		}
		if ctx.Err() != nil {
			break
		}
		m.forget(err)
		m.cfg.Log.Debug("no port mapping", "why", err)
		sleep(ctx, max(jittered(pause), min(refusedFor(err), maxRefused)))
		pause = min(2*pause, 32*m.cfg.Retry)
	}
	m.remove(ctx)
}

// maxRefused bounds how long a gateway may have us wait before asking again.
const maxRefused = 10 * time.Minute

// refusedFor returns for how long a gateway said that asking again is pointless.
func refusedFor(err error) time.Duration {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.For
	}
	return 0
}

// acquire finds a gateway that makes the mapping, asking the preferred first.
func (m *Mapper) acquire(ctx context.Context) error {
	gateways, err := m.find(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, g := range gateways {
		err := m.renew(ctx, g)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// renew makes the mapping, or makes it again, and reports where it leads from.
func (m *Mapper) renew(ctx context.Context, g *Gateway) error {
	r := m.cfg.Request
	if m.lease.External.IsValid() {
		r.Wish = m.lease.External.Port() // what was told to others should stay true
	}
	at := time.Now()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Network.timeout())
	defer cancel()
	l, err := g.Map(ctx, r)
	if err != nil {
		return err
	}
	m.gateway, m.lease, m.made, m.fails = g, l, at, 0
	m.report(Status{Protocol: g.protocol, Gateway: g.addr, External: l.External})
	return nil
}

// maxFails is how many questions in a row may go unanswered before a gateway is
// looked for anew.
const maxFails = 3

// hold renews and checks the mapping until it is lost or ctx is done.
func (m *Mapper) hold(ctx context.Context) {
	renewal := m.made.Add(early(m.lease.Lifetime))
	for m.fails < maxFails {
		now := time.Now()
		next := now.Add(jittered(m.cfg.Check))
		if m.lease.Lifetime > 0 && renewal.Before(next) {
			next = renewal
		}
		if sleep(ctx, next.Sub(now)); ctx.Err() != nil {
			return
		}
		now = time.Now()
		due := m.lease.Lifetime > 0 && !renewal.After(now)
		if !due && !m.check(ctx) {
			continue
		}
		err := m.renew(ctx, m.gateway)
		switch end := m.made.Add(m.lease.Lifetime); {
		case err == nil:
			renewal = m.made.Add(early(m.lease.Lifetime))
		case ctx.Err() != nil:
			return
		case m.failed(err):
			return
		default: // RFC 6887, 11.2.1: again after half of what is left
			renewal = time.Now().Add(max(end.Sub(now)/2, minRenewal))
		}
	}
}

// check asks whether the mapping stands, and reports whether it is to be made anew.
func (m *Mapper) check(ctx context.Context) (anew bool) {
	asking, cancel := context.WithTimeout(ctx, m.cfg.Network.timeout())
	defer cancel()
	err := m.gateway.Check(asking, m.lease)
	switch {
	case err == nil:
		m.fails = 0
		m.doubt(nil)
	case errors.Is(err, ErrLost):
		m.cfg.Log.Info("port mapping lost", "why", err)
		return true
	case errors.Is(err, ErrMoved):
		m.failed(err)
		m.fails = maxFails
	case ctx.Err() == nil:
		m.failed(err)
	}
	return false
}

// failed counts an error that leaves open whether the mapping stands, and
// reports whether that is enough. A refusal always is.
func (m *Mapper) failed(err error) bool {
	m.fails++
	if isRefusal(err) {
		m.fails = maxFails
	}
	m.doubt(err)
	m.cfg.Log.Debug("port mapping in doubt", "why", err)
	return m.fails >= maxFails
}

// doubt sets the last error and leaves the rest of the status.
func (m *Mapper) doubt(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.Err = err
}

// remove ends a mapping in order: nobody is told of it any more, then it goes.
func (m *Mapper) remove(ctx context.Context) {
	if !m.lease.External.IsValid() {
		return
	}
	l := m.lease
	m.forget(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.cfg.Removal)
	defer cancel()
	if err := m.gateway.Unmap(ctx, l); err != nil {
		m.cfg.Log.Debug("port mapping not removed", "why", err)
		m.doubt(err)
	}
}

// forget reports that there is no mapping.
func (m *Mapper) forget(err error) {
	m.lease = Lease{}
	m.report(Status{Err: err})
}

// report sets the status and tells of a new external address.
func (m *Mapper) report(s Status) {
	m.mu.Lock()
	changed := s.External != m.status.External
	m.status = s
	m.mu.Unlock()
	if !changed {
		return
	}
	if s.External.IsValid() {
		m.cfg.Log.Info("port mapped", "external", s.External, "protocol", s.Protocol, "gateway", s.Gateway)
	} else {
		m.cfg.Log.Info("port no longer mapped")
	}
	m.cfg.Changed(s.External)
}

// minRenewal is the least pause between two attempts to renew.
const minRenewal = 4 * time.Second

// early returns when to renew a mapping: at three to four eighths of its
// lifetime, so before half of it is over, unless that is seconds.
func early(lifetime time.Duration) time.Duration {
	return max(lifetime*3/8+rand.N(max(lifetime/8, 1)), minRenewal)
}

// jittered returns d, longer or shorter by an eighth at most.
func jittered(d time.Duration) time.Duration {
	return d - d/8 + rand.N(max(d/4, 1))
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
