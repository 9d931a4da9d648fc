package peer

import (
	"fmt"
	"sync"
	"time"

	"parley/compat/soter/wire"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/fault"
)

const (
	piece   = 64 << 10         // bytes that have a deadline together
	over    = piece / 8        // bytes that are written with a piece rather than by themselves
	unheard = 1000             // done channels that nobody receives from before the writer waits
	quiet   = 10 * time.Second // after which a writer with nothing to do ends
)

// signals tells those who asked that a message was sent, or never will be. Each
// channel gets one signal, whenever its owner receives it.
type signals struct {
	pending chan struct{} // one for each that nobody has received yet
	wg      sync.WaitGroup
}

// give signals done without waiting for the receiver, unless there are very many
// that nobody receives.
func (s *signals) give(done chan<- struct{}, quit <-chan struct{}) {
	if done == nil {
		return
	}
	select {
	case done <- struct{}{}:
		return
	default:
	}
	counted := false
	select {
	case s.pending <- struct{}{}:
		counted = true
	case <-quit:
	}
	s.wg.Go(func() {
		done <- struct{}{}
		if counted {
			<-s.pending
		}
	})
}

// writer is what a peer's writing goroutine owns. That also runs the rules when
// something is due. It ends when it has nothing to do for a while, with all its memory,
// and is started again for the next message or the next duty.
type writer struct {
	p    *Peer
	slow *time.Timer // ends the peer if a write takes too long
	nap  *time.Timer // ends waiting
	cs   []*chunk
	next int // cs[:next] is written

	retired bool
}

// write is the peer's writer.
func (p *Peer) write() {
	w := &writer{p: p, nap: time.NewTimer(quiet)}
	w.slow = time.AfterFunc(p.cfg.WriteTimeout, func() {
		p.end(fault.New(fault.Timeout, "write", fmt.Errorf("nothing written for %v", p.cfg.WriteTimeout)))
	})
	w.slow.Stop()
	err := w.run()
	w.slow.Stop()
	w.nap.Stop()
	if !w.retired {
		p.end(err)
		p.giveUp(w.cs[w.next:])
	}
}

// run writes what is queued until the peer is disconnected, or the writer retires.
func (w *writer) run() error {
	for open := true; ; {
		w.cs, open = w.p.out.take(w.cs[:0])
		w.next = 0
		if !open {
			return nil
		}
		if w.p.brain.isDue(time.Now()) {
			w.p.wake()
		}
		if len(w.cs) == 0 {
			if w.sleep(); w.retired {
				return nil
			}
			continue
		}
		for i, c := range w.cs {
			sum(w.cs[i:min(i+2, len(w.cs))])
			if err := w.chunk(c); err != nil {
				return err
			}
			w.next++
			c.free()
		}
		clear(w.cs)
	}
}

// sum takes the checksums that messages in chunks still need: of two chunks at once,
// because long messages have one each.
func sum(cs []*chunk) {
	if cs[0].summed {
		return
	}
	var bs [2][]byte
	for i, c := range cs {
		bs[i], c.summed = c.b, true
	}
	wire.Sum(bs[:len(cs)]...)
}

// sleep waits until there is something to do, or retires.
func (w *writer) sleep() {
	due := w.p.brain.due()
	wait := quiet
	if !due.IsZero() {
		wait = min(wait, time.Until(due))
	}
	w.nap.Reset(wait)
	select {
	case <-w.p.out.wake:
	case <-w.p.quit:
	case <-w.nap.C:
		w.retired = wait == quiet && w.p.out.retire(due)
	}
}

// chunk writes a chunk, and tells those who asked.
func (w *writer) chunk(c *chunk) error {
	var bad error
	for i := range c.notes {
		n := &c.notes[i]
		if n.ping != 0 {
			w.p.pinged(n.ping)
		}
		if n.mark != bitcoin.TypeReject {
			w.report(n) // before the answer can arrive
		}
		if bad == nil {
			bad = n.err
		}
	}
	sent, err := w.push(c.b)
	w.p.sent(sent)
	w.tell(c, sent, err)
	w.p.out.release(noteCost * len(c.notes))
	if err == nil {
		err = bad
	}
	return err
}

// push writes b in pieces that each have their own deadline, so that a slow remote
// that makes progress is not cut off by a long message.
func (w *writer) push(b []byte) (sent int, err error) {
	for sent < len(b) && err == nil {
		n := 0
		w.slow.Reset(w.p.cfg.WriteTimeout)
		to := len(b)
		if to-sent > piece+over {
			to = sent + piece
		}
		n, err = w.p.conn.Write(b[sent:to])
		w.slow.Stop()
		sent += n
		w.p.out.release(n)
	}
	return sent, err
}

// tell tells those who want to hear about messages in a chunk.
func (w *writer) tell(c *chunk, sent int, err error) {
	for i := range c.notes {
		n := &c.notes[i]
		why := n.err
		if why == nil && n.after > sent {
			why = err
		}
		if f := w.p.cfg.Listeners.OnWrite; f != nil && n.msg != nil {
			f(w.p, max(0, min(n.size, sent-(n.after-n.size))), n.msg, why)
		}
		w.p.signals.give(n.done, w.p.quit)
		n.done = nil
		if n.mark == bitcoin.TypeReject && why == nil {
			w.report(n) // which may end the link
		}
	}
}

// report tells the rules of a message that they want to hear about.
func (w *writer) report(n *note) {
	if n.mark == 0 {
		return
	}
	m := dialect.Message{Type: n.mark, For: dialect.ToSession}
	w.p.consult(func(now time.Time, out *dialect.Out) { w.p.brain.session.Sent(now, m, out) })
}

// giveUp signals for everything that was not sent.
func (p *Peer) giveUp(taken []*chunk) {
	left, early := p.out.rest()
	for _, cs := range [][]*chunk{taken, left} {
		for _, c := range cs {
			for i := range c.notes {
				p.signals.give(c.notes[i].done, p.quit)
			}
			c.free()
		}
	}
	for _, e := range early {
		p.signals.give(e.done, p.quit)
	}
}
