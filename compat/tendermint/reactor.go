package p2p

import (
	"fmt"
	"runtime/debug"
	"sync"

	"parley/fault"
)

// Envelope is a message with whom it comes from, or is for, and on which channel.
// Message are its bytes, which Parley does not interpret: CometBFT's reactors
// unmarshal them where they did before.
type Envelope struct {
	Src       *Peer
	ChannelID byte
	Message   []byte
}

// Reactor deals with the messages of some channels, in callbacks. None of them is
// called on a goroutine that reads or writes a connection: however long one takes, pings are
// answered and other reactors go on.
type Reactor interface {
	// SetSwitch is called by AddReactor.
	SetSwitch(*Switch)
	// GetChannels is called by AddReactor: the channels of the reactor.
	GetChannels() []*ChannelDescriptor
	// Start and Stop are called by those of the Switch.
	Start() error
	Stop() error
	// InitPeer, AddPeer and RemovePeer are called one at a time, and InitPeer
	// before the first message of the peer. A peer that comes and goes while an
	// earlier call is under way is not told.
	InitPeer(peer *Peer) *Peer
	AddPeer(peer *Peer)
	RemovePeer(peer *Peer, reason interface{})
	// Receive is called with the messages of one peer on one channel in order, and
	// for different channels at once; see ChannelDescriptor.Workers. One that
	// sleeps delays its channel alone. If it panics the peer is stopped.
	Receive(e Envelope)
}

// BaseReactor implements a Reactor that does nothing, for others to embed.
type BaseReactor struct {
	Switch *Switch

	name string
	impl Reactor
	mu   sync.Mutex
	on   bool
	quit chan struct{}
}

// starter and stopper are what a reactor may have to do when it starts and stops.
type starter interface{ OnStart() error }

type stopper interface{ OnStop() }

// NewBaseReactor returns a base whose Start and Stop call OnStart and OnStop of
// impl, if it has them.
func NewBaseReactor(name string, impl Reactor) *BaseReactor {
	return &BaseReactor{name: name, impl: impl, quit: make(chan struct{})}
}

// SetSwitch implements [Reactor].
func (br *BaseReactor) SetSwitch(sw *Switch) { br.Switch = sw }

// GetChannels implements [Reactor].
func (*BaseReactor) GetChannels() []*ChannelDescriptor { return nil }

// Start implements [Reactor]. A second call does nothing.
func (br *BaseReactor) Start() error {
	br.mu.Lock()
	defer br.mu.Unlock()
	if br.on {
		return nil
	}
	br.on = true
	if s, ok := br.impl.(starter); ok {
		return s.OnStart()
	}
	return nil
}

// Stop implements [Reactor]. A second call does nothing.
func (br *BaseReactor) Stop() error {
	br.mu.Lock()
	defer br.mu.Unlock()
	if !br.on {
		return nil
	}
	br.on = false
	close(br.quit)
	br.quit = make(chan struct{})
	if s, ok := br.impl.(stopper); ok {
		s.OnStop()
	}
	return nil
}

// IsRunning reports whether it was started and not stopped.
func (br *BaseReactor) IsRunning() bool {
	br.mu.Lock()
	defer br.mu.Unlock()
	return br.on
}

// Quit returns a channel that the next Stop closes.
func (br *BaseReactor) Quit() <-chan struct{} {
	br.mu.Lock()
	defer br.mu.Unlock()
	return br.quit
}

// String returns the name.
func (br *BaseReactor) String() string { return br.name }

// InitPeer implements [Reactor].
func (*BaseReactor) InitPeer(peer *Peer) *Peer { return peer }

// AddPeer implements [Reactor].
func (*BaseReactor) AddPeer(*Peer) {}

// RemovePeer implements [Reactor].
func (*BaseReactor) RemovePeer(*Peer, interface{}) {}

// Receive implements [Reactor].
func (*BaseReactor) Receive(Envelope) {}

// host runs one reactor.
type host struct {
	*mailbox
	sw     *Switch
	name   string
	r      Reactor
	queues []*queue
}

// AddReactor adds a reactor and its channels, before Start. It returns r. It panics
// if the name or a channel is taken, or after Start.
func (sw *Switch) AddReactor(name string, r Reactor) Reactor {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	h := &host{mailbox: newMailbox(), sw: sw, name: name, r: r}
	for _, other := range sw.hosts {
		if other.name == name {
			panic(fmt.Sprintf("p2p: AddReactor: there is a reactor %q already", name))
		}
	}
	for _, d := range r.GetChannels() {
		h.queues = append(h.queues, sw.declare(d))
		sw.owners[d.Id] = h
	}
	sw.hosts = append(sw.hosts, h)
	r.SetSwitch(sw)
	return r
}

// Reactor returns a reactor by name.
func (sw *Switch) Reactor(name string) (Reactor, bool) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	for _, h := range sw.hosts {
		if h.name == name {
			return h.r, true
		}
	}
	return nil, false
}

// start starts the goroutines of a reactor.
func (h *host) start() {
	h.sw.wg.Go(h.run)
	for _, q := range h.queues {
		for range q.desc.Workers {
			h.sw.wg.Go(func() { h.work(q) })
		}
	}
}

// run tells the reactor of peers.
func (h *host) run() {
	for e, ok := h.next(); ok; e, ok = h.next() {
		h.guard(e.peer, func() { h.tell(e) })
	}
	h.end()
}

func (h *host) tell(e event) {
	if e.gone {
		h.r.RemovePeer(e.peer, e.why)
		return
	}
	h.r.InitPeer(e.peer)
	for _, q := range h.queues {
		q.release(e.peer.mconn.channels[q.desc.Id].in)
	}
	h.r.AddPeer(e.peer)
}

// work gives the reactor the messages of a channel.
func (h *host) work(q *queue) {
	for in, b, ok := q.take(true); ok; in, b, ok = q.take(true) {
		p := in.mconn.Peer
		h.guard(p, func() { h.r.Receive(Envelope{Src: p, ChannelID: q.desc.Id, Message: b}) })
		q.done(in)
	}
}

// guard stops a peer whose message makes the reactor panic.
func (h *host) guard(p *Peer, f func()) {
	defer func() {
		if x := recover(); x != nil {
			h.sw.log.Error("reactor panics", "reactor", h.name, "peer", p.Key, "panic", x, "stack", string(debug.Stack()))
			p.mconn.stop(fault.New(fault.Protocol, "receive", fmt.Errorf("reactor %s: %v", h.name, x)))
		}
	}()
	f()
}

// BroadcastEnvelope is Broadcast of bytes, which must not change afterwards.
func (sw *Switch) BroadcastEnvelope(e Envelope) (numSuccess, numFailure int) {
	return sw.Broadcast(e.ChannelID, Raw(e.Message))
}
