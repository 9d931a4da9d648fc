package tongue

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"parley/addr"
	"parley/config"
	"parley/core"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/node"
)

var cometTongue = Tongue{
	Speak: speakComet, Agent: slashed, Kind: channel,
	Import: func(_ *config.Settings, file []byte) (*core.Saved, error) {
		return importBook(tendermint.ParseAddrBook(file))
	},
}

var tendermint2014Tongue = Tongue{
	Speak: speak2014, Agent: slashed, Kind: channel,
	Import: func(_ *config.Settings, file []byte) (*core.Saved, error) {
		return importBook(tendermint.ParseAddrBook2014(file))
	},
}

// speakComet makes a node that takes what comes on its channels, and says nothing
// there.
func speakComet(s *config.Settings) (*Spoken, error) {
	key, err := nodeKey(s.NodeKeyFile)
	if err != nil {
		return nil, fmt.Errorf("node-key-file: %w", err)
	}
	var told []tendermint.NetAddress
	err = readImport(s, func(file []byte) (err error) {
		told, err = toldBy(file)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := append(append([]tendermint.NetAddress{}, s.PersistentPeers...), s.Seeds...)
	keep := slices.Clone(s.PersistentPeers)
	for _, id := range s.Unconditional {
		keep = append(keep, tendermint.NetAddress{ID: id})
	}
	d, err := tendermint.New(tendermint.Config{
		Key:      key,
		Network:  s.Network,
		Moniker:  s.Moniker,
		Channels: channelsOf(s),
		NoPEX:    !s.PEX,
		Seed:     s.SeedMode,
		Peers:    known,
		Told:     told,
		Private:  s.Private,
		Keep:     keep,
	})
	if err != nil {
		return nil, err
	}
	var seeds []addr.Addr
	for _, n := range s.Seeds {
		seeds = append(seeds, n.Addr)
	}
	return &Spoken{Dialect: d, ID: d.ID(), Full: node.Refuse, Seeds: seeds}, nil
}

// speak2014 makes a node of 2014, which has no key.
func speak2014(s *config.Settings) (*Spoken, error) {
	d, err := tendermint.New2014(tendermint.Config2014{
		December: s.Dialect == "tendermint2014/december",
		Channels: channelsOf(s),
		NoPEX:    !s.PEX,
	})
	if err != nil {
		return nil, err
	}
	return &Spoken{Dialect: d, Full: node.Refuse}, nil
}

// channelsOf returns the channels of the settings, on which no message may be
// longer than the settings allow.
func channelsOf(s *config.Settings) []tendermint.Channel {
	var cs []tendermint.Channel
	for _, c := range s.Channels {
		if c.MaxMessage == 0 || c.MaxMessage > s.MaxMessage {
			c.MaxMessage = s.MaxMessage
		}
		cs = append(cs, c)
	}
	return cs
}

func channel(m dialect.Message) string { return fmt.Sprintf("channel 0x%02x", m.Type) }

// maxKeyFile is the most bytes of a key file that are read. It takes 171.
const maxKeyFile = 4 << 10

// nodeKey reads the key in a file, or makes one there, for its owner's eyes alone.
// Which of several programs that start at once makes it does not matter: they all
// use the one that was first.
func nodeKey(path string) (ed25519.PrivateKey, error) {
	b, err := readFile(path, maxKeyFile)
	if err == nil {
		key, err := tendermint.ParseKey(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := tendermint.NewKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if b, err = tendermint.FormatKey(key); err != nil {
		return nil, err
	}
	switch err := writeNew(path, b); {
	case errors.Is(err, fs.ErrExist):
		return nodeKey(path)
	case err != nil:
		return nil, err
	}
	return key, nil
}

// writeNew makes a file that was not there, whole or not at all.
func writeNew(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".node_key") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path) // fails if it is there by now
}

// toldBy returns who is where by a book that is to be taken over: the brain
// remembers addresses alone.
func toldBy(file []byte) ([]tendermint.NetAddress, error) {
	b, err := tendermint.ParseAddrBook(file)
	if err != nil {
		return nil, err
	}
	told := make([]tendermint.NetAddress, 0, len(b.Addrs))
	for _, e := range b.Addrs {
		told = append(told, e.Addr)
	}
	return told, nil
}

// importBook takes the addresses of a book.
func importBook(b *tendermint.AddrBook, err error) (*core.Saved, error) {
	if err != nil {
		return nil, err
	}
	saved := &core.Saved{}
	for i, e := range b.Addrs {
		if i == maxImport {
			return nil, fmt.Errorf("address book: %d entries, limit %d", len(b.Addrs), maxImport)
		}
		if e.Addr.Addr.Dialable() {
			saved.Peers = append(saved.Peers, known(e.Addr.Addr, e.LastSuccess, e.Attempts))
		}
	}
	return saved, nil
}
