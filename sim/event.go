package sim

import "parley/sim/internal/agenda"

// kind says what an event is about, and with it what its A and B mean.
type kind = agenda.Kind

const (
	evNone    kind = iota
	evCall         // A: index in World.calls
	evStart        // A: node: first Wake of a run; B: the run
	evWake         // A: node: its core is due
	evRead         // A: node: Stall may be over
	evSyn          // A: acceptor's end: a connection is asked for
	evDialed       // A: dialer's end: the connection stands
	evNoDial       // A: dialer's end: it does not; B: 0 refused, 1 timed out
	evOpen         // A: end: begin the opening exchange of an attached link
	evLate         // A: end: the opening exchange must be over
	evFail         // A: end: the link ends, for the reason kept with it
	evPump         // A: end: its writer may go on
	evFlush        // A: end: its outbox must have drained
	evSent         // A: end: a message was written; Arg: its For; B: its Type
	evDrain        // A: end: what was held up arrives
	evFree         // A: end: nothing happens about its connection any more
	evDeliver      // A: receiving end; B: the parcel
	evAccept       // A: acceptor's end: the dialer's last word of the set-up
	evFin          // A: receiving end: the other side sends no more
	evReset        // A: receiving end: the other side knows no such connection
)

// warmAhead is how many events are looked at before they happen: so many that most
// waits overlap, and so few that all they are about stays in the cache.
const warmAhead = 64

// warm looks at what the next events are about. In a large world none of it is in
// the processor's cache, and each event would wait for memory by itself; here, where
// nothing depends on what was read before, the waits overlap. It makes a flood
// through 100,000 nodes about twice as fast.
func (w *World) warm(ahead []agenda.Event) {
	for i := range ahead {
		switch e := &ahead[i]; e.Kind() {
		case evDeliver:
			w.heat += w.conns.get(e.A >> 1).ends[e.A&1].inBytes
		case evWake:
			w.heat += uint64(w.nodes[e.A].armed)
		}
	}
	for i := range ahead {
		switch e := &ahead[i]; e.Kind() {
		case evDeliver:
			if n := w.conns.get(e.A >> 1).ends[e.A&1].n; n != nil {
				w.heat += uint64(n.index)
			}
		case evWake:
			w.heat += w.nodes[e.A].Core.Touch()
		}
	}
}

// happen carries out one event.
func (w *World) happen(e *agenda.Event) {
	switch k := e.Kind(); k {
	case evDeliver, evAccept, evFin, evReset:
		w.arrive(k, e.A, e.B)
	case evCall:
		f := w.calls[e.A]
		w.calls[e.A] = nil
		w.spare = append(w.spare, e.A)
		f()
	case evStart:
		w.nodes[e.A].start(e.B)
	case evWake:
		w.nodes[e.A].wake(e.At)
	case evRead:
		w.nodes[e.A].resume()
	default:
		w.conns.get(e.A >> 1).ends[e.A&1].happen(e)
	}
}
