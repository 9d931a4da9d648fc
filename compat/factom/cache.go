package p2p

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/addr"
	"parley/compat/factom/internal/seeds"
	"parley/core"
	"parley/node"
)

const (
	maxCacheFile = 64 << 20 // bytes of a peer file
	maxCached    = 1 << 16  // peers and bans each that are taken from one
)

// PeerCache is what is kept between runs, in the form of the peer file.
type PeerCache struct {
	Bans  map[string]time.Time `json:"bans"` // by ip or ip:port, until when
	Peers []Endpoint           `json:"peers"`
}

// WriteToFile writes the cache to a file. A crash at any instant leaves the
// file as it was before or complete.
func (pc *PeerCache) WriteToFile(path string) error {
	whole := PeerCache{Bans: pc.Bans, Peers: pc.Peers}
	if whole.Bans == nil {
		whole.Bans = map[string]time.Time{} // the original crashes over null
	}
	if whole.Peers == nil {
		whole.Peers = []Endpoint{}
	}
	b, err := json.Marshal(whole)
	if err != nil {
		return fmt.Errorf("peer file: %w", err)
	}
	return node.WriteFile(path, b)
}

// cache is a network's store: what the engine wants to remember, in the form of
// the peer file.
type cache struct {
	n    *Network
	path string

	mu   sync.Mutex
	last []Endpoint // the connected peers when the network was stopped
}

// remember sets whom to save from now on.
func (c *cache) remember(peers []Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = peers
}

// connected returns whom to save.
func (c *cache) connected() []Endpoint {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last != nil {
		return last
	}
	return c.n.endpoints()
}

// Load implements [node.Store]. A damaged file is set aside.
func (c *cache) Load() (*core.Saved, error) {
	b, at, err := readFile(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var pc PeerCache
	if err := json.Unmarshal(b, &pc); err != nil {
		aside := c.path + ".damaged"
		c.n.log.Warn("damaged peer file set aside", "file", c.path, "as", aside, "err", err)
		return nil, os.Rename(c.path, aside)
	}
	if pc.Bans == nil && pc.Peers == nil {
		pc.Peers = legacyPeers(b, uint32(c.n.conf.Network))
	}
	s := &core.Saved{Time: at, Bans: pc.bans(time.Now())}
	if age := time.Since(at); age > c.n.conf.PeerCacheAge {
		c.n.log.Info("peers of the peer file are too old", "file", c.path, "age", age, "limit", c.n.conf.PeerCacheAge)
		return s, nil
	}
	s.Peers = pc.known(at)
	return s, nil
}

// legacyPeers reads the peers.json of factomd 6.6, an object by ip:port, of which
// it takes the peers of one network.
func legacyPeers(b []byte, network uint32) []Endpoint {
	var by map[string]struct {
		Address, Port string
		Network       uint32
	}
	if json.Unmarshal(b, &by) != nil {
		return nil
	}
	var all []Endpoint
	for _, key := range slices.Sorted(maps.Keys(by)) {
		if p := by[key]; p.Network == network {
			all = append(all, Endpoint{IP: p.Address, Port: p.Port})
		}
	}
	return all
}

// readFile returns a file and when it was written.
func readFile(path string) ([]byte, time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCacheFile+1))
	if err == nil && len(b) > maxCacheFile {
		err = fmt.Errorf("peer file %s: over the limit of %d bytes", path, maxCacheFile)
	}
	return b, fi.ModTime(), err
}

// known returns the peers in the engine's form, those to be dialed first.
// Endpoints that can not be dialed are left out.
func (pc *PeerCache) known(at time.Time) []core.Known {
	var all []core.Known
	for _, ep := range pc.Peers[:min(len(pc.Peers), maxCached)] {
		if a, err := ep.addr(); err == nil && a.Dialable() {
			all = append(all, core.Known{Addr: a, Seen: at, Anchor: true})
		}
	}
	return all
}

// bans returns the bans that are not over in the engine's form.
func (pc *PeerCache) bans(now time.Time) []core.Ban {
	var all []core.Ban
	for key, until := range pc.Bans {
		if a, ok := banned(key); ok && until.After(now) && len(all) < maxCached {
			all = append(all, core.Ban{Addr: a, Until: until, Why: "peer file"})
		}
	}
	return all
}

// banned reads the key of a ban: ip, ip:port, or either with a host name.
func banned(key string) (addr.Addr, bool) {
	var a addr.Addr
	if err := a.UnmarshalText([]byte(key)); err == nil {
		return a, !a.IsZero()
	}
	a, err := addr.Join(strings.Trim(key, "[]"), "1")
	return a.HostOnly(), err == nil
}

// Save implements [node.Store]. Besides the connected peers it keeps some that
// were connected lately, so that a node that lost all of them before it was
// stopped does not depend on its seeds.
func (c *cache) Save(s *core.Saved) error {
	pc := PeerCache{Bans: map[string]time.Time{}, Peers: slices.Clone(c.connected())}
	for _, b := range s.Bans {
		if k := b.Addr.String(); b.Until.After(pc.Bans[k]) { // several identities may be banned there
			pc.Bans[k] = b.Until
		}
	}
	for _, k := range s.Peers {
		if len(pc.Peers) >= int(c.n.conf.MaxPeers) {
			break
		}
		ep := endpointOf(k.Addr)
		if k.Tries == 0 && s.Time.Sub(k.Seen) < c.n.conf.PeerCacheAge && !slices.Contains(pc.Peers, ep) {
			pc.Peers = append(pc.Peers, ep)
		}
	}
	return pc.WriteToFile(c.path)
}

const (
	seedRetry    = 5 * time.Second // after the first list that could not be had, then doubling
	seedRetryMax = 10 * time.Minute
	maxBadLines  = 10 // told one by one; more are counted
)

// WebScanner calls f with every line of what is at an http, https or file URL
// or a path. All of it must come within 30 seconds and be at most 1 MiB long;
// lines that came before an error have been seen by f.
func WebScanner(url string, f func(line string)) error {
	return seeds.Lines(context.Background(), url, f)
}

// reseed keeps the node supplied with the addresses of the seed list: at the
// start, at every PeerReseedInterval, and when there are too few peers. It is
// the one goroutine that waits for seed servers, so one that does not answer
// holds up nothing else.
func (n *Network) reseed(ctx context.Context) {
	if n.conf.SeedURL == "" {
		return
	}
	retry := seedRetry
	for ctx.Err() == nil {
		if n.fetch(ctx) {
			retry = seedRetry
			n.content(ctx)
			continue
		}
		pause(ctx, retry/2+rand.N(retry))
		retry = min(2*retry, seedRetryMax)
	}
}

// reseedPause is how long a node with too few peers waits before it looks at
// the seed list again.
const reseedPause = time.Minute

// content returns when the seed list is needed again: it is due, or there are
// too few peers.
func (n *Network) content(ctx context.Context) {
	due := time.Now().Add(n.conf.PeerReseedInterval)
	for ctx.Err() == nil {
		pause(ctx, min(reseedPause, max(seedRetry, time.Until(due))))
		if !time.Now().Before(due) || n.Total() < int(n.conf.MinReseed) {
			return
		}
	}
}

// pause waits for a time, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// fetch takes the seed list and reports whether there were addresses in it.
func (n *Network) fetch(ctx context.Context) bool {
	all, bad, err := seeds.Fetch(ctx, n.conf.SeedURL)
	if ctx.Err() != nil {
		return false
	}
	for _, b := range bad[:min(len(bad), maxBadLines)] {
		n.log.Warn("bad line in seed list", "list", n.conf.SeedURL, "line", b.Line, "err", b.Err)
	}
	if more := len(bad) - maxBadLines; more > 0 {
		n.log.Warn("more bad lines in seed list", "list", n.conf.SeedURL, "lines", more)
	}
	if err != nil {
		n.log.Warn("seed list could not be read", "list", n.conf.SeedURL, "err", err)
	}
	if len(all) == 0 {
		return false
	}
	if err := n.node.Learn(all); err != nil {
		n.log.Warn("seeds were not taken", "err", err)
		return false
	}
	n.log.Info("seed list read", "list", n.conf.SeedURL, "addresses", len(all), "bad", len(bad))
	return true
}
