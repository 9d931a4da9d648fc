package p2p

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"parley/dialect"
	"parley/node"
	"parley/route"
)

// stallTime is how long a broadcast of BlockingSend waits for room at a peer
// that takes nothing at all. Afterwards it goes without, until there is room.
const stallTime = 10 * time.Second

// Limits of what parcels share memory: an application that keeps one of them
// keeps no more than about 12 KiB of others.
const (
	slabParcels = 64
	slabBytes   = 8 << 10
	slabBody    = 1 << 10 // longer payloads have memory of their own
)

// tally counts parcels of the application. Anyone may add.
type tally struct {
	appIn, appOut atomic.Uint64
	invalid       atomic.Uint64 // given to Send without a form
	forgotten     atomic.Uint64 // in ToNetwork
	nobody        atomic.Uint64 // there was no such peer, or none at all
	missed        atomic.Uint64 // not taken by a peer's queue
	unread        atomic.Uint64 // received, but the link or the network ended before the application took them
	gone          atomic.Uint64 // in the queues of peers that have left
}

func (t *tally) dropped() uint64 {
	return t.invalid.Load() + t.forgotten.Load() + t.nobody.Load() + t.missed.Load() + t.unread.Load() + t.gone.Load()
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
		p.special.Store(s.has(p))
		r.peers = append(r.peers, p)
		r.targets = append(r.targets, route.Target{Link: l.ID(), Addr: l.Addr(), Always: p.special.Load(), Dialed: l.Dialed()})
	}
	n.roster.Store(r)
}

// peerChanged keeps the tables of peers. Called by the brain.
func (n *Network) peerChanged(l *node.Link, up bool) {
	if up {
		p := newPeer(l, &n.conf, n.limit)
		n.byLink.Store(l.ID(), p)
		if err := n.peers.Add(p); err != nil {
			n.log.Error("two peers of one hash", "err", err)
		}
		if l.Dialed() {
			n.wire.settle(l.Addr())
		}
	} else if v, ok := n.byLink.LoadAndDelete(l.ID()); ok {
		p := v.(*Peer)
		n.peers.Remove(p)
		n.tally.gone.Add(l.Stats().Dropped.Load())
	}
	n.enlist()
}

// Send sends a parcel without blocking. If ToNetwork is full, half of what is
// in it is dropped, the oldest first; if the queue of a peer is, its oldest.
// What was dropped is counted: see Info and PeerMetrics.
func (n *Network) Send(p *Parcel) {
	if err := p.Valid(); err != nil {
		n.refuse(err)
		return
	}
	_, dropped := n.ToNetwork.Send(p)
	n.tally.forgotten.Add(uint64(dropped))
}

func (n *Network) refuse(err error) {
	n.tally.invalid.Add(1)
	n.log.Warn("parcel not sent", "err", err)
}

// route sends what is in ToNetwork.
func (n *Network) route(ctx context.Context) {
	for {
		select {
		case p := <-n.ToNetwork:
			n.deliver(p, false)
		case <-ctx.Done():
			return
		}
	}
}

// BlockingSend sends a parcel and returns once there was room for it in the
// queue of every peer it is for. Between two nodes that stay connected nothing
// that it sends is lost.
//
// A peer that takes nothing holds up parcels for itself until it is
// disconnected, after Configuration.WriteDeadline at the latest, and broadcasts
// for ten seconds once: then they go without it until its queue is half empty.
// Two applications that both call it from the goroutine that reads may wait for
// each other: read on another goroutine, or use Send.
func (n *Network) BlockingSend(p *Parcel) { n.deliver(p, true) }

// deliver puts a parcel into the queues of the peers it is for.
func (n *Network) deliver(p *Parcel, wait bool) {
	if err := p.Valid(); err != nil {
		n.refuse(err)
		return
	}
	r := n.roster.Load()
	switch p.Address {
	case Broadcast:
		n.broadcast(r, p, route.Fanout(int(n.conf.Fanout)), wait)
		return
	case FullBroadcast:
		n.broadcast(r, p, route.All(), wait)
		return
	}
	var to *Peer
	if p.Address != RandomPeer && p.Address != "" {
		to = n.peers.Get(p.Address)
	} else if len(r.peers) > 0 {
		to = r.peers[rand.IntN(len(r.peers))]
	}
	if to == nil {
		n.tally.nobody.Add(1)
		return
	}
	n.tally.appOut.Add(1)
	n.shown.sent(len(p.Payload), 1)
	if !wait {
		to.link.Queue(message(p), nil)
	} else if to.link.Send(n.ctx, message(p)) != nil {
		n.miss(to)
	}
}

func (n *Network) miss(p *Peer) {
	p.dropped.Add(1)
	n.tally.missed.Add(1)
}

// scratch is what one broadcast needs.
type scratch struct {
	peers   []*Peer
	targets []route.Target
	picks   []int
	wait    patience
}

// broadcast gives a parcel to the peers picked among those that did not send
// its payload themselves.
func (n *Network) broadcast(r *roster, p *Parcel, to route.Picker, wait bool) {
	if len(r.peers) == 0 {
		n.tally.nobody.Add(1)
		return
	}
	s := n.scratch.Get().(*scratch)
	defer n.scratch.Put(s)
	n.pick(s, r, p, to)
	n.tally.appOut.Add(uint64(len(s.picks)))
	n.shown.sent(len(p.Payload), len(s.picks))
	if len(s.picks) == 0 {
		return
	}
	m := node.Share(message(p))
	for _, i := range s.picks {
		if peer := s.peers[i]; !wait {
			peer.link.QueueShared(m)
		} else if !peer.give(n.ctx, m, &s.wait) {
			n.miss(peer)
		}
	}
	clear(s.peers)
}

// pick fills s.
func (n *Network) pick(s *scratch, r *roster, p *Parcel, to route.Picker) {
	s.peers, s.targets = s.peers[:0], s.targets[:0]
	var key uint64
	var now time.Time
	if n.conf.PeerResendFilter {
		key, now = maphash.Bytes(n.seed, p.Payload), time.Now()
	}
	for i, peer := range r.peers {
		if n.conf.PeerResendFilter && peer.sent.has(now, key) {
			continue
		}
		s.peers = append(s.peers, peer)
		s.targets = append(s.targets, r.targets[i])
	}
	s.picks = to.Pick(s.picks[:0], s.targets, dice{})
}

// dice is the runtime's generator, which any goroutine may use.
type dice struct{}

func (dice) IntN(n int) int { return rand.IntN(n) }

// give queues a broadcast, waiting for room unless others did so in vain.
func (p *Peer) give(ctx context.Context, m *node.Shared, w *patience) bool {
	if p.stalled.Load() {
		if p.link.Queued() > p.limit/2 {
			return false
		}
		p.stalled.Store(false)
	}
	for {
		written := p.link.Stats().OutBytes.Load()
		w.begin(ctx, stallTime)
		err := p.link.SendShared(w, m)
		w.end()
		switch {
		case err == nil:
			return true
		case err != context.DeadlineExceeded:
			return false // the link or the network has ended
		case written == p.link.Stats().OutBytes.Load():
			p.stalled.Store(true)
			return false
		}
	}
}

// patience is a context that ends some time after somebody first waits for it:
// it costs nothing where nobody has to wait. It has one owner.
type patience struct {
	context.Context
	span  time.Duration
	timer context.Context // nil until somebody waits
	stop  context.CancelFunc
}

func (w *patience) begin(ctx context.Context, span time.Duration) {
	*w = patience{Context: ctx, span: span}
}

func (w *patience) end() {
	if w.stop != nil {
		w.stop()
	}
	*w = patience{}
}

// Done implements [context.Context].
func (w *patience) Done() <-chan struct{} {
	if w.timer == nil {
		w.timer, w.stop = context.WithTimeout(w.Context, w.span)
	}
	return w.timer.Done()
}

// Err implements [context.Context].
func (w *patience) Err() error {
	if w.timer == nil {
		return w.Context.Err()
	}
	return w.timer.Err()
}

// receive gives what one read brought to the application, on the goroutine of
// the peer's reader: while the application does not take it, the peer waits.
func (n *Network) receive(l *node.Link, ms []dialect.Message) {
	v, ok := n.byLink.Load(l.ID())
	if !ok {
		n.tally.unread.Add(uint64(len(ms)))
		return
	}
	p := v.(*Peer)
	if n.conf.PeerResendFilter {
		n.remember(p, ms)
	}
	n.tally.appIn.Add(uint64(len(ms)))
	p.appIn.Add(uint64(len(ms)))
	n.shown.received(ms)
	var s slab
	for i, m := range ms {
		if !n.hand(l, s.parcel(p.Hash, m.Body, ms[i:])) {
			p.dropped.Add(uint64(len(ms) - i))
			n.tally.unread.Add(uint64(len(ms) - i))
			return
		}
	}
}

// hand waits until the application takes a parcel. It reports false if that is
// in vain.
func (n *Network) hand(l *node.Link, p *Parcel) bool {
	select {
	case n.FromNetwork <- p:
		return true
	default:
	}
	select {
	case n.FromNetwork <- p:
		return true
	case <-l.Done():
	case <-n.ctx.Done():
	}
	return false
}

// remember notes what a peer sent, so that it does not get it back.
func (n *Network) remember(p *Peer, ms []dialect.Message) {
	var keys [slabParcels]uint64
	now := time.Now()
	for len(ms) > 0 {
		k := min(len(ms), len(keys))
		for i := range k {
			keys[i] = maphash.Bytes(n.seed, ms[i].Body)
		}
		p.sent.add(now, keys[:k])
		ms = ms[k:]
	}
}

// slab makes parcels that belong to the application from lent messages, several
// with one allocation.
type slab struct {
	parcels []Parcel
	bytes   []byte
}

// parcel returns a parcel with a copy of body. The messages from it on are rest.
func (s *slab) parcel(hash string, body []byte, rest []dialect.Message) *Parcel {
	if len(s.parcels) == 0 {
		s.parcels = make([]Parcel, min(len(rest), slabParcels))
	}
	p := &s.parcels[0]
	s.parcels = s.parcels[1:]
	p.Address, p.ptype = hash, TypeMessage
	if len(body) > slabBody {
		p.Payload = append([]byte(nil), body...)
		return p
	}
	if cap(s.bytes)-len(s.bytes) < len(body) {
		s.bytes = make([]byte, 0, s.room(rest))
	}
	at := len(s.bytes)
	s.bytes = append(s.bytes, body...)
	p.Payload = s.bytes[at:len(s.bytes):len(s.bytes)]
	return p
}

// room returns how many bytes the next short bodies take, up to a limit.
func (s *slab) room(rest []dialect.Message) (total int) {
	for _, m := range rest[:min(len(rest), slabParcels)] {
		if len(m.Body) > slabBody {
			continue
		}
		if total+len(m.Body) > slabBytes {
			break
		}
		total += len(m.Body)
	}
	return total
}
