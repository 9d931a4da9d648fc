package core

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

const (
	benchLinks = 1000
	benchKnown = 10_000
	benchCalls = 50_000
	// benchRuns is how often the same calls are made. What a call costs is the
	// least of these: the rest is the scheduler and other programs.
	benchRuns = 5
)

// driver makes random calls to a node of benchLinks links that knows
// benchKnown addresses, and times each. The same seed gives the same calls.
type driver struct {
	r     *rand.Rand
	n     *Node
	now   time.Time
	eff   Effects
	ids   []LinkID // open or opening
	fresh []LinkID // of these, the last ones made, to be introduced
	took  []time.Duration
	what  []string
}

func benchAddr(i int) addr.Addr {
	return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(11 + i%80), byte(i / 80 % 250), byte(i / 7), byte(i)}), 8000))
}

func newDriver(seed uint64) *driver {
	d := &driver{r: rand.New(rand.NewPCG(seed, 1)), now: epoch}
	h := Host{Rand: rand.New(rand.NewPCG(seed, 2)), Nonce: 1, Traffic: func(LinkID) (in, out time.Time) { return d.now, d.now }}
	cfg := Config{
		Outbound: benchLinks / 2, Inbound: benchLinks/2 + 50, Opening: 200, Dials: 32, PerHost: -1,
		RoundTime: 10 * time.Minute, DropTo: benchLinks - 5, BanTime: time.Hour,
		Book: BookConfig{Size: benchKnown},
	}
	var seeds []addr.Addr
	for i := range benchKnown {
		seeds = append(seeds, benchAddr(i))
	}
	d.n = New(cfg, fake{}, h, seeds...)
	d.call("wake", func() { d.n.Wake(d.now, &d.eff) })
	for i := 0; len(d.n.live) < benchLinks; i++ {
		if len(d.n.live) >= benchLinks/2 {
			d.accept()
		}
		for len(d.fresh) > 0 {
			d.introduce()
		}
	}
	return d
}

// call times one call and takes up the links that it made.
func (d *driver) call(what string, f func()) {
	d.eff.Reset()
	start := time.Now()
	f()
	d.took = append(d.took, time.Since(start))
	d.what = append(d.what, what)
	for _, x := range d.eff.Dial {
		d.born(x.Link)
	}
	for _, c := range d.eff.Close {
		d.gone(c.Link)
	}
}

func (d *driver) born(id LinkID) {
	d.ids = append(d.ids, id)
	d.fresh = append(d.fresh, id)
}

func (d *driver) gone(id LinkID) {
	if i := slices.Index(d.ids, id); i >= 0 {
		d.ids = slices.Delete(d.ids, i, i+1)
	}
}

func (d *driver) accept() {
	from := benchAddr(d.r.IntN(4 * benchKnown)).WithPort(uint16(1024 + d.r.IntN(60000)))
	d.call("accepted", func() {
		if id, err := d.n.Accepted(d.now, from); err == nil {
			d.born(id)
		}
	})
}

// introduce opens the link made last.
func (d *driver) introduce() {
	last := len(d.fresh) - 1
	id := d.fresh[last]
	d.fresh = d.fresh[:last]
	in := dialect.Intro{ID: fmt.Sprint("id", d.r.IntN(1<<20)), Nonce: d.r.Uint64(), Listen: addr.Addr{Port: 8000}, Info: "every 20s"}
	var err error
	d.call("admit", func() { err = d.n.Admit(d.now, id, in, &d.eff) })
	if err != nil {
		d.closed(id, err)
		return
	}
	d.call("opened", func() { d.n.Opened(d.now, id, in, &d.eff) })
}

func (d *driver) closed(id LinkID, why error) {
	d.gone(id)
	d.call("closed", func() { d.n.Closed(d.now, id, why, &d.eff) })
}

func (d *driver) why() error {
	switch k := d.r.IntN(20); {
	case k < 3:
		return fault.New(fault.Protocol, "bench", errors.New("bad message"))
	case k < 6:
		var offer []addr.Addr
		for range 6 {
			offer = append(offer, benchAddr(d.r.IntN(8*benchKnown)))
		}
		return fault.New(fault.Refused, "bench", &dialect.Refusal{Reason: "full", Offer: offer})
	}
	return fault.New(fault.IO, "bench", errors.New("gone"))
}

func (d *driver) message() []byte {
	switch d.r.IntN(4) {
	case 0:
		return []byte("share 32")
	case 1:
		b := []byte("learn")
		for range 32 {
			b = fmt.Appendf(b, " %v", benchAddr(d.r.IntN(8*benchKnown)))
		}
		return b
	case 2:
		return fmt.Appendf(nil, "send %d hello", d.ids[d.r.IntN(len(d.ids))])
	}
	return []byte("want")
}

func (d *driver) step() {
	id := d.ids[d.r.IntN(len(d.ids))]
	switch k := d.r.IntN(100); {
	case len(d.fresh) > 0 && k < 70:
		d.introduce()
	case k < 15:
		d.accept()
	case k < 25:
		d.closed(id, d.why())
	case k < 60:
		ms := []dialect.Message{{Body: d.message()}}
		d.call("received", func() { d.n.Received(d.now, id, ms, &d.eff) })
	case k < 65:
		d.call("sent", func() { d.n.Sent(d.now, id, []dialect.Message{{Type: 1}}, &d.eff) })
	case k < 67:
		b := Ban{Addr: benchAddr(d.r.IntN(2 * benchKnown)).HostOnly(), Until: d.now.Add(time.Hour)}
		d.call("ban", func() { d.n.Ban(d.now, b, &d.eff) })
	case k < 68:
		a := benchAddr(d.r.IntN(2 * benchKnown)).HostOnly()
		d.call("unban", func() { d.n.Unban(d.now, Within(a), &d.eff) })
	case k < 70:
		d.call("drop", func() { d.n.Drop(d.now, id, fault.Refused, &d.eff) })
	case k < 72:
		d.call("learn", func() { d.n.Learn(d.now, []addr.Addr{benchAddr(d.r.IntN(8 * benchKnown))}, &d.eff) })
	case k < 75:
		d.call("command", func() { d.n.Command(d.now, "links", &d.eff) })
	case k < 80:
		d.call("next", func() { d.n.Next() })
	default:
		d.now = d.now.Add(time.Duration(d.r.IntN(200)) * time.Millisecond)
		d.call("wake", func() { d.n.Wake(d.now, &d.eff) })
	}
}

// BenchmarkWorstCall reports how long the slowest of many random calls to a
// large node takes, and the slowest but one in a thousand.
func BenchmarkWorstCall(b *testing.B) {
	var least []time.Duration
	var what []string
	noisy := time.Duration(0)
	for b.Loop() {
		least, noisy = nil, 0
		for range benchRuns {
			d := newDriver(1)
			d.took, d.what = d.took[:0], d.what[:0]
			for len(d.took) < benchCalls {
				d.step()
			}
			noisy = max(noisy, slices.Max(d.took))
			least, what = fewest(least, d.took), d.what
			if len(d.n.live) < benchLinks*8/10 || d.n.book.Len() < benchKnown*9/10 {
				b.Fatalf("the node shrank to %d links and %d addresses", len(d.n.live), d.n.book.Len())
			}
		}
	}
	worst := map[string]time.Duration{}
	for i, t := range least {
		worst[what[i]] = max(worst[what[i]], t)
	}
	for _, w := range []string{"accepted", "admit", "opened", "received", "sent", "closed", "wake", "ban", "unban", "drop", "learn", "command", "next"} {
		b.ReportMetric(float64(worst[w].Nanoseconds())/1e3, w+"-worst-µs")
	}
	slices.Sort(least)
	b.ReportMetric(float64(least[len(least)-1].Nanoseconds())/1e3, "worst-µs")
	b.ReportMetric(float64(least[len(least)*999/1000].Nanoseconds())/1e3, "p99.9-µs")
	b.ReportMetric(float64(noisy.Nanoseconds())/1e3, "worst-with-noise-µs")
}

// fewest returns the lesser of each pair.
func fewest(a, b []time.Duration) []time.Duration {
	if a == nil {
		return b
	}
	for i := range a {
		a[i] = min(a[i], b[i])
	}
	return a
}

// BenchmarkWhole reports the longest single call of what is about every link or
// address: such work is spread over as many calls as it takes.
func BenchmarkWhole(b *testing.B) {
	works := map[string]func(d *driver){
		"state": func(d *driver) { d.call("", func() { d.n.State(d.now) }) },
		"save": func(d *driver) {
			s := new(Saved)
			for more := true; more; {
				d.call("", func() { more = d.n.Save(d.now, s) })
			}
		},
		"stop": func(d *driver) {
			d.call("", func() { d.n.Stop(d.now, nil, &d.eff) })
			d.wakes()
		},
		"tune": func(d *driver) {
			c := d.n.cfg
			c.Book = BookConfig{Size: benchKnown / 2, PerGroup: 20, PerSource: 10}
			c.Always, c.Outbound, c.Inbound = addrs("8.1.0.1:1", "8.2.0.1:1"), benchLinks/4, benchLinks/4
			d.call("", func() { d.n.Tune(d.now, c, &d.eff) })
			d.wakes()
		},
		"round": func(d *driver) {
			d.n.cfg.DropTo = benchLinks / 10
			d.now = d.n.round.next
			d.wakes()
		},
		"ban": func(d *driver) {
			for _, l := range d.n.made {
				l.listen = at("8.8.8.8:1") // as if all were of one machine
			}
			d.call("", func() { d.n.Ban(d.now, Ban{Addr: at("8.8.8.8"), Until: d.now.Add(time.Hour)}, &d.eff) })
			d.wakes()
		},
	}
	for name, f := range works {
		b.Run(name, func(b *testing.B) {
			var least []time.Duration
			for b.Loop() {
				d := newDriver(1)
				d.took, d.what = d.took[:0], d.what[:0]
				f(d)
				least = fewest(least, d.took)
			}
			b.ReportMetric(float64(least[0].Nanoseconds())/1e3, "first-µs")
			b.ReportMetric(float64(slices.Max(least).Nanoseconds())/1e3, "worst-µs")
			b.ReportMetric(float64(len(least)), "calls")
		})
	}
}

// wakes calls Wake as long as the node wants it at once.
func (d *driver) wakes() {
	for next := d.n.Next(); !next.IsZero() && !next.After(d.now); next = d.n.Next() {
		d.call("wake", func() { d.n.Wake(d.now, &d.eff) })
	}
}
