package tongue

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"parley/config"
	"parley/dialect/factom"
	"parley/node"
)

var factomTongue = Tongue{Speak: speakFactom, Check: checkFactom, Agent: slashed, Kind: typed}

// factomVersions are the newest versions that the names of the dialect stand for.
var factomVersions = map[string]uint16{"factom": factom.V11, "factom/9": factom.V9, "factom/10": factom.V10, "factom/11": factom.V11}

func checkFactom(s *config.Settings) error {
	version := factomVersions[s.Dialect]
	if s.MinVersion != 0 && (s.MinVersion < int(factom.V9) || s.MinVersion > int(version)) {
		return wrong(s, "min-version", fmt.Sprint(s.MinVersion), fmt.Sprintf("0 or a number from %d to %d", factom.V9, version))
	}
	return nil
}

func speakFactom(s *config.Settings) (*Spoken, error) {
	version := factomVersions[s.Dialect]
	if err := checkFactom(s); err != nil {
		return nil, err
	}
	d, err := factom.New(factom.Config{
		Version:    version,
		MinVersion: uint16(s.MinVersion),
		NodeID:     cmp.Or(s.NodeID, rand.Uint32()),
		MaxParcel:  s.MaxMessage,
	})
	if err != nil {
		return nil, err
	}
	return &Spoken{Dialect: d, Network: s.NetworkID(), Full: node.DropOldest}, nil
}
