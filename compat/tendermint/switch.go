package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"parley/addr"
	"parley/core"
	"parley/fault"
	"parley/node"
)

const dialTimeout = 30 * time.Second // of DialPeerWithAddress

var errStopped = fault.New(fault.None, "stop", errors.New("stopped by the application"))

// Switch holds the connections to peers and their channels. Its methods may be
// called from any goroutine.
type Switch struct {
	cfg    Config
	parsed *parsed
	log    *slog.Logger
	ctx    context.Context // done when the Switch stops
	cancel context.CancelFunc
	peers  *PeerSet
	gone   func(*Peer, error) // for a connection that stands alone; nil otherwise
	wg     sync.WaitGroup     // of what tells and works for the application
	nodes  sync.WaitGroup

	// Written before Start, immutable afterwards.
	descs  []*ChannelDescriptor
	queues map[byte]*queue
	owners map[byte]*host
	hosts  []*host
	node   *node.Node

	mu        sync.Mutex
	started   bool
	stopped   bool
	byLink    map[core.LinkID]*Peer
	listeners map[string]*listener
	dialing   map[string]bool
	adding    map[string]bool // keys of connections that are being added
}

// NewSwitch returns a Switch with channels, as in September 2014: it neither listens
// nor dials by itself, and peers of any number and kind are added to it. It fills
// in the descriptors. It panics if a channel is there twice.
func NewSwitch(chDescs []*ChannelDescriptor) *Switch {
	sw, err := NewSwitchConfig(Config{
		Channels: chDescs, NoPex: true, MaxNumOutboundPeers: -1, AllowDuplicateIP: true,
	})
	if err != nil {
		panic(fmt.Sprintf("p2p: NewSwitch: %v", err))
	}
	return sw
}

// NewSwitchConfig returns a Switch that listens, dials and keeps to limits as its
// configuration says. Errors name the field that is wrong; some are found by Start.
// It panics if a channel is there twice.
func NewSwitchConfig(cfg Config) (*Switch, error) {
	p, err := cfg.parse()
	if err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	sw := &Switch{
		cfg: cfg, parsed: p, log: cfg.Log, peers: NewPeerSet(),
		queues: map[byte]*queue{}, owners: map[byte]*host{}, byLink: map[core.LinkID]*Peer{},
		listeners: map[string]*listener{}, dialing: map[string]bool{}, adding: map[string]bool{},
	}
	if sw.log == nil {
		sw.log = slog.New(slog.DiscardHandler)
	}
	sw.ctx, sw.cancel = context.WithCancel(context.Background())
	for _, d := range cfg.Channels {
		sw.declare(d)
	}
	return sw, nil
}

// declare adds a channel. Called with the lock, or before others know the Switch.
func (sw *Switch) declare(d *ChannelDescriptor) *queue {
	if sw.started || sw.queues[d.Id] != nil {
		panic(fmt.Sprintf("p2p: channel %#02x is there twice, or added after Start", d.Id))
	}
	d.fillDefaults()
	q := newQueue(d)
	sw.descs, sw.queues[d.Id] = append(sw.descs, d), q
	return q
}

// AddEventListener has a channel told of peers that come and go. One that does not
// read holds up nobody: it is told later, in order, but not of peers that
// came and went meanwhile; see MissedEvents. A name that is taken is taken over.
func (sw *Switch) AddEventListener(name string, ch chan<- interface{}) {
	sw.RemoveEventListener(name)
	l := &listener{mailbox: newMailbox(), ch: ch}
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if sw.stopped {
		return
	}
	sw.listeners[name] = l
	if sw.started {
		sw.wg.Go(l.run)
	}
}

// RemoveEventListener lets a listener be told no more. Its channel may be closed
// afterwards; one that is closed without is not sent to again either.
func (sw *Switch) RemoveEventListener(name string) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if l := sw.listeners[name]; l != nil {
		l.end()
		delete(sw.listeners, name)
	}
}

// MissedEvents returns how many peers a listener was not told of, because they were
// gone again before it read.
func (sw *Switch) MissedEvents(name string) uint64 {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if l := sw.listeners[name]; l != nil {
		return l.missed.Load()
	}
	return 0
}

// Receive waits for a message on a channel. It reports false after Stop. Peers take
// turns. It panics if the channel is not one of those given to NewSwitch.
func (sw *Switch) Receive(chId byte) (InboundBytes, bool) {
	q := sw.queues[chId]
	if q == nil || sw.owners[chId] != nil {
		panic(fmt.Sprintf("p2p: Receive: no channel %#02x", chId))
	}
	in, b, ok := q.take(false)
	if !ok {
		return InboundBytes{}, false
	}
	return InboundBytes{in.mconn, b}, true
}

// DroppedMessages returns how many messages came on a channel and were dropped
// because their peer had as many waiting as it may.
func (sw *Switch) DroppedMessages(chId byte) uint64 {
	if q := sw.queues[chId]; q != nil {
		return q.dropped.Load()
	}
	return 0
}

// Broadcast queues a message for every peer, and returns for how many there was
// room, and for how many not. It never waits. The message is encoded once.
func (sw *Switch) Broadcast(chId byte, msg Binary) (numSuccess, numFailure int) {
	b, ok := encode(msg)
	for _, p := range sw.peers.List() {
		if ok && p.mconn.send(chId, b, 0) {
			numSuccess++
		} else {
			numFailure++
		}
	}
	return numSuccess, numFailure
}

// DialPeerWithAddress connects to a peer, for at most 30 seconds.
func (sw *Switch) DialPeerWithAddress(na *NetAddress) (*Peer, error) {
	if !sw.running() {
		return nil, ErrSwitchNotRunning
	}
	key := na.DialString()
	if !sw.note(sw.dialing, key) {
		return nil, ErrSwitchDuplicatePeer
	}
	defer sw.unnote(sw.dialing, key)
	ctx, cancel := context.WithTimeout(sw.ctx, dialTimeout)
	defer cancel()
	conn, err := carrier{sw}.Dial(ctx, na.engine())
	if err != nil {
		return nil, err
	}
	return sw.AddPeerWithConnection(conn, true)
}

func (sw *Switch) note(set map[string]bool, key string) bool {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if set[key] {
		return false
	}
	set[key] = true
	return true
}

func (sw *Switch) unnote(set map[string]bool, key string) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	delete(set, key)
}

// IsDialing reports whether DialPeerWithAddress is at work on an address.
func (sw *Switch) IsDialing(na *NetAddress) bool {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	return sw.dialing[na.DialString()]
}

// AddPeerWithConnection makes a peer of a connection, outside the limits of the
// configuration. The connection is the Switch's from the call on, also if an error
// is returned. There may be one peer per key: ErrSwitchDuplicatePeer.
func (sw *Switch) AddPeerWithConnection(conn net.Conn, outbound bool) (*Peer, error) {
	if !sw.running() {
		conn.Close()
		return nil, ErrSwitchNotRunning
	}
	key := addressOf(conn.RemoteAddr()).DialString()
	if !sw.note(sw.adding, key) {
		conn.Close()
		return nil, ErrSwitchDuplicatePeer
	}
	defer sw.unnote(sw.adding, key)
	if sw.peers.Has(key) {
		conn.Close()
		return nil, ErrSwitchDuplicatePeer
	}
	l, err := sw.node.Attach(sw.ctx, conn, outbound)
	if err != nil {
		return nil, err
	}
	if p := sw.peer(l); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("peer %s has gone already", key)
}

// peer returns the peer of a link, or nil.
func (sw *Switch) peer(l *node.Link) *Peer {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	return sw.byLink[l.ID()]
}

// address returns where this node can be dialed.
func (sw *Switch) address() *NetAddress {
	s := sw.node.Self()
	return netAddress(s.Listen, s.ID)
}

// came makes a peer of a link. Called by the brain, one at a time.
func (sw *Switch) came(l *node.Link) {
	if !l.Dialed() && !l.Always() && sw.crowded(l.Intro().ID, l.Addr()) {
		l.Close(fault.New(fault.Refused, "admit", errDuplicateIP))
		return
	}
	p := sw.newPeer(l)
	sw.mu.Lock()
	sw.byLink[l.ID()] = p
	sw.mu.Unlock()
	sw.peers.replace(p)
	for _, m := range sw.mailboxes() {
		m.came(p)
	}
	if book := sw.cfg.AddrBook; book != nil && l.Dialed() {
		at := netAddress(l.Addr(), l.Intro().ID)
		book.AddAddress(at, at)
		book.MarkGood(at)
	}
}

// left ends a peer. Called by the brain.
func (sw *Switch) left(l *node.Link, why error) {
	p := sw.peer(l)
	if p == nil {
		return
	}
	sw.mu.Lock()
	delete(sw.byLink, l.ID())
	sw.mu.Unlock()
	p.mconn.stopped.Store(true) // before anybody is told
	sw.peers.Remove(p)
	for _, m := range sw.mailboxes() {
		m.left(p, why)
	}
	if sw.gone != nil {
		sw.gone(p, why)
	}
}

// NumPeers returns how many peers there are whom we dialed, and who dialed us, and
// how many DialPeerWithAddress is dialing.
func (sw *Switch) NumPeers() (outbound, inbound, dialing int) {
	for _, p := range sw.peers.List() {
		if p.IsOutbound() {
			outbound++
		} else {
			inbound++
		}
	}
	sw.mu.Lock()
	defer sw.mu.Unlock()
	return outbound, inbound, len(sw.dialing)
}

// Peers returns the connected peers.
func (sw *Switch) Peers() IPeerSet { return sw.peers }

// StopPeerForError ends the connection to a peer that did wrong. What it costs the
// peer is up to the kind of the error, if it is a fault: fault.Protocol twice, or
// fault.Abuse once, gets it banned, unless it is persistent. Other reasons cost
// nothing but the pause before it is dialed again.
func (sw *Switch) StopPeerForError(peer *Peer, reason interface{}) {
	peer.mconn.stop(faultOf(reason))
}

// StopPeerGracefully ends the connection to a peer that did nothing wrong.
func (sw *Switch) StopPeerGracefully(peer *Peer) { peer.mconn.stop(errStopped) }

// Ban ends the connections to a peer's machine and refuses it for a time, whoever
// dials; on loopback, where many nodes are on one, only the peer's port. An identity
// that the peer has proven is refused wherever it comes from. Ban must not be called
// from Config.Filter.
func (sw *Switch) Ban(peer *Peer, d time.Duration, why string) error {
	at := peer.link.Addr()
	if listen := peer.link.Intro().Listen; !peer.IsOutbound() && listen.Dialable() {
		at = listen
	}
	return sw.ban(at, peer.ID(), d, why)
}

func (sw *Switch) ban(a addr.Addr, id string, d time.Duration, why string) error {
	if !sw.running() {
		return ErrSwitchNotRunning
	}
	if !a.IP.IsLoopback() {
		a = a.HostOnly()
	}
	_, err := sw.node.Ban(a, id, d, why)
	return err
}

// Listening returns where the Switch accepts connections.
func (sw *Switch) Listening() []*NetAddress {
	var all []*NetAddress
	for _, a := range sw.node.Listening() {
		all = append(all, netAddress(a, sw.node.Self().ID))
	}
	return all
}
