package p2p

import (
	crand "crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"parley/addr"
	"parley/compat/tendermint/internal/bucket"
	"parley/dialect/tendermint"
	"parley/node"
)

const (
	needAddrs     = 1000            // below it more are wanted
	saveInterval  = 2 * time.Minute // between saves of what changed
	leastSelected = 32
	mostSelected  = 250
	percentOfAll  = 23
	badTime       = 24 * time.Hour // how long MarkBad keeps an address away
	maxOurs       = 64
)

// AddrBook is a book of addresses in the file formats of Tendermint and CometBFT:
// that in which it found the file, else that of 2014 unless a Switch speaks
// CometBFT. The secret that spreads addresses over buckets is kept with them, so
// that they stay where they are over a restart. Methods may be called from any
// goroutine.
type AddrBook struct {
	path   string
	strict bool
	log    *slog.Logger
	saving sync.Mutex // held while the file is written

	mu      sync.Mutex
	table   *bucket.Table
	ours    []*NetAddress
	comet   bool
	changed bool
	onBad   func(addr.Addr) // of the Switch that the book belongs to
	quit    chan struct{}   // not nil while it is started
	wg      sync.WaitGroup
}

// NewAddrBook returns an empty book for a file, which Start reads. Unless strict is
// false it takes no addresses that the public internet cannot reach.
func NewAddrBook(path string, strict ...bool) *AddrBook {
	var b [16]byte
	crand.Read(b[:])
	return &AddrBook{
		path: path, strict: len(strict) == 0 || strict[0], log: slog.New(slog.DiscardHandler),
		table: newTable(hex.EncodeToString(b[:12])),
	}
}

func newTable(key string) *bucket.Table {
	return bucket.New(key, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
}

// Start reads the file, and saves the book every two minutes until Stop. A file
// that cannot be read is set aside under another name, with a warning.
func (a *AddrBook) Start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quit != nil {
		return
	}
	a.load(time.Now())
	quit := make(chan struct{})
	a.quit = quit
	a.wg.Go(func() { a.saver(quit) })
}

// Stop saves the book.
func (a *AddrBook) Stop() {
	a.mu.Lock()
	quit := a.quit
	a.quit = nil
	a.mu.Unlock()
	if quit == nil {
		return
	}
	close(quit)
	a.wg.Wait()
}

func (a *AddrBook) saver(quit <-chan struct{}) {
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.Save()
		case <-quit:
			a.Save()
			return
		}
	}
}

// Save writes the file if the book has changed. A crash leaves the old one or
// the new.
func (a *AddrBook) Save() {
	a.saving.Lock()
	defer a.saving.Unlock()
	b, comet, changed := a.copy()
	if !changed || a.path == "" {
		return
	}
	format := b.Format2014
	if comet {
		format = b.Format
	}
	file, err := format()
	if err == nil {
		err = node.WriteFile(a.path, file)
	}
	if err != nil {
		a.log.Warn("address book not saved", "path", a.path, "err", err)
		a.mu.Lock()
		a.changed = true
		a.mu.Unlock()
	}
}

// copy returns what is to be saved, and whether it has changed since the last
// time.
func (a *AddrBook) copy() (b tendermint.AddrBook, comet, changed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed, a.changed = a.changed, false
	if !changed {
		return b, a.comet, false
	}
	b.Key = a.table.Key()
	for _, k := range a.table.All() {
		c := *k
		c.Buckets = slices.Clone(k.Buckets)
		b.Addrs = append(b.Addrs, c)
	}
	return b, a.comet, true
}

// load reads the file. Called with the lock.
func (a *AddrBook) load(now time.Time) {
	file, err := os.ReadFile(a.path)
	if errors.Is(err, fs.ErrNotExist) || a.path == "" {
		a.changed = true // the secret is worth keeping too
		return
	}
	var b *tendermint.AddrBook
	if err == nil {
		if b, err = tendermint.ParseAddrBook(file); err == nil {
			a.comet = true
		} else if old, err2014 := tendermint.ParseAddrBook2014(file); err2014 == nil {
			b, err = old, nil
		}
	}
	if err != nil {
		a.log.Warn("address book set aside", "path", a.path, "err", errors.Join(err, os.Rename(a.path, a.path+".damaged")))
		a.changed = true
		return
	}
	added := a.table.All()
	a.table = newTable(b.Key)
	for _, k := range b.Addrs {
		if a.takes(k.Addr.Addr) {
			a.table.Restore(now, k)
		}
	}
	for _, k := range added {
		a.table.Restore(now, *k)
	}
	a.changed = len(added) > 0
}

// takes reports whether an address may be in the book. Called with the lock.
func (a *AddrBook) takes(x addr.Addr) bool {
	for _, o := range a.ours {
		if o.engine() == x {
			return false
		}
	}
	return x.Dialable() && x.IP.IsValid() && (!a.strict || x.Routable())
}

// AddOurAddress says where this node can be dialed: that is never in the book.
func (a *AddrBook) AddOurAddress(na *NetAddress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.ours) < maxOurs {
		a.ours = append(a.ours, na)
	}
	a.changed = a.table.Remove(na.engine()) || a.changed
}

// OurAddresses returns what AddOurAddress was told.
func (a *AddrBook) OurAddresses() []*NetAddress {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*NetAddress(nil), a.ours...)
}

// AddAddress adds an address that src told of. The book is bounded: an address
// of a full bucket takes the place of the worst there.
func (a *AddrBook) AddAddress(na, src *NetAddress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.takes(na.engine()) {
		a.changed = a.table.Add(time.Now(), na.known(), src.known()) || a.changed
	}
}

func (na *NetAddress) known() tendermint.NetAddress {
	return tendermint.NetAddress{ID: na.ID, Addr: na.engine()}
}

// RemoveAddress removes an address.
func (a *AddrBook) RemoveAddress(na *NetAddress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed = a.table.Remove(na.engine()) || a.changed
}

// NeedMoreAddrs reports whether there are fewer than 1,000.
func (a *AddrBook) NeedMoreAddrs() bool { return a.Size() < needAddrs }

// Size returns how many addresses there are.
func (a *AddrBook) Size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.table.Len()
}

// Key returns the secret that spreads addresses over buckets.
func (a *AddrBook) Key() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.table.Key()
}

// PickAddress returns a random address, or nil if there is none: the larger newBias,
// from 0 to 100, the likelier one that nobody has proven.
func (a *AddrBook) PickAddress(newBias int) *NetAddress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := a.table.Pick(newBias); k != nil {
		return netAddress(k.Addr.Addr, k.Addr.ID)
	}
	return nil
}

// MarkGood says that an address works.
func (a *AddrBook) MarkGood(na *NetAddress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.table.Good(time.Now(), na.engine())
	a.changed = true
}

// MarkAttempt says that an address is dialed.
func (a *AddrBook) MarkAttempt(na *NetAddress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.table.Attempt(time.Now(), na.engine())
	a.changed = true
}

// MarkBad removes an address. In the book of a Switch it is banned as well, for 24
// hours, in both directions, and over restarts if there is a Config.PeersFile.
func (a *AddrBook) MarkBad(na *NetAddress) {
	a.mu.Lock()
	a.changed = a.table.Remove(na.engine()) || a.changed
	ban := a.onBad
	a.mu.Unlock()
	if ban != nil {
		ban(na.engine())
	}
}

// GetSelection returns some addresses to give to others: all up to 32, then 23 %,
// and 250 at most, in random order.
func (a *AddrBook) GetSelection() []*NetAddress {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.table.All()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	n := min(max(min(leastSelected, len(all)), len(all)*percentOfAll/100), mostSelected)
	some := make([]*NetAddress, n)
	for i := range some {
		some[i] = netAddress(all[i].Addr.Addr, all[i].Addr.ID)
	}
	return some
}

// every returns every address, the proven ones first, as the engine has them.
func (a *AddrBook) every() []tendermint.NetAddress {
	a.mu.Lock()
	defer a.mu.Unlock()
	var old, fresh []tendermint.NetAddress
	for _, k := range a.table.All() {
		if k.Old {
			old = append(old, k.Addr)
		} else {
			fresh = append(fresh, k.Addr)
		}
	}
	return append(old, fresh...)
}

// adopt makes the book that of a Switch.
func (a *AddrBook) adopt(sw *Switch) {
	a.mu.Lock()
	a.log = sw.log
	a.comet = sw.cfg.Protocol == CometBFT
	a.onBad = func(x addr.Addr) {
		if err := sw.ban(x, "", badTime, "marked bad by the application"); err != nil {
			sw.log.Warn("not banned", "addr", x, "err", err)
		}
	}
	a.mu.Unlock()
	a.Start()
}

// dialable returns every address, the proven ones first.
func (a *AddrBook) dialable() (as []addr.Addr) {
	for _, n := range a.every() {
		as = append(as, n.Addr)
	}
	return as
}
