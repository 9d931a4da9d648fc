package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// Network is one of the networks a configuration can choose from
// (factomd 1.1, 2).
type Network uint8

// The networks. Local is the default, so that nothing reaches the public ones
// by accident.
const (
	Main Network = iota
	Test
	Local
	Custom
	networks
)

// netTable holds what is fixed about each network: the configuration example of
// factomd's networking document, and for Custom the keys of factomd 6.6.
var netTable = [networks]struct {
	name, key string
	id        uint32
	port      int
	seed      string
}{
	Main:   {"MAIN", "main", 0xfeedbeef, 8108, seedBase + "mainseed.txt"},
	Test:   {"TEST", "test", 0xdeadbeef, 8109, seedBase + "testseed.txt"},
	Local:  {"LOCAL", "local", 0x00beaded, 8110, seedBase + "localseed.txt"},
	Custom: {"CUSTOM", "custom", 0, 8110, ""},
}

const seedBase = "https://raw.githubusercontent.com/FactomProject/factomproject.github.io/master/seed/"

// ParseNetwork reads a network's name in any case.
func ParseNetwork(s string) (Network, error) {
	for n, row := range netTable {
		if strings.EqualFold(s, row.name) {
			return Network(n), nil
		}
	}
	return 0, fmt.Errorf("network %.20q: want MAIN, TEST, LOCAL or CUSTOM", s)
}

// String returns the network's name in upper case.
func (n Network) String() string { return netTable[n].name }

// MarshalText writes the network's name, for JSON.
func (n Network) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// ID returns the network number that nodes introduce themselves with. That of a
// custom network is the first four bytes, big endian, of the SHA-256 of its
// name (factomd 1.1).
func (n Network) ID(custom string) uint32 {
	if n == Custom {
		h := sha256.Sum256([]byte(custom))
		return binary.BigEndian.Uint32(h[:])
	}
	return netTable[n].id
}

// Label returns a short name for files: lower case, and for a custom network
// with its number, because its name could be anything.
func (n Network) Label(custom string) string {
	if n == Custom {
		return fmt.Sprintf("custom-%08x", n.ID(custom))
	}
	return netTable[n].key
}
