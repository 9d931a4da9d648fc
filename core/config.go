package core

import (
	"math/rand/v2"
	"time"

	"parley/addr"
)

// Config holds the limits and habits of a node. Zero fields mean the default
// given with each, negative ones mean none or no limit.
type Config struct {
	Outbound int // links to hold by dialing: 8; negative to dial Always alone
	Target   int // dial while there are fewer links than this in both directions; replaces Outbound if positive (CAT peering): 0
	Inbound  int // links to accept: 117; negative to accept none
	Opening  int // inbound connections that may be opening at once: 64
	Dials    int // connection attempts at once: 16
	PerHost  int // inbound links from one IP: 4
	PerGroup int // outbound links into one network group: 2

	Backoff time.Duration // first redial pause, doubling to 64 times, with jitter: 5s

	RoundTime time.Duration // CAT rounds: how often links over DropTo are dropped at random: 0 for none
	DropTo    int           // links to keep in a round: 0 for all
	Offer     int           // addresses offered to a peer that is turned away: 3

	BanScore int           // blame at which a peer is banned: 100
	BanTime  time.Duration // how long such a ban lasts: 24h

	Always []addr.Addr // peers to hold on to: dialed for ever, outside all limits, never dropped
	Only   bool        // deal with Always alone: dial nobody else and admit nobody from another IP

	Book BookConfig
}

// BookConfig bounds the address book.
type BookConfig struct {
	Size      int // addresses in all: 16384
	PerGroup  int // addresses of one network group: 64; addresses on loopback and private networks have no such limit
	PerSource int // addresses that one peer may contribute: 256
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
