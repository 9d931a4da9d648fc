package p2p

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/addr"
	"parley/compat/factom/internal/reserve"
	"parley/fault"
	"parley/node"
)

// Network is one node of a network: it finds peers, keeps connections to them
// and carries parcels. Its methods may be called from any goroutine.
type Network struct {
	// ToNetwork takes parcels without blocking, as [Network.Send] does, which
	// is to be preferred: it counts what is lost.
	ToNetwork ParcelChannel
	// FromNetwork gives parcels that arrived, as [Network.Reader] does.
	FromNetwork ParcelChannel

	// Immutable.
	conf   Configuration
	node   *node.Node
	log    *slog.Logger
	wire   *carrier
	cache  *cache
	limit  int // bytes that may wait for one peer
	seed   maphash.Seed
	ctx    context.Context // done when the network stops
	cancel context.CancelFunc

	peers   *PeerStore
	byLink  sync.Map // node.Link's ID → *Peer
	roster  atomic.Pointer[roster]
	special atomic.Pointer[special]
	scratch sync.Pool // of *scratch

	hook     hook
	hooks    sync.WaitGroup
	counted  meter          // owned by gauge
	reserve  reserve.Memory // owned by gauge
	lastRate atomic.Pointer[rates]
	rounds   atomic.Int64
	tally    tally
	shown    *exhibit

	mu      sync.Mutex
	ran     bool
	stopped bool
	wg      sync.WaitGroup
	failed  error         // what the node's Run returned, once over is closed
	over    chan struct{} // closed when the node's Run has returned
	rebuild sync.Mutex    // held while a roster is made
}

// Errors of Run and Stop.
var (
	ErrRan     = errors.New("network already ran")
	ErrStopped = errors.New("network already stopped")
)

var (
	errDisconnected = fault.New(fault.None, "disconnect", errors.New("disconnected by the application"))
	errNotReadable  = errors.New("peer file can not be read")
)

// NewNetwork returns a network that does nothing until Run. It is an error if
// the configuration does not pass [Configuration.Check], the peer file can not
// be read, or an instrument can not be registered.
func NewNetwork(conf Configuration) (*Network, error) {
	conf.Sanitize()
	if err := conf.Check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if conf.NodeID == 0 {
		conf.NodeID = StringToUint32(conf.NodeName)
	}
	if err := readable(conf.PeerCacheFile); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReadable, err)
	}
	n := &Network{
		ToNetwork:   make(ParcelChannel, conf.ChannelCapacity),
		FromNetwork: make(ParcelChannel, conf.ChannelCapacity),
		conf:        conf,
		log:         conf.Log,
		limit:       min(max(int(conf.ChannelCapacity)*8<<10, 1<<20), 256<<20),
		seed:        maphash.MakeSeed(),
		peers:       NewPeerStore(),
		over:        make(chan struct{}),
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.wire = newCarrier(n)
	n.cache = &cache{n: n, path: conf.PeerCacheFile}
	n.scratch.New = func() any { return &scratch{wait: patience{Context: n.ctx}} }
	n.roster.Store(new(roster))
	s, err := parseSpecial(conf.Special, conf.ListenPort)
	if err != nil {
		return nil, err
	}
	n.special.Store(&s)
	if n.shown, err = newExhibit(&conf); err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	n.node, err = node.New(n.engine())
	return n, err
}

// readable returns an error if there is a file that can not be read.
func readable(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Run starts the network and returns once it listens, or with an error if it
// can not. A network runs once.
func (n *Network) Run() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.stopped:
		return ErrStopped
	case n.ran:
		return ErrRan
	}
	n.ran = true
	n.wg.Go(func() {
		defer close(n.over)
		n.failed = n.node.Run(n.ctx)
	})
	select {
	case <-n.node.Ready():
	case <-n.over:
		return n.failed
	}
	n.wg.Go(func() { n.route(n.ctx) })
	n.wg.Go(func() { n.gauge(n.ctx) })
	n.wg.Go(func() { n.reseed(n.ctx) })
	return nil
}

// Stop ends the network: what is queued for peers is written, for at most two
// seconds, the peer file is saved, every goroutine has ended and the channel of
// Reader is closed when it returns. What was received before can still be read
// from it. It must not be called from the metrics hook. A second call returns
// ErrStopped.
func (n *Network) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return ErrStopped
	}
	n.stopped = true
	n.cache.remember(n.endpoints())
	n.cancel()
	n.wg.Wait()
	n.hooks.Wait()
	n.shown.withdraw()
	close(n.FromNetwork)
	return n.failed
}

// SetMetricsHook has f called about once a second with the metrics of the
// connected peers by hash. Calls do not overlap. Nil ends it.
func (n *Network) SetMetricsHook(f func(pm map[string]PeerMetrics)) {
	n.hook.mu.Lock()
	defer n.hook.mu.Unlock()
	n.hook.f = f
}

// SetSpecial replaces the special peers. The form is that of
// Configuration.Special; a list that can not be read changes nothing.
func (n *Network) SetSpecial(raw string) {
	s, err := parseSpecial(raw, n.conf.ListenPort)
	if err != nil {
		n.log.Warn("special peers not set", "err", err)
		return
	}
	n.special.Store(&s)
	if err := n.node.Tune(n.tuning()); err != nil {
		n.log.Debug("special peers set before the network runs", "err", err)
	}
	n.enlist()
}

// Ban disconnects the peer of a hash and every other peer of its IP address,
// and keeps them away for Configuration.ManualBan. It does nothing if the peer
// is not connected.
func (n *Network) Ban(hash string) {
	p := n.peers.Get(hash)
	if p == nil {
		return
	}
	span := max(n.conf.ManualBan, 1) // a ban that is over at once still disconnects
	for _, a := range n.wire.machines(p.link.Addr()) {
		if _, err := n.node.Ban(a, "", span, "banned by the application"); err != nil {
			n.log.Warn("not banned", "peer", hash, "err", err)
		}
	}
}

// Disconnect ends the connection to a peer. It may connect again.
func (n *Network) Disconnect(hash string) {
	if p := n.peers.Get(hash); p != nil {
		p.Stop()
	}
}

// GetInfo returns what the network does at present.
func (n *Network) GetInfo() Info {
	i := Info{Peers: n.Total(), Dropped: n.tally.dropped()}
	if r := n.lastRate.Load(); r != nil {
		i.Receiving, i.Sending, i.Download, i.Upload = r.msgsIn, r.msgsOut, r.bytesIn, r.bytesOut
	}
	for _, p := range n.peers.Slice() {
		i.Dropped += p.link.Stats().Dropped.Load()
	}
	return i
}

// GetPeerMetrics returns the metrics of the connected peers by hash.
func (n *Network) GetPeerMetrics() map[string]PeerMetrics {
	all := map[string]PeerMetrics{}
	for _, p := range n.peers.Slice() {
		all[p.Hash] = p.GetMetrics()
	}
	return all
}

// Reader returns the channel of parcels that arrived. Stop closes it. While
// nobody reads and it is full, the peers wait; nothing is lost.
func (n *Network) Reader() <-chan *Parcel { return n.FromNetwork.Reader() }

// Rounds returns how many rounds were held so far.
func (n *Network) Rounds() int { return int(n.rounds.Load()) }

// Total returns how many peers are connected.
func (n *Network) Total() int { return n.peers.Total() }

// special are the peers to hold on to.
type special struct {
	always []addr.Addr
	hosts  map[string]bool // every peer at these is special
}

// add adds host:port or host.
func (s *special) add(item, port string) error {
	ep, err := ParseEndpoint(item)
	if err != nil {
		if port == "" || port == "0" {
			port = defaultPort
		}
		host := strings.Trim(item, "[]")
		var herr error
		if ep, herr = NewEndpoint(host, port); herr != nil {
			return err
		}
		s.hosts[ep.IP] = true
	}
	a, err := ep.addr()
	if err == nil {
		s.always = append(s.always, a)
	}
	return err
}

// has reports whether a peer is special: by its address, or that to which the
// name of a special one led.
func (s *special) has(p *Peer, resolved func(addr.Addr) addr.Addr) bool {
	if s.hosts[p.Endpoint.IP] {
		return true
	}
	a, err := p.Endpoint.addr()
	if err != nil {
		return false
	}
	for _, b := range s.always {
		if a == b || p.link.Addr() == b || b.Host != "" && a == resolved(b) {
			return true
		}
	}
	return false
}

// bindIP reads Configuration.BindIP.
func bindIP(s string) netip.Addr {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}

// second is the least that some settings may be.
func second(d time.Duration) time.Duration { return max(d, time.Second) }
