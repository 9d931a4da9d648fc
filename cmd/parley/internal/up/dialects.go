package up

import (
	"fmt"
	"slices"
	"time"

	"parley/dialect"
	"parley/dialect/factom"
)

// language is a dialect that `parley up` can speak.
type language struct {
	name  string
	block uint32 // the type of the application's messages
	speak func(node int) (dialect.Dialect, error)
}

var languages = []language{
	{"factom/9", factom.TypeMessage, speakFactom(factom.V9)},
	{"factom/10", factom.TypeMessage, speakFactom(factom.V10)},
	{"factom/11", factom.TypeMessage, speakFactom(factom.V11)},
}

// dialects returns the names that --dialect takes.
func dialects() []string {
	var names []string
	for _, l := range languages {
		names = append(names, l.name)
	}
	return names
}

// languageOf returns the language of a name that options.check has accepted.
func languageOf(name string) language {
	return languages[slices.IndexFunc(languages, func(l language) bool { return l.name == name })]
}

// askPeers is how often nodes that discover each other ask for addresses. Real
// networks have more time.
const askPeers = time.Second

// speakFactom returns nodes that speak one version with each other. Their
// NodeIDs are their numbers, from 1.
func speakFactom(version uint16) func(int) (dialect.Dialect, error) {
	return func(node int) (dialect.Dialect, error) {
		d, err := factom.New(factom.Config{
			Version:             version,
			MinVersion:          version,
			NodeID:              uint32(node + 1),
			MaxParcel:           2 * maxBlockSize,
			PeerRequestInterval: askPeers,
		})
		if err != nil {
			return nil, fmt.Errorf("dialect: %w", err)
		}
		return d, nil
	}
}
