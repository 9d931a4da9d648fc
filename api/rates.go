package api

import (
	"sync"
	"time"

	"parley/stats"
)

// rates turns counters of two moments into traffic per second.
type rates struct {
	mu    sync.Mutex
	total *Rate
	links map[uint64]*Rate

	// Owned by the sampler.
	last     time.Time
	lastSum  Totals
	lastLink map[uint64]Totals
}

// add takes the counters of one moment. Links that were not there the last time
// have no rate yet.
func (r *rates) add(s *stats.Snapshot) {
	span := s.Time.Sub(r.last).Seconds()
	first := r.last.IsZero() || span <= 0
	sum := Totals(s.Total)
	now := make(map[uint64]Totals, len(s.Links))
	links := make(map[uint64]*Rate, len(s.Links))
	for i := range s.Links {
		row := &s.Links[i]
		if row.Opening {
			continue
		}
		t := Totals{row.InBytes, row.InMsgs, row.OutBytes, row.OutMsgs, row.Dropped}
		if old, ok := r.lastLink[row.ID]; ok && !first {
			links[row.ID] = between(old, t, span)
		}
		now[row.ID] = t
	}
	var total *Rate
	if !first {
		total = between(r.lastSum, sum, span)
	}
	r.last, r.lastSum, r.lastLink = s.Time, sum, now
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total, r.links = total, links
}

func (r *rates) get() (total *Rate, links map[uint64]*Rate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total, r.links
}

func between(a, b Totals, span float64) *Rate {
	per := func(from, to uint64) float64 { return float64(to-min(from, to)) / span }
	return &Rate{
		Span:    span,
		InBytes: per(a.InBytes, b.InBytes), InMsgs: per(a.InMsgs, b.InMsgs),
		OutBytes: per(a.OutBytes, b.OutBytes), OutMsgs: per(a.OutMsgs, b.OutMsgs),
	}
}
