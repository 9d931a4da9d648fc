package up

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"parley/addr"
	"parley/cmd/parley/internal/seedsrv"
	"parley/cmd/parley/internal/speech"
	"parley/core"
	"parley/dialect"
	"parley/node"
)

// stopTimeout bounds how long a node that is stopped may send what it has
// queued.
const stopTimeout = time.Second

// member is one node of the network, over all its lives.
type member struct {
	// Immutable.
	net   *network
	index int
	app   *app
	rand  *rand.Rand // used by start alone

	mu    sync.Mutex // guards the rest
	at    addr.Addr  // where it listens; kept over restarts
	state state
	stop  context.CancelFunc // of the present life
	over  chan struct{}      // closed when the present life is over
}

// state says what a member is doing.
type state uint8

const (
	down     state = iota
	up             // from when it listens
	stopping       // we have told it to
)

// start begins a life and returns when the node listens.
func (m *member) start(ctx context.Context) error {
	cfg, err := m.config(ctx)
	if err != nil {
		return err
	}
	n, err := node.New(cfg)
	if err != nil {
		return err
	}
	m.app.begin(n, m.rand.Uint64())
	life, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	var end error
	m.net.wg.Go(func() { m.app.pace(life) })
	m.net.wg.Go(func() {
		end = n.Run(life)
		stop()
		m.ended(end, over)
	})
	select {
	case <-n.Ready():
	case <-over:
		return end
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-over: // as soon as it was ready
		return end
	default:
	}
	m.at, m.state, m.stop, m.over = n.Listening()[0], up, stop, over
	return nil
}

// ended notes that a life is over, and says so if nobody asked for it.
func (m *member) ended(err error, over chan struct{}) {
	m.mu.Lock()
	was := m.state
	m.state = down
	close(over)
	m.mu.Unlock()
	if was == up {
		m.net.tell("node %d died: %v", m.index, err)
	}
	m.net.book.touch()
}

// kill ends the present life and waits until it is over. It reports false if
// there is none, or somebody else is ending it.
func (m *member) kill() bool {
	m.mu.Lock()
	if m.state != up {
		m.mu.Unlock()
		return false
	}
	m.state = stopping
	stop, over := m.stop, m.over
	m.mu.Unlock()
	m.app.leave()
	stop()
	<-over
	return true
}

// is reports whether the member is in a state.
func (m *member) is(s state) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == s
}

// address returns where the member listens, or listened last.
func (m *member) address() addr.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

var loopback = addr.Addr{IP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// config says what the member's node is made of.
func (m *member) config(ctx context.Context) (node.Config, error) {
	d, err := m.net.lang.Dialect(speech.Seat{Node: m.index, Network: m.net.id, Seed: m.net.opt.seed})
	if err != nil {
		return node.Config{}, err
	}
	listen := m.address()
	if listen.IsZero() {
		listen = loopback
	}
	cfg := node.Config{
		Dialect:     d,
		Self:        dialect.Self{Network: m.net.id, Nonce: m.nonce(), ID: fmt.Sprintf("node%d", m.index), Agent: "parley"},
		Handler:     m.app,
		Transport:   line{m: m},
		Core:        m.limits(),
		Listen:      []addr.Addr{listen},
		StopTimeout: stopTimeout,
		AcceptRate:  -1,
	}
	if m.net.seeds == nil {
		return cfg, nil
	}
	cfg.Seeds, err = seedsrv.Fetch(ctx, m.net.seeds.URL())
	return cfg, err
}

// nonce draws a nonce for a new life.
func (m *member) nonce() uint64 {
	for {
		if n := m.rand.Uint64(); n != 0 {
			return n
		}
	}
}

// backoff is the first pause before a node is dialed again. Pauses double up to
// 64 times, so that a node that was down for a while is back in the network
// within 3 seconds of its return; on loopback, trying often costs little.
const backoff = 25 * time.Millisecond

// limits returns the habits of the member: to hold exactly the links of the
// topology, of which it makes those to lower nodes, or to look for others.
func (m *member) limits() core.Config {
	o := m.net.opt
	cfg := core.Config{PerHost: -1, PerGroup: -1, Backoff: backoff}
	if m.net.seeds != nil {
		cfg.Target = target(o.nodes)
		cfg.DropTo = max(cfg.Target-1, 2)
		cfg.Inbound = 3 * cfg.Target
		cfg.RoundTime = min(max(5*o.blockTime, time.Second), 10*time.Second)
		return cfg
	}
	cfg.Outbound = -1
	cfg.Inbound = 8 // links of a former life may linger
	for _, e := range m.net.edges {
		switch m.index {
		case e[0]:
			cfg.Inbound++
		case e[1]:
			cfg.Always = append(cfg.Always, m.net.members[e[0]].address())
		}
	}
	return cfg
}

// target returns how many links a node among n looks for: enough that rounds
// do not split the network, few enough that there is something to find.
func target(n int) int {
	t := 2
	for size := 2; size < n; size *= 2 {
		t++
	}
	return min(t, max(n-1, 1))
}
