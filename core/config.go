package core

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"parley/addr"
	"parley/core/book"
)

// Config holds the limits and habits of a node. Zero fields mean the default
// given with each, negative ones mean none or no limit.
//
// With Only, a peer that dials in is known by its IP. Host names in Always say
// nothing about an IP, so peers known by name are let in by the identity that
// the name led to when dialed, or by saying that they listen at it, which
// nobody can check: give IPs where that matters.
type Config struct {
	Outbound int // links to hold by dialing: 8; negative to dial Always alone
	Target   int // dial while there are fewer links than this in both directions; replaces Outbound if positive (CAT peering): 0
	Inbound  int // links to accept: 117; negative to accept none
	Total    int // links in both directions, attempts to dial among them: 0 for no limit
	Opening  int // inbound connections that may be opening at once: 64
	Dials    int // connection attempts at once: 16
	PerHost  int // inbound links from one IP, unless it is that of an Always peer: 4
	PerGroup int // outbound links into one network group, except on loopback and private networks: 2

	Twice bool // let in a peer whose identity has a link already; otherwise one of the two links ends. Tune does not change it

	Backoff time.Duration // first redial pause, doubling to 64 times, with jitter: 5s

	Rotate time.Duration // without CAT rounds: how often a node that has all the links it wants swaps the youngest it dialed for another address: 10m; negative for never

	RoundTime time.Duration // CAT rounds: how often links over DropTo are dropped at random: 0 for none
	DropTo    int           // links to keep in a round: 0 for all
	Offer     int           // addresses offered to a peer that is turned away: 3

	BanScore int           // blame at which a peer is banned, unless it is an Always peer: 100
	BanTime  time.Duration // how long such a ban lasts: 24h

	Always  []addr.Addr // peers to hold on to: dialed for ever, outside all limits, never dropped
	Trusted []string    // identities that are outside all limits, wherever they dial from, and never dropped
	Only    bool        // deal with Always alone: dial nobody else and admit nobody from another IP

	Book BookConfig
}

// BookConfig bounds the address book.
type BookConfig struct {
	Size      int // addresses in all: 16384
	PerGroup  int // addresses of one network group: 64; addresses on loopback and private networks have no such limit
	PerSource int // addresses that one peer may contribute: 256
	PerAnswer int // addresses to take from what one peer tells at once, at random: as many as there are; 1 with CAT peering
}

// Host is what the core needs from the program it runs in.
type Host struct {
	// Rand is the node's only source of randomness. It belongs to the core.
	Rand *rand.Rand
	// Nonce is the number this node introduces itself with. Of two links that
	// two nodes made to each other at once, that made by the higher stays.
	Nonce uint64
	// Traffic reports when the last whole message came in and the last batch
	// went out on a live link; see [dialect.View]. Nil means that nothing is
	// known, and every link counts as silent since it opened.
	Traffic func(id LinkID) (in, out time.Time)
}

// The defaults of Config.
const (
	defaultOutbound = 8
	defaultInbound  = 117
	defaultOpening  = 64
	defaultDials    = 16
	defaultPerHost  = 4
	defaultPerGroup = 2
	defaultBackoff  = 5 * time.Second
	defaultRotate   = 10 * time.Minute
	defaultOffer    = 3
	defaultBanScore = 100
	defaultBanTime  = 24 * time.Hour

	defaultSize      = 16384
	defaultBookGroup = 64
	defaultSource    = 256
)

// The bounds of Config.Backoff: the lower keeps a node without a pause from
// spinning, the upper keeps the doubled pause from overflowing.
const (
	minBackoff = time.Millisecond
	maxBackoff = 30 * 24 * time.Hour
)

// noLimit stands for what is not limited.
const noLimit = math.MaxInt32

// filled returns c with its defaults filled in and negative fields resolved,
// sharing nothing with it. Peers to hold on to that can not be dialed are left
// out, as are repetitions.
func (c Config) filled() Config {
	c.Outbound = count(c.Outbound, defaultOutbound, 0)
	c.Target = max(c.Target, 0)
	c.Inbound = count(c.Inbound, defaultInbound, 0)
	c.Total = max(c.Total, 0)
	c.Opening = count(c.Opening, defaultOpening, noLimit)
	c.Dials = count(c.Dials, defaultDials, noLimit)
	c.PerHost = count(c.PerHost, defaultPerHost, noLimit)
	c.PerGroup = count(c.PerGroup, defaultPerGroup, noLimit)
	c.Backoff = min(max(count(c.Backoff, defaultBackoff, 0), minBackoff), maxBackoff)
	c.Rotate = count(c.Rotate, defaultRotate, 0)
	c.RoundTime = max(c.RoundTime, 0)
	c.DropTo = max(c.DropTo, 0)
	c.Offer = count(c.Offer, defaultOffer, 0)
	c.BanScore = count(c.BanScore, defaultBanScore, noLimit)
	c.BanTime = count(c.BanTime, defaultBanTime, 0)
	c.Book.Size = count(c.Book.Size, defaultSize, noLimit)
	c.Book.PerGroup = count(c.Book.PerGroup, defaultBookGroup, noLimit)
	c.Book.PerSource = count(c.Book.PerSource, defaultSource, noLimit)
	c.Book.PerAnswer = count(c.Book.PerAnswer, noLimit, noLimit)
	c.Always = distinct(c.Always)
	c.Trusted = slices.Clone(c.Trusted)
	return c
}

// distinct returns the addresses that could be dialed, each once, in order.
func distinct(as []addr.Addr) []addr.Addr {
	var out []addr.Addr
	seen := map[addr.Addr]bool{}
	for _, a := range as {
		if a.Dialable() && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// count resolves a field: zero means def and a negative number means none.
func count[T int | time.Duration](v, def, none T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return none
	}
	return v
}

// book returns the limits of the address book.
func (c Config) book() book.Limits {
	return book.Limits{Size: c.Book.Size, PerGroup: c.Book.PerGroup, PerSource: c.Book.PerSource, Spread: c.PerGroup}
}
