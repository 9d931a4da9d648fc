package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/dialect/bitcoin"
	"parley/dialect/tendermint"
)

// TestFamilies loads every dialect with what it must be told, and nothing else.
func TestFamilies(t *testing.T) {
	const id = "fa5b843760bbecc0a7b01676d408efe702cb945c"
	for _, tt := range []struct {
		dialect, network string
		usual, label     string
		id               uint32
		port, target     int
	}{
		{"factom", "", "LOCAL", "local", 0x00beaded, 8110, 32},
		{"soter", "", "simnet", "soter-simnet", bitcoin.SimNet, 18555, 0},
		{"soter", "Main", "mainnet", "soter-mainnet", bitcoin.MainNet, 8333, 0},
		{"soter", "testnet", "testnet1", "soter-testnet1", bitcoin.TestNet3, 5070, 0},
		{"soter", "regtest", "regtest", "soter-regtest", bitcoin.RegTest, 18444, 0},
		{"bitcoin", "test", "testnet3", "bitcoin-testnet3", bitcoin.TestNet3, 18333, 0},
		{"bitcoin", "SIMNET", "simnet", "bitcoin-simnet", bitcoin.SimNet, 18555, 0},
		{"cometbft", "cosmoshub-4", "cosmoshub-4", "chain-cosmoshub-4", 0, 26656, 0},
		{"cometbft", "../X", "../X", "chain-720ef6fd", 0, 26656, 0},
		{"tendermint2014", "", "tendermint2014", "chain-tendermint2014", 0, 26656, 0},
		{"tendermint2014/december", "old", "old", "chain-old", 0, 26656, 0},
	} {
		s := load(t, Options{Flags: []Given{{"dialect", tt.dialect}, {"network", tt.network}}})
		if s.Network != tt.usual || s.Net.Label != tt.label || s.NetworkID() != tt.id || s.Port != tt.port || s.Target != tt.target {
			t.Errorf("%s %q: network %s, label %s, id %#x, port %d, target %d, want %+v",
				tt.dialect, tt.network, s.Network, s.Net.Label, s.NetworkID(), s.Port, s.Target, tt)
		}
		if p, ok := s.BitcoinParams(); ok != (s.NetworkID() != 0 && tt.dialect != "factom") || ok && (p.Net != tt.id || p.Soter != (tt.dialect == "soter")) {
			t.Errorf("%s %s: parameters %+v, %v", tt.dialect, tt.network, p, ok)
		}
	}
	if s := load(t, Options{Flags: []Given{{"dialect", "bitcoin"}}}); s.Origins["target"].String() != "default of dialect bitcoin" || len(s.DNSSeeds) != 0 {
		t.Errorf("target comes from %s; seeds of the simulation network are %v", s.Origins["target"], s.DNSSeeds)
	}
	s := load(t, Options{Flags: []Given{{"dialect", "bitcoin"}, {"network", "main"}}})
	if len(s.DNSSeeds) == 0 || s.Origins["dns-seeds"].String() != "default of network mainnet" {
		t.Errorf("names that lead to peers are %v from %s", s.DNSSeeds, s.Origins["dns-seeds"])
	}
	s = load(t, Options{Flags: []Given{{"dialect", "bitcoin"}, {"network", "main"}, {"dns-seeds", "none"}, {"target", "5"}}})
	if len(s.DNSSeeds) != 0 || s.Target != 5 {
		t.Errorf("told none and 5: names are %v, target %d", s.DNSSeeds, s.Target)
	}
	s = load(t, Options{
		Env:   []string{"PARLEY_CHANNELS=0x22,0x99", "PARLEY_PERSISTENT_PEERS=" + strings.ToUpper(id) + "@a.example:26656"},
		Flags: []Given{{"dialect", "cometbft"}, {"network", "c"}, {"unconditional-peer-ids", id}, {"data-dir", "/d"}},
	})
	if want := []tendermint.Channel{{ID: 0x22, Priority: 7, MaxMessage: 1 << 20}, {ID: 0x99}}; !slices.Equal(s.Channels, want) {
		t.Errorf("channels are %+v, want %+v", s.Channels, want)
	}
	if c := s.Core(); s.PersistentPeers[0].ID != id || len(c.Always) != 1 || !reflect.DeepEqual(c.Trusted, []string{id}) {
		t.Errorf("persistent peers are %v; the core holds on to %v and trusts %v", s.PersistentPeers, c.Always, c.Trusted)
	}
	if s.NodeKeyFile != "/d/node_key.json" {
		t.Errorf("key file is %s", s.NodeKeyFile)
	}
}

// TestHabitsCanBeRead wants every default of a family to be a value of its field.
func TestHabitsCanBeRead(t *testing.T) {
	for _, f := range families() {
		for key, text := range f.habits {
			i := slices.IndexFunc(Fields(), func(f Field) bool { return f.Key == key })
			if i < 0 {
				t.Fatalf("%v: there is no setting %s", f.dialects, key)
			}
			if err := Fields()[i].set(defaults(), text); err != nil {
				t.Errorf("%v: %s: %q: %v", f.dialects, key, text, err)
			}
		}
		for _, key := range f.own {
			if !slices.ContainsFunc(Fields(), func(f Field) bool { return f.Key == key }) {
				t.Errorf("%v: there is no setting %s", f.dialects, key)
			}
		}
	}
}

func TestProblemsOfFamilies(t *testing.T) {
	dir := t.TempDir()
	testProblems(t, dir, []problem{
		{"network of soter", "n.toml", "dialect = \"soter\"\nnetwork = \"moon\"\n", "", "", `network: "moon": want mainnet, testnet1, regtest or simnet (` + dir + `/n.toml:2)`},
		{"network of bitcoin", "o.toml", "dialect = \"bitcoin\"\n", "network", "LOCAL", `network: "LOCAL": want mainnet, testnet3, regtest or simnet (flag --network)`},
		{"no chain", "", "", "dialect", "cometbft", `network: "": want the chain id of the genesis: 1 to 50 printable ASCII characters (default of dialect cometbft)`},
		{"chain with a blank", "p.toml", "dialect = \"cometbft\"\n", "network", "my chain", `network: "my chain": want the chain id`},
		{"long chain", "p2.toml", "dialect = \"cometbft\"\n", "network", strings.Repeat("x", 51), `want the chain id of the genesis: 1 to 50`},
		{"channel out of range", "", "", "channels", "0x20,0x100", `channels: "0x20,0x100": want all, none, or up to 15 numbers from 0x01 to 0xff (flag --channels)`},
		{"channel of addresses", "", "", "channels", "0", `channels: "0": want all, none, or up to 15 numbers`},
		{"channel twice", "", "", "channels", "32 0x20", `channels: "32 0x20": want`},
		{"too many channels", "", "", "channels", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", `up to 15 numbers`},
		{"persistent peer without identity", "", "", "persistent-peers", "1.2.3.4:5", `persistent-peers: "1.2.3.4:5": want nodes identity@host:port`},
		{"short identity", "", "", "unconditional-peer-ids", "abcd", `unconditional-peer-ids: "abcd": want identities of 40 hexadecimal digits`},
		{"foreign setting", "q.toml", "dialect = \"soter\"\nseed_mode = true\n", "", "", `seed-mode: "true": want nothing, because dialect is soter (` + dir + `/q.toml:2)`},
		{"setting of another family", "", "", "channels", "none", `channels: "none": want nothing, because dialect is factom/11 (flag --channels)`},
		{"host that is none", "", "", "dns-seeds", "a_b://x", `dns-seeds: "a_b://x": want names of hosts`},
		{"long user agent", "", "", "user-agent", strings.Repeat("x", 241), `want at most 240 printable ASCII characters (flag --user-agent)`},
		{"moniker", "r.toml", "dialect = \"cometbft\"\nnetwork = \"c\"\n", "moniker", "a\tb", `want 1 to 64 printable ASCII characters (flag --moniker)`},
		{"no key file", "s.toml", "dialect = \"cometbft\"\nnetwork = \"c\"\n", "node-key-file", "", `node-key-file: "": want a path`},
	})
}
