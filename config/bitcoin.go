package config

import (
	"parley/addr"
	"parley/dialect/bitcoin"
)

// discovery returns the settings that say how others are found, where not by a
// list of seeds.
func discovery() []Field {
	return []Field{
		listed("dns-seeds", "names of hosts that lead to peers, or none", "names of hosts separated by commas or blanks, or none",
			func(s *Settings) *[]string { return &s.DNSSeeds }, parseHost, same).after("those of the network"),
		words("import-peers", "peers to take over from another program's file: of factom-p2p and factomd, soterd and btcd, or CometBFT's addrbook.json",
			"a path", func(s *Settings) *string { return &s.ImportPeers }),
	}
}

// parseHost reads the name of a host, or its IP.
func parseHost(s string) (string, error) {
	_, err := addr.Join(s, "1")
	return s, err
}

// Networks of which nothing reaches another machine by accident are the default:
// nobody is on a simulation network who was not told where.
var (
	soterFamily = family{
		dialects: []string{"soter"},
		network:  "simnet",
		want:     "mainnet, testnet1, regtest or simnet",
		find: named("soter", []namedNetwork{
			{[]string{"mainnet", "main"}, bitcoinFacts(bitcoin.SoterMain())},
			{[]string{"testnet1", "testnet", "test"}, bitcoinFacts(bitcoin.SoterTest())},
			{[]string{"regtest", "regression"}, bitcoinFacts(bitcoin.SoterRegTest())},
			{[]string{"simnet", "sim"}, bitcoinFacts(bitcoin.SoterSim())},
		}),
		habits: btcdHabits,
		own:    btcdOwn,
	}
	bitcoinFamily = family{
		dialects: []string{"bitcoin"},
		network:  "simnet",
		want:     "mainnet, testnet3, regtest or simnet",
		find: named("bitcoin", []namedNetwork{
			{[]string{"mainnet", "main"}, bitcoinFacts(bitcoin.BitcoinMain())},
			{[]string{"testnet3", "testnet", "test"}, bitcoinFacts(bitcoin.BitcoinTest())},
			{[]string{"regtest", "regression"}, bitcoinFacts(bitcoin.BitcoinRegTest())},
			{[]string{"simnet", "sim"}, bitcoinFacts(bitcoin.BitcoinSim())},
		}),
		habits: btcdHabits,
		own:    btcdOwn,
	}
)

// btcdHabits are how btcd holds links: eight that it makes, and no rounds.
var btcdHabits = map[string]string{
	"outbound": "8", "inbound": "117", "target": "0", "drop-to": "0", "round-time": "0s",
}

var btcdOwn = []string{"dns-seeds"}

func bitcoinFacts(p bitcoin.Params) Facts {
	return Facts{ID: p.Net, Port: int(p.Port), Hosts: p.Seeds()}
}

// BitcoinParams returns what the chosen network speaks, for dialects of the btcd
// family; false for others.
func (s *Settings) BitcoinParams() (bitcoin.Params, bool) {
	kinds := map[string][]bitcoin.Params{
		"soter":   {bitcoin.SoterMain(), bitcoin.SoterTest(), bitcoin.SoterRegTest(), bitcoin.SoterSim()},
		"bitcoin": {bitcoin.BitcoinMain(), bitcoin.BitcoinTest(), bitcoin.BitcoinRegTest(), bitcoin.BitcoinSim()},
	}
	for _, p := range kinds[s.Dialect] {
		if p.Name == s.Network {
			return p, true
		}
	}
	return bitcoin.Params{}, false
}
