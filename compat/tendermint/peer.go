package p2p

import (
	"io"
	"net"
	"sync"

	"parley/addr"
	"parley/dialect/tendermint"
	"parley/node"
)

// Peer is another node that is connected, for one lifetime of the connection. Its
// methods may be called from any goroutine.
type Peer struct {
	// Key names the peer among those of its Switch: its identity in CometBFT, and
	// the address at the other end in 2014; both where an identity may come twice.
	Key string

	// Immutable.
	link  *node.Link
	mconn *MConnection
	info  *tendermint.NodeInfo // nil in 2014
	has   *[256]bool           // its channels; nil in 2014, when nobody said

	data sync.Map
}

// newPeer describes a link that came up.
func (sw *Switch) newPeer(l *node.Link) *Peer {
	p := &Peer{Key: sw.keyOf(l), link: l}
	if x, ok := l.Intro().Info.(*tendermint.Peer); ok && x.NodeInfo != nil {
		p.info, p.has = x.NodeInfo, new([256]bool)
		for _, id := range x.NodeInfo.Channels {
			p.has[id] = true
		}
	}
	m := &MConnection{Peer: p, link: l, ctx: sw.ctx, channels: map[byte]*Channel{}}
	m.LocalAddress, m.RemoteAddress = sw.address(), netAddress(l.Addr(), l.Intro().ID)
	for id, q := range sw.queues {
		m.channels[id] = newChannel(q, m, sw.owners[id] != nil)
	}
	p.mconn = m
	return p
}

// keyOf returns the key of the peer of a link.
func (sw *Switch) keyOf(l *node.Link) string {
	id := l.Intro().ID
	switch {
	case id == "":
		return l.Addr().String()
	case sw.cfg.AllowDuplicateID:
		return id + "@" + l.Addr().String()
	}
	return id
}

// IsOutbound reports whether we dialed.
func (p *Peer) IsOutbound() bool { return p.link.Dialed() }

// IsPersistent reports whether the peer is one to hold on to.
func (p *Peer) IsPersistent() bool { return p.link.Always() }

// IsRunning reports whether the peer is connected.
func (p *Peer) IsRunning() bool {
	select {
	case <-p.link.Done():
		return false
	default:
		return !p.mconn.stopped.Load()
	}
}

// IsStopped is the opposite of IsRunning.
func (p *Peer) IsStopped() bool { return !p.IsRunning() }

// ID returns the identity that the peer has proven, or "" in 2014.
func (p *Peer) ID() string { return p.link.Intro().ID }

// NodeInfo returns how the peer introduced itself, or nil in 2014. Nobody may
// change it.
func (p *Peer) NodeInfo() *tendermint.NodeInfo { return p.info }

// HasChannel reports whether the peer has a channel, as far as it said.
func (p *Peer) HasChannel(chId byte) bool { return p.has == nil || p.has[chId] }

// SocketAddr returns the other end of the connection.
func (p *Peer) SocketAddr() *NetAddress { return p.mconn.RemoteAddress }

// RemoteAddr returns the other end of the connection.
func (p *Peer) RemoteAddr() net.Addr { return p.mconn.RemoteAddress.tcp() }

// RemoteIP returns the IP address at the other end.
func (p *Peer) RemoteIP() net.IP { return p.mconn.RemoteAddress.IP }

// Connection returns the peer's connection.
func (p *Peer) Connection() *MConnection { return p.mconn }

// Send is that of the peer's connection.
func (p *Peer) Send(chId byte, msg Binary) bool { return p.mconn.Send(chId, msg) }

// TrySend is that of the peer's connection.
func (p *Peer) TrySend(chId byte, msg Binary) bool { return p.mconn.TrySend(chId, msg) }

// CanSend is that of the peer's connection.
func (p *Peer) CanSend(chId byte) bool { return p.mconn.CanSend(chId) }

// SendEnvelope sends bytes on the envelope's channel, like Send. They must not
// change afterwards.
func (p *Peer) SendEnvelope(e Envelope) bool { return p.Send(e.ChannelID, Raw(e.Message)) }

// TrySendEnvelope is SendEnvelope that never waits.
func (p *Peer) TrySendEnvelope(e Envelope) bool { return p.TrySend(e.ChannelID, Raw(e.Message)) }

// Get returns what Set kept under a key, or nil.
func (p *Peer) Get(key string) interface{} {
	v, _ := p.data.Load(key)
	return v
}

// Set keeps a value with the peer, for the application.
func (p *Peer) Set(key string, value interface{}) { p.data.Store(key, value) }

// Dropped returns how many messages of the peer were dropped because nobody
// received those before, and how many for it because of those that wait to be
// sent.
func (p *Peer) Dropped() (received, sent uint64) {
	for _, c := range p.mconn.channels {
		received += c.miss.Load()
		sent += c.lost.Load()
	}
	return received, sent
}

// Equals reports whether both are the same peer.
func (p *Peer) Equals(other *Peer) bool { return other != nil && p.Key == other.Key }

// WriteTo writes the peer's key.
func (p *Peer) WriteTo(w io.Writer) (int64, error) { return Raw(p.Key).WriteTo(w) }

// String returns the peer's key and who dialed.
func (p *Peer) String() string {
	if p.IsOutbound() {
		return "Peer{→" + p.Key + "}"
	}
	return "Peer{" + p.Key + "→}"
}

// machine returns the other end without its port.
func (p *Peer) machine() addr.Addr { return p.link.Addr().HostOnly() }

// IPeerSet is what others may do with the peers of a Switch.
type IPeerSet interface {
	Has(key string) bool
	Get(key string) *Peer
	List() []*Peer
	Size() int
}

// PeerSet is a set of peers by key. Its methods may be called from any goroutine.
type PeerSet struct {
	mu   sync.RWMutex
	byID map[string]*Peer
	list []*Peer // never changed, only replaced
}

// NewPeerSet returns an empty set.
func NewPeerSet() *PeerSet { return &PeerSet{byID: map[string]*Peer{}} }

// Add adds a peer. It reports false if there is one of that key.
func (s *PeerSet) Add(p *Peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[p.Key] != nil {
		return false
	}
	s.put(p)
	return true
}

// replace adds a peer, in the place of one of that key if there is.
func (s *PeerSet) replace(p *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byID[p.Key]; old != nil {
		s.cut(old)
	}
	s.put(p)
}

func (s *PeerSet) put(p *Peer) {
	s.byID[p.Key] = p
	s.list = append(s.list[:len(s.list):len(s.list)], p)
}

func (s *PeerSet) cut(p *Peer) {
	rest := make([]*Peer, 0, len(s.list))
	for _, q := range s.list {
		if q != p {
			rest = append(rest, q)
		}
	}
	s.list = rest
}

// Has reports whether there is a peer of a key.
func (s *PeerSet) Has(key string) bool { return s.Get(key) != nil }

// Get returns the peer of a key, or nil.
func (s *PeerSet) Get(key string) *Peer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[key]
}

// Remove removes this very peer. Another of the same key stays.
func (s *PeerSet) Remove(p *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[p.Key] == p {
		delete(s.byID, p.Key)
		s.cut(p)
	}
}

// Size returns how many there are.
func (s *PeerSet) Size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.list)
}

// List returns the peers in the order they came. Nobody may change it.
func (s *PeerSet) List() []*Peer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list
}
