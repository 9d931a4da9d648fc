package speech

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/dialect/tendermint"
)

// tendermintLanguages are CometBFT's and those of 2014: with Agents, from
// September, and with Reactors, from December. Everything goes on one channel,
// because the chain counts on it that what is told of a block comes after it.
var tendermintLanguages = []Language{
	tendermintLanguage("cometbft", speakComet),
	tendermintLanguage("tendermint2014", speak2014(false)),
	tendermintLanguage("tendermint2014/december", speak2014(true)),
}

// blockChannel is the channel on which CometBFT's nodes catch up. The priority
// says nothing where it is alone.
var blockChannel = tendermint.Channel{ID: 0x40, Priority: 5, MaxMessage: 2 * MaxBlockSize}

func tendermintLanguage(name string, speak func(Seat) (dialect.Dialect, error)) Language {
	return Language{
		Name: name, MaxBlock: MaxBlockSize + chain.HeaderSize, Trips: 1,
		Speaker: plainly(uint32(blockChannel.ID)), Dialect: speak,
	}
}

// speakComet gives each node a key of its own, which it keeps over its lives.
// Nodes of other runs are on another chain.
func speakComet(s Seat) (dialect.Dialect, error) {
	b := binary.BigEndian.AppendUint64([]byte("parley up"), s.Seed)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(s.Node)))
	key, err := tendermint.NewKey(bytes.NewReader(sum[:]))
	if err != nil {
		return nil, fmt.Errorf("dialect: %w", err)
	}
	return asDialect(tendermint.New(tendermint.Config{
		Key:      key,
		Network:  fmt.Sprintf("parley-up-%08x", s.Network),
		Moniker:  fmt.Sprintf("node%d", s.Node),
		Channels: []tendermint.Channel{blockChannel},
		Ask:      askPeers, AskAgain: askPeers,
	}))
}

// speak2014 returns nodes that cannot tell networks apart, since theirs did not.
func speak2014(december bool) func(Seat) (dialect.Dialect, error) {
	return func(Seat) (dialect.Dialect, error) {
		return asDialect(tendermint.New2014(tendermint.Config2014{
			December: december,
			Channels: []tendermint.Channel{blockChannel},
			Ask:      askPeers, AskAgain: askPeers,
		}))
	}
}

// asDialect keeps a nil pointer from becoming a dialect.
func asDialect(d *tendermint.Dialect, err error) (dialect.Dialect, error) {
	if err != nil {
		return nil, fmt.Errorf("dialect: %w", err)
	}
	return d, nil
}
