package tongue

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"parley/addr"
	"parley/config"
	"parley/core"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/node"
)

var bitcoinTongue = Tongue{
	Speak:  speakBitcoin,
	Agent:  func(version string) string { return "parley:" + version }, // BIP14
	Kind:   command,
	Import: importBitcoin,
}

// speakBitcoin makes a node that offers nothing: it has no blocks.
func speakBitcoin(s *config.Settings) (*Spoken, error) {
	p, ok := s.BitcoinParams()
	if !ok {
		return nil, wrong(s, "network", s.Network, "a network of "+s.Dialect)
	}
	d, err := bitcoin.New(bitcoin.Config{Params: p})
	if err != nil {
		return nil, err
	}
	return &Spoken{Dialect: d, Network: p.Net, Full: node.Disconnect}, nil
}

// command returns the command of a message.
func command(m dialect.Message) string {
	if name, ok := bitcoin.CommandName(m.Type); ok {
		return name
	}
	name, _, err := bitcoin.SplitOther(m)
	if err != nil {
		return typed(m)
	}
	return name
}

// peersFile is the peers.json of soterd and btcd (addrmgr, versions 1 and 2, of
// which the second only adds what an address offers). Buckets are not looked at:
// our book has its own.
type peersFile struct {
	Version   int
	Addresses []json.RawMessage
}

type peersEntry struct {
	Addr        string
	Attempts    int
	LastSuccess int64 // seconds since 1970, negative for never
}

// importBitcoin reads a peers.json. Hidden services are left out.
func importBitcoin(_ *config.Settings, file []byte) (*core.Saved, error) {
	var f peersFile
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, fmt.Errorf("peers file: %w", describe(file, err))
	}
	switch {
	case f.Version != 1 && f.Version != 2:
		return nil, fmt.Errorf("peers file: Version: %d, want 1 or 2", f.Version)
	case len(f.Addresses) > maxImport:
		return nil, fmt.Errorf("peers file: Addresses: %d entries, limit %d", len(f.Addresses), maxImport)
	}
	saved := &core.Saved{}
	for i, raw := range f.Addresses {
		var e peersEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("peers file: Addresses[%d]: %w", i, err)
		}
		if host, _, _ := strings.Cut(e.Addr, ":"); strings.HasSuffix(strings.ToLower(host), ".onion") {
			continue
		}
		a, err := addr.Parse(e.Addr)
		if err == nil && !a.Dialable() {
			err = fmt.Errorf("%s can not be dialed", a)
		}
		if err != nil {
			return nil, fmt.Errorf("peers file: Addresses[%d]: Addr: %w", i, err)
		}
		saved.Peers = append(saved.Peers, known(a, time.Unix(e.LastSuccess, 0), e.Attempts))
	}
	return saved, nil
}
