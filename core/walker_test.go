package core

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// walker drives a node at random, as a shell and its peers might.
type walker struct {
	r     *rand.Rand
	n     *Node
	cfg   Config
	now   time.Time
	eff   Effects
	open  map[LinkID]bool // asked for or accepted, and neither closed nor given up
	order []LinkID        // the same, for choosing
	up    map[LinkID]bool
	was   map[LinkID]bool // came up once
	log   []string        // every effect
	saved *Saved
	dials int   // allowed at once: those under way when the limits changed may go on
	err   error // of a call within a step
}

func walkConfig(r *rand.Rand) Config {
	c := Config{
		Outbound: 1 + r.IntN(6), Inbound: 1 + r.IntN(6), Opening: 1 + r.IntN(5), Dials: 1 + r.IntN(5),
		PerHost: 1 + r.IntN(3), PerGroup: 1 + r.IntN(3), Backoff: time.Duration(1+r.IntN(5)) * time.Second,
		BanScore: 100, BanTime: time.Minute,
		Book: BookConfig{Size: 30, PerGroup: 8, PerSource: 6},
	}
	if r.IntN(2) == 0 {
		c.Total = 1 + r.IntN(8)
	}
	c.Rotate = 20 * time.Second
	switch r.IntN(5) {
	case 0:
		c.Target = 1 + r.IntN(8)
	case 1:
		c.RoundTime, c.DropTo = 20*time.Second, 1+r.IntN(4)
	case 2:
		c.Only = true
	case 3:
		c.Outbound = -1
	}
	for range r.IntN(3) {
		c.Always = append(c.Always, walkAddr(r))
	}
	return c
}

// walkAddr returns one of few addresses, so that paths cross.
func walkAddr(r *rand.Rand) addr.Addr {
	switch r.IntN(8) {
	case 0:
		return at(fmt.Sprintf("127.0.0.1:%d", 1+r.IntN(8)))
	case 1:
		return at(fmt.Sprintf("10.0.0.%d:%d", 1+r.IntN(3), 1+r.IntN(3)))
	case 2:
		return at(fmt.Sprintf("n%d.example:1", r.IntN(3)))
	}
	return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, byte(r.IntN(6)), 0, byte(1 + r.IntN(4))}), uint16(1+r.IntN(2))))
}

func newWalker(seed uint64) *walker {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &walker{r: r, cfg: walkConfig(r), now: epoch, open: map[LinkID]bool{}, up: map[LinkID]bool{}, was: map[LinkID]bool{}}
	h := Host{Rand: rand.New(rand.NewPCG(seed, 8)), Nonce: 50, Traffic: func(id LinkID) (in, out time.Time) {
		return w.now.Add(-time.Duration(id%3) * time.Minute), w.now
	}}
	w.n = New(w.cfg, fake{}, h, walkAddrs(r, 5)...)
	w.n.Wake(w.now, &w.eff)
	w.err = w.perform()
	return w
}

func walkAddrs(r *rand.Rand, k int) (as []addr.Addr) {
	for range k {
		as = append(as, walkAddr(r))
	}
	return as
}

func (w *walker) intro() dialect.Intro {
	in := dialect.Intro{Nonce: w.r.Uint64N(100)}
	if w.r.IntN(4) > 0 {
		in.ID = fmt.Sprintf("id%d", w.r.IntN(12))
	}
	switch w.r.IntN(3) {
	case 0:
		in.Listen = walkAddr(w.r)
	case 1:
		in.Listen.Port = uint16(1 + w.r.IntN(3))
	}
	if w.r.IntN(6) == 0 {
		in.Info = fmt.Sprintf("bye end %d refused", w.someone())
	}
	return in
}

func (w *walker) someone() LinkID {
	if len(w.order) == 0 {
		return 99
	}
	return w.order[w.r.IntN(len(w.order))]
}

func (w *walker) why() error {
	switch k := fault.Kinds[w.r.IntN(len(fault.Kinds))]; {
	case w.r.IntN(20) == 0:
		return fault.New(fault.Local, "open", dialect.ErrSelf)
	case w.r.IntN(8) == 0:
		return fault.New(fault.Refused, "open", &dialect.Refusal{Reason: "full", Offer: walkAddrs(w.r, 3)})
	case k != fault.None:
		return fault.New(k, "walk", errors.New("chance"))
	}
	return nil
}

// step makes one call.
func (w *walker) step() {
	w.eff.Reset()
	id, n := w.someone(), w.n
	switch k := w.r.IntN(100); {
	case k < 18:
		w.arrive()
	case k < 40:
		w.introduce(id)
	case k < 55:
		w.gone(id)
		n.Closed(w.now, id, w.why(), &w.eff)
	case k < 57:
		n.Ended(w.now, id, fault.New(fault.IO, "read", io.EOF), &w.eff)
	case k < 70:
		n.Received(w.now, id, []dialect.Message{{Body: w.message()}, {Body: w.message()}}, &w.eff)
	case k < 72:
		n.Drop(w.now, id, w.why(), &w.eff)
	case k < 75:
		n.Learn(w.now, walkAddrs(w.r, 3), &w.eff)
	case k < 77:
		n.Ban(w.now, Ban{Addr: w.banAddr(), Until: w.now.Add(time.Duration(w.r.IntN(60)) * time.Second)}, &w.eff)
	case k < 78:
		n.Unban(w.now, Within(w.banAddr()), &w.eff)
	case k < 79:
		w.tune()
	case k < 80:
		w.saved = n.Saved(w.now)
		n.Restore(w.now, w.saved, &w.eff)
	default:
		w.now = w.now.Add(time.Duration(w.r.IntN(5000)) * time.Millisecond)
		n.Wake(w.now, &w.eff)
	}
}

func (w *walker) arrive() {
	if id, err := w.n.Accepted(w.now, walkAddr(w.r)); err == nil {
		w.born(id)
	}
	if w.r.IntN(10) == 0 {
		if id, err := w.n.Attached(w.now, walkAddr(w.r), w.r.IntN(2) == 0); err == nil {
			w.born(id)
		}
	}
}

func (w *walker) introduce(id LinkID) {
	in := w.intro()
	if err := w.n.Admit(w.now, id, in, &w.eff); err != nil {
		w.flush()
		w.gone(id)
		w.n.Closed(w.now, id, err, &w.eff)
		return
	}
	w.flush()
	if w.r.IntN(5) > 0 {
		w.n.Opened(w.now, id, in, &w.eff)
	}
}

// flush carries out the effects of one call before the next of the same step.
func (w *walker) flush() {
	w.err = errors.Join(w.err, w.perform())
	w.eff.Reset()
}

func (w *walker) tune() {
	if w.r.IntN(3) > 0 {
		return
	}
	w.cfg = walkConfig(w.r)
	w.n.Tune(w.now, w.cfg, &w.eff)
	w.dials = w.n.tally.dialing
}

func (w *walker) banAddr() addr.Addr {
	a := walkAddr(w.r)
	if w.r.IntN(2) == 0 {
		return a.HostOnly()
	}
	return a
}

func (w *walker) message() []byte {
	switch w.r.IntN(6) {
	case 0:
		return fmt.Appendf(nil, "send %d hello", w.someone())
	case 1:
		return fmt.Appendf(nil, "learn %v %v", walkAddr(w.r), walkAddr(w.r))
	case 2:
		return fmt.Appendf(nil, "wake %ds", w.r.IntN(20))
	case 3:
		return fmt.Appendf(nil, "share %d", w.r.IntN(6))
	case 4:
		return fmt.Appendf(nil, "end %d %v", w.someone(), fault.Kinds[w.r.IntN(len(fault.Kinds))])
	}
	return []byte("want")
}

func (w *walker) born(id LinkID) {
	w.open[id] = true
	w.order = append(w.order, id)
}

func (w *walker) gone(id LinkID) {
	delete(w.open, id)
	if i := slices.Index(w.order, id); i >= 0 {
		w.order = slices.Delete(w.order, i, i+1)
	}
}
