// Package speech is what the nodes of `parley up` say to each other: for each
// dialect, how a block is published and what a message means. What is to be said
// package chain decides.
package speech

import (
	"crypto/sha256"
	"slices"
	"time"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
)

// Language is what the nodes of a network speak with each other. A new one is a
// file of its own, and a word in All.
type Language struct {
	Name     string
	MaxBlock int // most bytes of a block, its header among them
	Trips    int // how often a node waits for another to get a block that it lacks

	// Dialect returns the dialect of one node, in each of its lives.
	Dialect func(Seat) (dialect.Dialect, error)
	// Speaker returns how one node says and understands what its chain deals
	// in. It lives as long as the chain.
	Speaker func(*chain.Chain, Limits) Speaker
}

// Seat is where in which network a node is.
type Seat struct {
	Node    int    // from 0
	Network uint32 // which other runs do not have
	Seed    uint64 // of all random choices
}

// Limits are those of a speaker. All fields are required.
type Limits struct {
	Keep  int           // blocks that a chain keeps
	Batch int           // blocks to name in one answer
	Wait  time.Duration // for a block that was asked for, before another neighbor is
}

// Speaker stands between the chain of one node and the messages of a dialect.
// It is not safe for concurrent use.
type Speaker interface {
	// Say returns how a message of our own chain goes over the wire. It reports
	// false for what this language does not say.
	Say(m chain.Message) (dialect.Message, bool)
	// Hear reads a message of a neighbor, whose body is lent and has a SHA-256.
	// It returns what the chain is to be told, and what to answer the neighbor
	// at once.
	Hear(now time.Time, m dialect.Message, sum [sha256.Size]byte) (told []chain.Message, answers []dialect.Message, err error)
}

// All returns every language, in the order of the help.
func All() []Language { return slices.Concat(factomLanguages, bitcoinLanguages, tendermintLanguages) }

// Names returns the names of all languages.
func Names() []string {
	var names []string
	for _, l := range All() {
		names = append(names, l.Name)
	}
	return names
}

// Of returns the language of a name.
func Of(name string) (Language, bool) {
	all := All()
	i := slices.IndexFunc(all, func(l Language) bool { return l.Name == name })
	if i < 0 {
		return Language{}, false
	}
	return all[i], true
}

// MaxBlockSize is the most bytes that a block may have besides its header, in
// languages that have no limit of their own.
const MaxBlockSize = 4 << 20

// askPeers is how often nodes that discover each other ask for addresses. Real
// networks have more time.
const askPeers = time.Second

// plain is the Speaker of dialects that carry bytes of the application: they go
// as the chain writes them, in messages of one type.
type plain uint32

// plainly returns the speakers of such a dialect.
func plainly(typ uint32) func(*chain.Chain, Limits) Speaker {
	return func(*chain.Chain, Limits) Speaker { return plain(typ) }
}

// Say implements [Speaker].
func (p plain) Say(m chain.Message) (dialect.Message, bool) {
	return dialect.Message{Type: uint32(p), For: dialect.ToApp, Body: m.Body}, true
}

// Hear implements [Speaker].
func (p plain) Hear(_ time.Time, m dialect.Message, _ [sha256.Size]byte) ([]chain.Message, []dialect.Message, error) {
	if m.Type != uint32(p) {
		return nil, nil, nil
	}
	c, err := chain.Parse(m.Body)
	if err != nil {
		return nil, nil, err
	}
	return []chain.Message{c}, nil, nil
}
