package speech

import (
	"fmt"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/dialect/factom"
)

// factomLanguages are the versions of factom-p2p. Messages of the application
// are bytes.
var factomLanguages = []Language{
	factomLanguage("factom/9", factom.V9),
	factomLanguage("factom/10", factom.V10),
	factomLanguage("factom/11", factom.V11),
}

// factomLanguage is that of nodes that speak one version with each other. Their
// NodeIDs are their numbers, from 1.
func factomLanguage(name string, version uint16) Language {
	return Language{
		Name: name, MaxBlock: MaxBlockSize + chain.HeaderSize, Trips: 1, Speaker: plainly(factom.TypeMessage),
		Dialect: func(s Seat) (dialect.Dialect, error) {
			d, err := factom.New(factom.Config{
				Version:             version,
				MinVersion:          version,
				NodeID:              uint32(s.Node + 1),
				MaxParcel:           2 * MaxBlockSize,
				PeerRequestInterval: askPeers,
			})
			if err != nil {
				return nil, fmt.Errorf("dialect: %w", err)
			}
			return d, nil
		},
	}
}
