package p2p

import (
	"bytes"
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

// Limits of how many parcels share memory, and of their payloads together: an
// application that keeps one of them keeps at most about 12 KiB of others.
const (
	slabParcels = 64
	slabBytes   = 8 << 10
)

// burst is how many such groups are made before the first parcel is handed over,
// so that the application is not woken for each. What it is slow to take waits
// as parcels and where it was read: at most what one read brought, 256 KiB or
// one parcel, twice for each peer.
const burst = 32

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
	n.pass(to, wait, func(to *Peer) bool {
		if !wait {
			return to.link.Queue(message(p), nil)
		}
		return to.link.Send(n.ctx, message(p)) == nil
	})
}

// pass has give put a parcel into the queue of a peer, or into that of the
// connection that took its place meanwhile. What a queue refuses its link
// counts; what was waited for in vain is counted here.
func (n *Network) pass(to *Peer, wait bool, give func(*Peer) bool) {
	if next := n.successor(to); next != nil {
		to = next
	}
	for !give(to) {
		next := n.successor(to)
		switch {
		case next != nil && !wait:
			to.moved.Add(1)
		case next == nil && wait:
			n.miss(to)
			return
		case next == nil:
			return
		}
		to = next
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
	give := func(to *Peer) bool {
		if !wait {
			return to.link.QueueShared(m)
		}
		return to.give(m, &s.wait)
	}
	for _, i := range s.picks {
		n.pass(s.peers[i], wait, give)
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
func (p *Peer) give(m *node.Shared, w *patience) bool {
	if p.stalled.Load() {
		if p.link.Queued() > p.limit/2 {
			return false
		}
		p.stalled.Store(false)
	}
	for {
		written := p.link.Stats().OutBytes.Load()
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
	timer context.Context // nil until somebody waits
	stop  context.CancelFunc
}

// end makes it ready for the next wait.
func (w *patience) end() {
	if w.stop != nil {
		w.stop()
		w.timer, w.stop = nil, nil
	}
}

// Done implements [context.Context].
func (w *patience) Done() <-chan struct{} {
	if w.timer == nil {
		w.timer, w.stop = context.WithTimeout(w.Context, stallTime)
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
	n.tally.appIn.Add(uint64(len(ms)))
	n.shown.received(ms)
	for len(ms) > 0 {
		var made [burst][]Parcel
		rest := n.fill(&made, p, ms)
		if lost := n.handAll(l, &made); lost > 0 {
			lost += len(rest)
			p.dropped.Add(uint64(lost))
			n.tally.unread.Add(uint64(lost))
			return
		}
		ms = rest
	}
}

// fill turns messages into parcels, as many as made has room for, and returns
// the rest.
func (n *Network) fill(made *[burst][]Parcel, p *Peer, ms []dialect.Message) (rest []dialect.Message) {
	for i := range made {
		if len(ms) == 0 {
			break
		}
		k := portion(ms)
		made[i] = n.parcels(p, ms[:k])
		ms = ms[k:]
	}
	return ms
}

// handAll waits until the application has taken all parcels. It returns how many
// it did not take because that is in vain.
func (n *Network) handAll(l *node.Link, made *[burst][]Parcel) (lost int) {
	for _, parcels := range made {
		for i := range parcels {
			if lost > 0 || !n.hand(l, &parcels[i]) {
				lost++
			}
		}
	}
	return lost
}

// portion returns how many messages to turn into parcels at once: as many as
// may share memory, or one that is large.
func portion(ms []dialect.Message) int {
	total := 0
	for i, m := range ms {
		if total += len(m.Body); i == slabParcels || i > 0 && total > slabBytes {
			return i
		}
	}
	return len(ms)
}

// parcels copies messages, while their bytes are at hand for it, and notes that
// the peer sent them, so that it does not get them back.
func (n *Network) parcels(p *Peer, ms []dialect.Message) []Parcel {
	var keys [slabParcels]uint64
	var bodies [slabParcels][]byte
	for i, m := range ms {
		bodies[i] = m.Body
		if n.conf.PeerResendFilter {
			keys[i] = maphash.Bytes(n.seed, m.Body)
		}
	}
	all := make([]Parcel, len(ms))
	joined := bytes.Join(bodies[:len(ms)], nil) // one allocation, not zeroed first
	for i, m := range ms {
		k := len(m.Body)
		all[i] = Parcel{Address: p.Hash, Payload: joined[:k:k], ptype: TypeMessage}
		joined = joined[k:]
	}
	if n.conf.PeerResendFilter {
		p.sent.add(time.Now(), keys[:len(ms)])
	}
	return all
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
