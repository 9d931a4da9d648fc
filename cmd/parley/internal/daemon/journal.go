package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"parley/api"
	"parley/cmd/parley/internal/record"
	"parley/core"
	"parley/dialect"
	"parley/fault"
	"parley/node"
)

// maxLines is how many lines may wait for a reader of our output that is slow.
// Later ones are counted and left out.
const maxLines = 1000

// journal prints what happens, a line each. Adding a line never blocks, so the
// brain may do it; one goroutine writes.
type journal struct {
	w    io.Writer
	wake chan struct{} // capacity 1

	// Set before the node runs, then immutable.
	show   bool // a line for every message
	kind   func(dialect.Message) string
	record *record.File // nil for none
	log    *slog.Logger // with record

	// Owned by the brain, which calls Peer.
	since map[core.LinkID]time.Time

	mu    sync.Mutex
	lines []string
	lost  int
}

func newJournal(w io.Writer) *journal {
	return &journal{w: w, wake: make(chan struct{}, 1), since: map[core.LinkID]time.Time{}}
}

// add queues a line under the present time.
func (j *journal) add(format string, args ...any) {
	line := time.Now().Format(time.TimeOnly) + " " + fmt.Sprintf(format, args...) + "\n"
	j.mu.Lock()
	if len(j.lines) < maxLines {
		j.lines = append(j.lines, line)
	} else {
		j.lost++
	}
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run writes lines until ctx is done, and then those that are left.
func (j *journal) run(ctx context.Context) {
	for {
		select {
		case <-j.wake:
			j.flush()
		case <-ctx.Done():
			j.flush()
			return
		}
	}
}

// flush writes what is queued. Nothing can be done about a reader that is gone.
func (j *journal) flush() {
	j.mu.Lock()
	lines, lost := j.lines, j.lost
	j.lines, j.lost = nil, 0
	j.mu.Unlock()
	for _, line := range lines {
		_, _ = io.WriteString(j.w, line)
	}
	if lost > 0 {
		_, _ = fmt.Fprintf(j.w, "%d lines left out\n", lost)
	}
}

// Peer reports a link that came up or went down; see [node.Handler].
func (j *journal) Peer(l *node.Link, up bool, why error) {
	dir := direction(&api.Peer{Out: l.Dialed(), Special: l.Always()})
	if up {
		j.since[l.ID()] = time.Now()
		in := l.Intro()
		j.add("join  #%d %s %s version %d%s", l.ID(), l.Addr(), dir, in.Version, introText(in))
		return
	}
	lasted := time.Since(j.since[l.ID()])
	delete(j.since, l.ID())
	j.add("leave #%d %s %s after %s: %s", l.ID(), l.Addr(), dir, ageText(lasted), whyText(why))
}

func introText(in dialect.Intro) string {
	s := ""
	if in.ID != "" {
		s += " id " + middle(clean(in.ID), 40)
	}
	if in.Agent != "" {
		s += " agent " + middle(clean(in.Agent), 40)
	}
	return s
}

func whyText(why error) string {
	if why == nil {
		return "no reason given"
	}
	return fmt.Sprintf("%s: %s", fault.KindOf(why), clean(why.Error()))
}

// Note ignores what a dialect has to tell to an application; see [node.Handler].
func (j *journal) Note(*node.Link, any) {}

// Receive shows messages and keeps them, as far as that is wanted; else it ignores
// them: this node keeps links and serves addresses, but has no application. It
// waits for the disk, not for a reader of our output; see [node.Handler].
func (j *journal) Receive(l *node.Link, ms []dialect.Message) {
	if j.show {
		for _, m := range ms {
			j.add("recv  #%d %s %s, %d bytes", l.ID(), l.Addr(), clean(j.kind(m)), len(m.Body))
		}
	}
	if j.record == nil {
		return
	}
	now := time.Now().UTC()
	lines := make([]record.Line, len(ms))
	for i, m := range ms {
		lines[i] = record.Line{
			Time: now, Link: uint64(l.ID()), Addr: l.Addr().String(), Peer: l.Intro().ID,
			Type: m.Type, Kind: j.kind(m), Size: len(m.Body), Body: m.Body,
		}
	}
	if err := j.record.Write(lines); err != nil {
		j.log.Error("messages are not kept any more", "err", err)
	}
}

// close ends the journal of messages, once nothing is received any more.
func (j *journal) close() {
	if j.record == nil {
		return
	}
	if err := j.record.Close(); err != nil {
		j.log.Error("the journal was not closed in order", "err", err)
	}
}

func idText(id string) string {
	if id == "" {
		return ""
	}
	return ", identity " + clean(id)
}

// stateText is the part of a status line that says how things are.
func stateText(st *api.Status) string {
	return fmt.Sprintf("status %s; %d known, %s", linksText(st), st.Known, count(st.Bans, "ban"))
}

// rateText is the part that changes all the time.
func rateText(st *api.Status) string {
	if st.Rate == nil {
		return unknown + " in, " + unknown + " out"
	}
	return fmt.Sprintf("%s/s in, %s/s out", bytesText(st.Rate.InBytes), bytesText(st.Rate.OutBytes))
}
