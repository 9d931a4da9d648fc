package factom

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"parley/addr"
)

// The numbers of the three well-known networks.
const (
	MainNet  uint32 = 0xfeedbeef
	TestNet  uint32 = 0xdeadbeef
	LocalNet uint32 = 0x00beaded
)

// StringToUint32 returns the number that the protocol derives from a name: the
// first four bytes of its SHA-256, most significant first.
func StringToUint32(s string) uint32 {
	h := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint32(h[:])
}

// NetworkID returns the number of a custom network. The names of the well-known
// networks get no special treatment; use the constants.
func NetworkID(name string) uint32 { return StringToUint32(name) }

// NetworkName returns how the original prints a network number.
func NetworkName(id uint32) string {
	switch id {
	case MainNet:
		return "MainNet"
	case TestNet:
		return "TestNet"
	case LocalNet:
		return "LocalNet"
	}
	return fmt.Sprintf("CustomNet ID: %x", id)
}

// Location returns the last four bytes of an IP address as a number, most
// significant first, and 0 for a host name: nothing is looked up.
func Location(a addr.Addr) uint32 {
	if !a.IP.IsValid() {
		return 0
	}
	b := a.IP.As16()
	return binary.BigEndian.Uint32(b[12:])
}
