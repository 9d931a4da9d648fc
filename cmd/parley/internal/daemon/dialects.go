package daemon

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"parley/config"
	"parley/dialect"
	"parley/dialect/factom"
)

// dialects makes each dialect that the setting of that name can choose.
var dialects = map[string]func(*config.Settings) (dialect.Dialect, error){
	"factom":    factomOf(factom.V11),
	"factom/9":  factomOf(factom.V9),
	"factom/10": factomOf(factom.V10),
	"factom/11": factomOf(factom.V11),
}

func factomOf(version uint16) func(*config.Settings) (dialect.Dialect, error) {
	return func(s *config.Settings) (dialect.Dialect, error) {
		if s.MinVersion != 0 && (s.MinVersion < int(factom.V9) || s.MinVersion > int(version)) {
			return nil, &config.Error{
				Field: "min-version", Value: fmt.Sprint(s.MinVersion), Origin: s.Origins["min-version"],
				Want: fmt.Sprintf("0 or a number from %d to %d", factom.V9, version),
			}
		}
		return factom.New(factom.Config{
			Version:    version,
			MinVersion: uint16(s.MinVersion),
			NodeID:     cmp.Or(s.NodeID, rand.Uint32()),
			MaxParcel:  s.MaxMessage,
		})
	}
}

// newDialect makes the dialect that the settings choose.
func newDialect(s *config.Settings) (dialect.Dialect, error) { return dialects[s.Dialect](s) }
