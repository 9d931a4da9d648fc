package p2p

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/compat/factom/internal/recent"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/node"
	"parley/route"
)

// Peer is a connection to another node, for one lifetime of it. Networks make
// them; one made otherwise can be kept in a [PeerStore] but has no connection.
// Methods may be called from any goroutine.
type Peer struct {
	IsIncoming bool     // the other side dialed
	Endpoint   Endpoint // where it can be dialed: as dialed, or the remote IP and the port that it announced
	Hash       string   // IP, port and node id: what the parcels of the peer have as Address

	// Immutable.
	link    *node.Link // nil without a connection
	limit   int        // bytes that may wait to be written
	since   time.Time
	version uint32
	pinned  bool    // special when it connected
	sent    *sentBy // shared with the connection that this one took the place of

	dropped  atomic.Uint64 // parcels that did not reach the link, or did not reach the application
	moved    atomic.Uint64 // parcels that the link refused, and that its successor took
	stalled  atomic.Bool   // a broadcast waited in vain: others do not until there is room
	special  atomic.Bool
	blame    atomic.Int32
	counted  meter
	lastRate atomic.Pointer[rates]
}

// newPeer describes a link that came up, after another one of the same peer
// unless old is nil.
func newPeer(l *node.Link, c *Configuration, limit int, old *Peer) *Peer {
	in := l.Intro()
	p := &Peer{
		IsIncoming: !l.Dialed(), Endpoint: endpointOf(l.Addr()), Hash: in.ID,
		link: l, limit: limit, since: time.Now(), version: in.Version, pinned: l.Always(),
	}
	if h, ok := in.Info.(*factom.Handshake); ok && p.IsIncoming {
		p.Endpoint.Port = h.ListenPort
	}
	if old != nil {
		p.sent = old.sent
	} else if p.sent = new(sentBy); c.PeerResendFilter {
		p.sent.seen = recent.NewBuckets[uint64](c.PeerResendBuckets, c.PeerResendInterval)
	}
	return p
}

// Send queues an application parcel for the peer without blocking, whatever its
// Address. If the queue is full the oldest in it are dropped.
func (p *Peer) Send(parcel *Parcel) {
	if parcel.Valid() != nil || p.link == nil || !p.link.Queue(message(parcel), nil) {
		p.dropped.Add(1)
	}
}

// message returns the engine's form of a parcel.
func message(p *Parcel) dialect.Message {
	return dialect.Message{Type: uint32(p.kind()), For: dialect.ToApp, Body: p.Payload}
}

// SendFillRatio returns how full the queue to the peer is, from 0 to 1; more
// than 1 if a single parcel larger than the queue is in it.
func (p *Peer) SendFillRatio() float64 {
	if p.link == nil {
		return 0
	}
	return float64(p.link.Queued()) / float64(p.limit)
}

// LastSendAge returns how long ago something was last written to the peer.
func (p *Peer) LastSendAge() time.Duration {
	if p.link == nil {
		return 0
	}
	return max(0, time.Since(unixNano(p.link.Stats().OutLast.Load())))
}

// Stop disconnects the peer once what is queued for it has been written.
func (p *Peer) Stop() {
	if p.link != nil {
		p.link.Close(errDisconnected)
	}
}

// String returns the peer's hash.
func (p *Peer) String() string { return p.Hash }

// GetMetrics returns what was counted on this connection so far. Rates are
// those of the last whole second.
func (p *Peer) GetMetrics() PeerMetrics {
	m := PeerMetrics{
		Hash: p.Hash, PeerAddress: p.Endpoint.IP, Incoming: p.IsIncoming,
		MomentConnected: p.since, PeerType: "regular", PeerQuality: -p.blame.Load(),
		SendFillRatio: p.SendFillRatio(), Dropped: p.dropped.Load(),
	}
	if p.special.Load() {
		m.PeerType = "special_config"
	}
	if r := p.lastRate.Load(); r != nil {
		m.MPSDown, m.MPSUp, m.BPSDown, m.BPSUp = r.msgsIn, r.msgsOut, r.bytesIn, r.bytesOut
	}
	if p.link == nil {
		return m
	}
	s := p.link.Stats()
	m.ConnectionState = "v" + strconv.Itoa(int(p.version))
	m.LastReceive, m.LastSend = unixNano(s.InLast.Load()), unixNano(s.OutLast.Load())
	m.MessagesReceived, m.BytesReceived = s.InMsgs.Load(), s.InBytes.Load()
	m.MessagesSent, m.BytesSent = s.OutMsgs.Load(), s.OutBytes.Load()
	m.Dropped += s.Dropped.Load()
	return m
}

// unixNano is time.Unix(0, ns), but zero for zero.
func unixNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// PeerStore holds peers by hash. Its methods may be called from any goroutine.
type PeerStore struct {
	mu       sync.RWMutex
	byHash   map[string]*Peer
	byIP     map[string]int
	incoming int
}

// NewPeerStore returns an empty store.
func NewPeerStore() *PeerStore {
	return &PeerStore{byHash: map[string]*Peer{}, byIP: map[string]int{}}
}

var errNoPeer = errors.New("no peer")

// Add takes a peer into the store. It is an error if there is one of that hash.
func (ps *PeerStore) Add(p *Peer) error {
	if p == nil {
		return errNoPeer
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.byHash[p.Hash] != nil {
		return fmt.Errorf("peer %s is there already", p.Hash)
	}
	ps.byHash[p.Hash] = p
	ps.count(p, 1)
	return nil
}

// replace takes a peer into the store, in the place of another of its hash.
func (ps *PeerStore) replace(p *Peer) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if old := ps.byHash[p.Hash]; old != nil {
		ps.count(old, -1)
	}
	ps.byHash[p.Hash] = p
	ps.count(p, 1)
}

// Remove takes a peer out of the store, if it is this very one that is there
// and not another of the same hash.
func (ps *PeerStore) Remove(p *Peer) {
	if p == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.byHash[p.Hash] == p {
		delete(ps.byHash, p.Hash)
		ps.count(p, -1)
	}
}

func (ps *PeerStore) count(p *Peer, by int) {
	if ps.byIP[p.Endpoint.IP] += by; ps.byIP[p.Endpoint.IP] == 0 {
		delete(ps.byIP, p.Endpoint.IP)
	}
	if p.IsIncoming {
		ps.incoming += by
	}
}

// Get returns the peer of a hash, or nil.
func (ps *PeerStore) Get(hash string) *Peer {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.byHash[hash]
}

// Connected reports whether there is a peer of exactly this endpoint.
func (ps *PeerStore) Connected(ep Endpoint) bool {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	for _, p := range ps.byHash {
		if p.Endpoint == ep {
			return true
		}
	}
	return false
}

// Connections returns how many peers have this IP address.
func (ps *PeerStore) Connections(addr string) int { return ps.Count(addr) }

// Count returns how many peers have this IP address.
func (ps *PeerStore) Count(addr string) int {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.byIP[addr]
}

// Incoming returns how many peers dialed this node.
func (ps *PeerStore) Incoming() int {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.incoming
}

// Outgoing returns how many peers this node dialed.
func (ps *PeerStore) Outgoing() int {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return len(ps.byHash) - ps.incoming
}

// Total returns how many peers there are.
func (ps *PeerStore) Total() int {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return len(ps.byHash)
}

// Slice returns the peers in random order. The caller owns the slice.
func (ps *PeerStore) Slice() []*Peer {
	ps.mu.RLock()
	all := make([]*Peer, 0, len(ps.byHash))
	for _, p := range ps.byHash {
		all = append(all, p)
	}
	ps.mu.RUnlock()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// roster is the connected peers at one moment. Immutable.
type roster struct {
	peers   []*Peer
	targets []route.Target // of the same indexes
}

// enlist makes a new roster.
func (n *Network) enlist() {
	n.rebuild.Lock()
	defer n.rebuild.Unlock()
	s := n.special.Load()
	r := new(roster)
	for l := range n.node.Links() {
		v, ok := n.byLink.Load(l.ID())
		if !ok {
			continue
		}
		p := v.(*Peer)
		p.special.Store(s.has(p, n.wire.resolved))
		r.peers = append(r.peers, p)
		r.targets = append(r.targets, route.Target{Link: l.ID(), Addr: l.Addr(), Always: p.special.Load(), Dialed: l.Dialed()})
	}
	n.roster.Store(r)
}

// peerChanged keeps the tables of peers. Of two connections to one peer that
// were made at once, one takes the place of the other: it comes up before the
// other goes down, or the other is not live even when it comes up. Called by the
// brain.
func (n *Network) peerChanged(l *node.Link, up bool) {
	if up {
		p := newPeer(l, &n.conf, n.limit, n.peers.Get(l.Intro().ID))
		n.byLink.Store(l.ID(), p)
		n.enlist() // before the peer is seen: whoever sees it may broadcast to it
		if n.live(l) {
			n.peers.replace(p)
		}
		if l.Dialed() {
			n.wire.settle(l.Addr())
		}
	} else if v, ok := n.byLink.LoadAndDelete(l.ID()); ok {
		p := v.(*Peer)
		n.peers.Remove(p)
		n.tally.gone.Add(l.Stats().Dropped.Load() - p.moved.Load())
	}
	n.enlist()
}

// live reports whether a link takes messages.
func (n *Network) live(l *node.Link) bool {
	for x := range n.node.Links() {
		if x == l {
			return true
		}
	}
	return false
}

// successor returns the connection that took the place of one that refused a
// parcel, or nil.
func (n *Network) successor(p *Peer) *Peer {
	if q := n.peers.Get(p.Hash); q != p {
		return q
	}
	return nil
}
