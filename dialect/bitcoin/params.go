package bitcoin

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Hash is a double SHA-256 as it lies on the wire.
type Hash [32]byte

// String returns h as people write it: in hexadecimal, last byte first.
func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// ParseHash reads what String returns.
func ParseHash(s string) (h Hash, err error) {
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("hash: %d characters, want %d", len(s), 2*len(h))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("hash: %w", err)
	}
	slices.Reverse(h[:])
	return h, nil
}

// Params says what a network speaks. The networks below are complete; others
// need Net and, if they are of Soter's kind, Genesis.
type Params struct {
	Name    string // of the network, as people write it
	Net     uint32 // magic: the first four bytes of every message, least significant first
	Port    uint16 // where its nodes usually listen
	Soter   bool   // Soter's form of messages instead of Bitcoin's
	Genesis Hash   // first block; compared in the opening exchange of Soter's kind
	Lenient bool   // pass over bad messages of peers on this machine, as regression nets do
}

// The magics of the networks. Soter uses those of Bitcoin.
const (
	MainNet  uint32 = 0xd9b4bef9
	TestNet3 uint32 = 0x0709110b // also Soter's testnet1
	RegTest  uint32 = 0xdab5bffa
	SimNet   uint32 = 0x12141c16
)

const (
	mainGenesis   = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
	testGenesis   = "000000253a4f7c9e9472ae3e93d9ed8f5aa5008d754a409c862c404cb381de8b"
	regGenesis    = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	soterSimBlock = "5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2"
)

// SoterMain returns the main network of Soter, which has the magic, the port and
// the first block of Bitcoin's.
func SoterMain() Params {
	return Params{Name: "mainnet", Net: MainNet, Port: 8333, Soter: true, Genesis: mustHash(mainGenesis)}
}

// SoterTest returns the public test network of Soter, testnet1.
func SoterTest() Params {
	return Params{Name: "testnet1", Net: TestNet3, Port: 5070, Soter: true, Genesis: mustHash(testGenesis)}
}

// SoterRegTest returns the regression network of Soter.
func SoterRegTest() Params {
	return Params{Name: "regtest", Net: RegTest, Port: 18444, Soter: true, Genesis: mustHash(regGenesis), Lenient: true}
}

// SoterSim returns the simulation network of Soter.
func SoterSim() Params {
	return Params{Name: "simnet", Net: SimNet, Port: 18555, Soter: true, Genesis: mustHash(soterSimBlock)}
}

// BitcoinMain returns the main network of Bitcoin.
func BitcoinMain() Params { return Params{Name: "mainnet", Net: MainNet, Port: 8333} }

// BitcoinTest returns the third test network of Bitcoin.
func BitcoinTest() Params { return Params{Name: "testnet3", Net: TestNet3, Port: 18333} }

// BitcoinRegTest returns the regression network of Bitcoin.
func BitcoinRegTest() Params {
	return Params{Name: "regtest", Net: RegTest, Port: 18444, Lenient: true}
}

// BitcoinSim returns the simulation network of btcd.
func BitcoinSim() Params { return Params{Name: "simnet", Net: SimNet, Port: 18555} }

// Seeds returns the host names that nodes of a network look up to find others, in a
// slice of its own. Soter's main network looks up those of Bitcoin, whose nodes it
// then finds and parts with.
func (p *Params) Seeds() []string {
	switch {
	case p.Net == MainNet:
		return []string{
			"seed.bitcoin.sipa.be", "dnsseed.bluematt.me", "dnsseed.bitcoin.dashjr.org",
			"seed.bitcoinstats.com", "seed.bitnodes.io", "seed.bitcoin.jonasschnelli.ch",
		}
	case p.Net == TestNet3 && !p.Soter:
		return []string{
			"testnet-seed.bitcoin.jonasschnelli.ch", "testnet-seed.bitcoin.schildbach.de",
			"seed.tbtc.petertodd.org", "testnet-seed.bluematt.me",
		}
	}
	return nil
}

// mustHash reads one of the constants above.
func mustHash(s string) Hash {
	h, err := ParseHash(s)
	if err != nil {
		panic(err)
	}
	return h
}
