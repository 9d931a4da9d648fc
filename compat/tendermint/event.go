package p2p

import (
	"slices"
	"sync"
	"sync/atomic"
)

// SwitchEventNewPeer tells a listener of a peer that has come.
type SwitchEventNewPeer struct {
	Peer *Peer
}

// SwitchEventDonePeer tells a listener of a peer that has gone. Error is why.
type SwitchEventDonePeer struct {
	Peer  *Peer
	Error interface{}
}

// maxEvents is how many peers that came may wait to be told to one listener.
// Later ones are not told.
const maxEvents = 1 << 16

// mailbox holds the comings and goings that one listener has yet to be told of. It
// never blocks who fills it. What it holds is bounded without losing any that
// matters: a peer that comes and goes before the listener was told is not told at
// all, so there are at most those who are connected and those it was told of.
type mailbox struct {
	wake   chan struct{} // capacity 1
	ended  chan struct{} // closed when nobody is to be told any more
	missed atomic.Uint64 // peers that were not told

	mu    sync.Mutex
	queue []event
	told  map[*Peer]bool // those that were told to have come
	last  bool           // nothing more will be added
	over  bool           // ended is closed
}

// event is the coming of a peer, or its going.
type event struct {
	peer *Peer
	gone bool
	why  any
}

func newMailbox() *mailbox {
	return &mailbox{wake: make(chan struct{}, 1), ended: make(chan struct{}), told: map[*Peer]bool{}}
}

// came notes that a peer has come.
func (m *mailbox) came(p *Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over || len(m.queue) >= maxEvents {
		m.missed.Add(1)
		return
	}
	m.push(event{peer: p})
}

// left notes that a peer has gone.
func (m *mailbox) left(p *Peer, why any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told[p] {
		m.push(event{peer: p, gone: true, why: why})
		return
	}
	if i := slices.IndexFunc(m.queue, func(e event) bool { return e.peer == p }); i >= 0 {
		m.queue = slices.Delete(m.queue, i, i+1)
		m.missed.Add(1)
	}
}

func (m *mailbox) push(e event) {
	m.queue = append(m.queue, e)
	m.rouse()
}

func (m *mailbox) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// next waits for an event. It reports false if there will be none.
func (m *mailbox) next() (event, bool) {
	for {
		m.mu.Lock()
		if len(m.queue) > 0 && !m.over {
			e := m.queue[0]
			m.queue = slices.Delete(m.queue, 0, 1)
			if e.gone {
				delete(m.told, e.peer)
			} else {
				m.told[e.peer] = true
			}
			m.mu.Unlock()
			return e, true
		}
		done := m.last || m.over
		m.mu.Unlock()
		if done {
			return event{}, false
		}
		select {
		case <-m.wake:
		case <-m.ended:
		}
	}
}

// finish says that nothing more will be added: what waits is still told.
func (m *mailbox) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = true
	m.rouse()
}

// end lets nobody be told any more.
func (m *mailbox) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over {
		m.over = true
		close(m.ended)
	}
}

// listener is a channel of the application that is told.
type listener struct {
	*mailbox
	ch chan<- interface{}
}

// run tells the listener until it is ended.
func (l *listener) run() {
	for e, ok := l.next(); ok && l.tell(e); e, ok = l.next() {
	}
	l.end()
}

// tell waits until the listener takes an event. It reports false if it was ended,
// or has closed its channel, as agents do that stop.
func (l *listener) tell(e event) (told bool) {
	defer func() {
		if recover() != nil {
			told = false
		}
	}()
	var v interface{} = SwitchEventNewPeer{e.peer}
	if e.gone {
		v = SwitchEventDonePeer{e.peer, e.why}
	}
	select {
	case l.ch <- v:
		return true
	case <-l.ended:
		return false
	}
}
