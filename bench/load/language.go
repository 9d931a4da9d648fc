// Package load puts nodes to work over loopback, both ends in one process: one
// way, there and back, to many peers, or holding links that do nothing. It does
// the work and counts it; package bench times it and compares.
package load

import (
	"crypto/rand"
	"fmt"

	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/dialect/factom"
	"parley/dialect/tendermint"
	"parley/dialect/toy"
)

// Language is a dialect and how an application's messages look in it.
type Language struct {
	Name    string // as in the names of rows
	Dialect dialect.Dialect
	Type    uint32 // of application messages

	// fresh makes a dialect for one more node, where each needs an identity of
	// its own; nil where one serves all.
	fresh func() (dialect.Dialect, error)
}

// Languages returns the dialects that are measured in everything, the simplest
// first.
func Languages() ([]Language, error) {
	all := []Language{{Name: "toy", Dialect: toy.New(toy.Config{}), Type: toy.App}}
	for _, version := range []uint16{factom.V9, factom.V10, factom.V11} {
		d, err := factom.New(factom.Config{Version: version})
		if err != nil {
			return nil, err
		}
		all = append(all, Language{Name: fmt.Sprintf("factom-%d", version), Dialect: d, Type: factom.TypeMessage})
	}
	return all, nil
}

// Soter returns the dialect of Soter, whose checksum is a double SHA-256.
func Soter() (Language, error) {
	d, err := bitcoin.New(bitcoin.Config{Params: bitcoin.SoterMain()})
	if err != nil {
		return Language{}, err
	}
	return Language{Name: "soter", Dialect: d, Type: bitcoin.TypeTx}, nil
}

// cometChannel is the channel of transactions, whose messages have up to 2 MiB.
const cometChannel = 0x30

// CometBFT returns the dialect of CometBFT, which seals all it says.
func CometBFT() (Language, error) {
	l := Language{Name: "cometbft", Type: cometChannel, fresh: func() (dialect.Dialect, error) {
		key, err := tendermint.NewKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return tendermint.New(tendermint.Config{Key: key, Network: "bench", Channels: tendermint.NodeChannels()})
	}}
	var err error
	l.Dialect, err = l.fresh()
	return l, err
}

// dialect returns a dialect for one more node.
func (l Language) dialect() (dialect.Dialect, error) {
	if l.fresh == nil {
		return l.Dialect, nil
	}
	return l.fresh()
}

// message returns an application message. Its body must not change.
func (l Language) message(body []byte) dialect.Message {
	return dialect.Message{Type: l.Type, For: dialect.ToApp, Body: body}
}

// body returns size bytes that are neither equal nor random: a dialect that
// looks at them must not find them easier than real ones.
func body(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 131 >> 3)
	}
	return b
}
