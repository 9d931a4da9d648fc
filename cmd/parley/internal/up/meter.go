package up

import (
	"fmt"
	"maps"
	"time"

	"parley/fault"
	"parley/node"
	"parley/stats"
)

// traffic is a sum of counters over links.
type traffic struct {
	inMsgs, inBytes   uint64
	outMsgs, outBytes uint64
}

func (t *traffic) add(s *stats.Link) {
	t.inMsgs += s.InMsgs.Load()
	t.inBytes += s.InBytes.Load()
	t.outMsgs += s.OutMsgs.Load()
	t.outBytes += s.OutBytes.Load()
}

func (t *traffic) plus(u traffic) {
	t.inMsgs += u.inMsgs
	t.inBytes += u.inBytes
	t.outMsgs += u.outMsgs
	t.outBytes += u.outBytes
}

// meter keeps the counters of links that are down, over restarts.
type meter struct {
	sum   traffic      // of links whose counters are final
	ended []*node.Link // down, but perhaps still writing what was queued
}

func (m *meter) end(l *node.Link) {
	m.settle()
	m.ended = append(m.ended, l)
}

// settle adds up the links that are really over.
func (m *meter) settle() {
	rest := m.ended[:0]
	for _, l := range m.ended {
		select {
		case <-l.Done():
			m.sum.add(l.Stats())
		default:
			rest = append(rest, l)
		}
	}
	clear(m.ended[len(rest):])
	m.ended = rest
}

// traffic returns the sum over all links that this node ever had.
func (a *app) traffic() traffic {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meter.settle()
	sum := a.meter.sum
	for _, l := range a.meter.ended {
		sum.add(l.Stats())
	}
	for _, l := range a.links {
		sum.add(l.Stats())
	}
	return sum
}

// faults counts how links ended, by kind.
type faults struct {
	ours   bool // we are stopping the node
	counts map[string]uint64
	last   string // in words
	at     time.Time
}

func (f *faults) add(now time.Time, why error) {
	kind := fault.KindOf(why)
	if f.ours {
		return
	}
	f.counts[kind.String()]++
	f.last, f.at = kind.String(), now
	if why != nil {
		f.last = fmt.Sprintf("%v: %v", kind, why)
	}
}

// copyFaults returns the counts so far.
func (a *app) copyFaults() map[string]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.faults.counts)
}

// lastFault returns how a link ended last, in words, or "".
func (a *app) lastFault() (string, time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults.last, a.faults.at
}
