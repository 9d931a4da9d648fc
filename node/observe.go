package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parley/core"
	"parley/fault"
	"parley/stats"
)

// Event is one line of a node's trace: a call into the core, named accepted,
// attached, admit, opened, received, sent, closed, wake, restore or do (a
// request of the application), or an effect of the call before it, named up,
// down, note, send, close, dial or save. The simulator writes the same lines,
// so the two can be compared.
type Event struct {
	Time time.Time
	Link core.LinkID // 0 if it concerns no single link
	What string
	Err  error
}

func (n *Node) trace(now time.Time, id core.LinkID, what string, err error) {
	if n.cfg.Trace != nil {
		n.cfg.Trace(Event{Time: now, Link: id, What: what, Err: err})
	}
}

// observe logs and traces the effects of a call.
func (n *Node) observe(now time.Time, e *core.Effects) {
	for i := range e.Peers {
		n.observeChange(now, &e.Peers[i])
	}
	if n.cfg.Trace == nil {
		return
	}
	for _, v := range e.Note {
		n.trace(now, v.Link, "note", nil)
	}
	for _, s := range e.Send {
		n.trace(now, s.To, "send", nil)
	}
	for _, c := range e.Close {
		n.trace(now, c.Link, "close", c.Why)
	}
	for _, d := range e.Dial {
		n.trace(now, d.Link, "dial", nil)
	}
	if e.Save {
		n.trace(now, 0, "save", nil)
	}
}

func (n *Node) observeChange(now time.Time, c *core.Change) {
	what := "down"
	if c.Up {
		what = "up"
		n.cfg.Log.Info("joined", "link", n.links[c.Link], "peer", c.Intro.ID, "version", c.Intro.Version, "agent", c.Intro.Agent, "dialed", c.Dialed)
	}
	n.trace(now, c.Link, what, c.Why)
}

// history keeps the links that ended last.
type history struct {
	mu   sync.Mutex
	ring []stats.Ended
	next int // where the next goes, once the ring is full
}

const maxEnded = 1000

func (h *history) add(e stats.Ended) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < maxEnded {
		h.ring = append(h.ring, e)
		return
	}
	h.ring[h.next] = e
	h.next = (h.next + 1) % maxEnded
}

// last returns at most most entries, newest first.
func (h *history) last(most int) []stats.Ended {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]stats.Ended, 0, max(0, min(most, len(h.ring))))
	for i := range cap(out) {
		j := h.next - 1 - i
		if j < 0 {
			j += len(h.ring)
		}
		out = append(out, h.ring[j])
	}
	return out
}

// Ended returns the links that ended last, newest first: at most max, and
// no more than the last 1,000. Attempts to make one count as links.
func (n *Node) Ended(max int) []stats.Ended { return n.ended.last(max) }

// bury counts and logs the end of a link.
func (n *Node) bury(now time.Time, l *Link, why error) {
	kind := fault.KindOf(why)
	n.faults[kind]++
	s := &l.stats
	e := stats.Ended{
		ID: uint64(l.id), Addr: l.addr.String(), Dialed: l.dialed, WasUp: l.wasUp,
		Start: l.start, End: now, Kind: kind.String(), Why: why.Error(),
		InBytes: s.InBytes.Load(), OutBytes: s.OutBytes.Load(),
		Dropped: s.Dropped.Load(), Drops: s.Drops(),
	}
	level := slog.LevelDebug
	if l.wasUp {
		level = slog.LevelInfo
		e.Peer = l.link.Intro.ID
		addTotals(&n.total, s)
	}
	n.ended.add(e)
	n.trace(now, l.id, "closed", why)
	n.cfg.Log.Log(context.Background(), level, "ended", "link", l, "kind", kind, "why", why, "after", now.Sub(l.start))
}

func addTotals(t *stats.Totals, s *stats.Link) {
	t.InBytes += s.InBytes.Load()
	t.InMsgs += s.InMsgs.Load()
	t.OutBytes += s.OutBytes.Load()
	t.OutMsgs += s.OutMsgs.Load()
	t.Dropped += s.Dropped.Load()
}

// Snapshot returns the node's state at one moment. It waits for the node to be
// ready and for its brain, but not longer than ctx.
func (n *Node) Snapshot(ctx context.Context) (*stats.Snapshot, error) {
	select {
	case <-n.ready:
	case <-n.over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer := make(chan *stats.Snapshot, 1)
	if !n.inbox.put(func(now time.Time) { answer <- n.snapshot(now) }) {
		return nil, ErrNotRunning
	}
	select {
	case s := <-answer:
		return s, nil
	case <-n.over:
		return nil, ErrNotRunning
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *Node) snapshot(now time.Time) *stats.Snapshot {
	st := n.core.State(now)
	s := &stats.Snapshot{
		Time: now, Since: n.start, Dialect: n.cfg.Dialect.Name(),
		Listen: []string{}, Links: make([]stats.LinkRow, 0, len(st.Links)), Bans: []stats.BanRow{},
		Known: st.Known, Rounds: st.Rounds, Faults: map[string]uint64{}, Turned: n.turned.Load(), Total: n.total,
	}
	for _, a := range n.at {
		s.Listen = append(s.Listen, a.String())
	}
	for _, b := range st.Bans {
		s.Bans = append(s.Bans, stats.BanRow{Addr: string(b.Addr.AppendTo(nil)), Peer: b.ID, Until: b.Until, Why: b.Why})
	}
	for _, k := range fault.Kinds {
		s.Faults[k.String()] = n.faults[k]
	}
	for i := range st.Links {
		s.Links = append(s.Links, n.row(&st.Links[i]))
	}
	for _, l := range n.links {
		if l.wasUp {
			addTotals(&s.Total, &l.stats)
		}
	}
	return s
}

func (n *Node) row(st *core.LinkState) stats.LinkRow {
	r := stats.LinkRow{
		ID: uint64(st.ID), Addr: st.Addr.String(), Dialed: st.Dialed, Always: st.Always,
		Opening: st.Opening, Since: st.Since, Blame: st.Blame, Why: st.Why,
	}
	if !st.Opening {
		r.Peer, r.Agent, r.Version = st.Intro.ID, st.Intro.Agent, new(st.Intro.Version)
	}
	l := n.links[st.ID]
	if l == nil {
		return r
	}
	s := &l.stats
	r.InBytes, r.InMsgs = s.InBytes.Load(), s.InMsgs.Load()
	r.OutBytes, r.OutMsgs = s.OutBytes.Load(), s.OutMsgs.Load()
	r.Dropped, r.Drops, r.Queued = s.Dropped.Load(), s.Drops(), l.out.waiting()
	if !st.Opening {
		r.RTT = l.trip
		r.LastIn, r.LastOut = time.Unix(0, s.InLast.Load()), time.Unix(0, s.OutLast.Load())
	}
	return r
}
