package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

var factomFamily = family{
	dialects: []string{"factom/11", "factom/10", "factom/9", "factom"},
	network:  "LOCAL",
	want:     "MAIN, TEST, LOCAL or CUSTOM",
	find:     findFactom,
	own:      []string{"min-version", "node-id", "custom-network"},
}

// The networks of Factom (factomd 1.1, 2). Local is the default, so that nothing
// reaches the public ones by accident.
const (
	Main = iota
	Test
	Local
	Custom
	networks
)

// netTable holds what is fixed about each network: the configuration example of
// factomd's networking document, and for Custom the keys of factomd 6.6. Each also
// goes by the name that factom-p2p gives it.
var netTable = [networks]struct {
	name, key, other string
	id               uint32
	port             int
	seed             string
}{
	Main:   {"MAIN", "main", "MainNet", 0xfeedbeef, 8108, seedBase + "mainseed.txt"},
	Test:   {"TEST", "test", "TestNet", 0xdeadbeef, 8109, seedBase + "testseed.txt"},
	Local:  {"LOCAL", "local", "LocalNet", 0x00beaded, 8110, seedBase + "localseed.txt"},
	Custom: {"CUSTOM", "custom", "CUSTOM", 0, 8110, ""},
}

const seedBase = "https://raw.githubusercontent.com/FactomProject/factomproject.github.io/master/seed/"

// findFactom finds a network, with what the file says of each. The number of a
// custom one is the first four bytes, big endian, of the SHA-256 of its name
// (factomd 1.1); that is also what its files are named after, because the name
// could be anything.
func findFactom(s *Settings, name string) (string, Facts, bool) {
	for n, row := range netTable {
		if !strings.EqualFold(name, row.name) && !strings.EqualFold(name, row.other) {
			continue
		}
		f := Facts{Name: row.name, Label: row.key, ID: row.id, Port: s.Nets[n].Port, SeedURL: s.Nets[n].SeedURL}
		if n == Custom {
			h := sha256.Sum256([]byte(s.CustomNetwork))
			f.ID = binary.BigEndian.Uint32(h[:])
			f.Name, f.Label = "CUSTOM "+s.CustomNetwork, fmt.Sprintf("custom-%08x", f.ID)
		}
		return row.name, f, true
	}
	return "", Facts{}, false
}

// perNet returns the settings of the chosen network, and the key that they begin
// with in a file; false if the network is not one that files have settings for.
func (s *Settings) perNet() (net NetSettings, key string, ok bool) {
	if familyOf(s.Dialect) != &factomFamily {
		return NetSettings{}, "", false
	}
	for n, row := range netTable {
		if row.name == s.Network {
			return s.Nets[n], row.key, true
		}
	}
	return NetSettings{}, "", false
}
