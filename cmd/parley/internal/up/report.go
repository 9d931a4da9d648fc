package up

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/cmd/parley/internal/show"
)

// report is how a run went. It is the object that --json prints; its fields
// are a promise to scripts. What is not known is null.
type report struct {
	Nodes            int               `json:"nodes"`
	Links            int               `json:"links"` // at the end
	Blocks           uint64            `json:"blocks"`
	Expected         uint64            `json:"expected"`  // blocks, times nodes that did not make them and are up
	Delivered        uint64            `json:"delivered"` // of these
	Duplicates       uint64            `json:"duplicates"`
	Propagation      spread            `json:"propagation_ms"`
	BytesSent        uint64            `json:"bytes_sent"` // on links, by all nodes
	BytesPerDelivery *float64          `json:"bytes_per_delivery"`
	Faults           map[string]uint64 `json:"faults"` // ends of links by kind, but for those we ended by stopping a node
	Seed             uint64            `json:"seed"`
}

// spread says how long blocks took to arrive at nodes, in milliseconds. Nodes
// that were down count from when the block was made.
type spread struct {
	P50 *float64 `json:"p50"`
	P90 *float64 `json:"p90"`
	P99 *float64 `json:"p99"`
	Max *float64 `json:"max"`
}

// report sums up. Nodes that are down count neither as expected nor delivered.
func (n *network) report() report {
	r := report{Nodes: n.opt.nodes, Links: len(n.links()), Faults: map[string]uint64{}, Seed: n.opt.seed}
	n.book.sum(&r, n.alive())
	for _, m := range n.members {
		r.BytesSent += m.app.traffic().outBytes
		for kind, count := range m.app.copyFaults() {
			r.Faults[kind] += count
		}
	}
	if r.Delivered > 0 {
		each := float64(r.BytesSent) / float64(r.Delivered)
		r.BytesPerDelivery = &each
	}
	return r
}

// sum fills in what the ledger knows.
func (l *ledger) sum(r *report, alive []*member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Blocks = l.made
	for _, m := range alive {
		t := &l.nodes[m.index]
		r.Expected += l.made - t.made
		r.Delivered += t.arrived
	}
	for i := range l.nodes {
		r.Duplicates += l.nodes[i].duplicates
	}
	at := func(p float64) *float64 {
		d, ok := l.spread.Percentile(p)
		if !ok {
			return nil
		}
		ms := float64(d.Microseconds()) / 1000
		return &ms
	}
	r.Propagation = spread{P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// fails says what went wrong, or "" if every block reached every node that was
// up for it.
func (r *report) fails() string {
	switch {
	case r.Blocks == 0:
		return "no block was made"
	case r.Delivered != r.Expected:
		return fmt.Sprintf("%d of %d deliveries did not arrive", r.Expected-r.Delivered, r.Expected)
	}
	return ""
}

// writeJSON writes the report as one line of JSON.
func (r *report) writeJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// writeText writes the report for people.
func (r *report) writeText(w io.Writer, o *options, took time.Duration) error {
	each := show.Unknown
	if r.BytesPerDelivery != nil {
		each = show.Bytes(*r.BytesPerDelivery)
	}
	_, err := fmt.Fprintf(w, `
%d blocks of %s in %v by %d nodes (%s, %s, %d links, seed %d)
delivered    %d of %d, and %d duplicates
propagation  p50 %s  p90 %s  p99 %s  max %s
sent         %s, %s per delivery
faults       %s
`,
		r.Blocks, show.Bytes(float64(o.blockSize)), took.Round(100*time.Millisecond), r.Nodes,
		o.dialect, o.topology, r.Links, r.Seed,
		r.Delivered, r.Expected, r.Duplicates,
		millis(r.Propagation.P50), millis(r.Propagation.P90), millis(r.Propagation.P99), millis(r.Propagation.Max),
		show.Bytes(float64(r.BytesSent)), each,
		listed(r.Faults))
	return err
}

func millis(ms *float64) string {
	if ms == nil {
		return show.Unknown
	}
	return show.Duration(time.Duration(*ms * float64(time.Millisecond)))
}

func listed(faults map[string]uint64) string {
	if len(faults) == 0 {
		return "none"
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(faults)) {
		words = append(words, fmt.Sprintf("%s %d", kind, faults[kind]))
	}
	return strings.Join(words, ", ")
}
