package chaincfg

import (
	"errors"
	"strings"
	"testing"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
	"parley/dialect/bitcoin"
)

var networks = []*Params{
	&MainNetParams, &RegressionNetParams, &TestNet1Params, &SimNetParams,
	&BitcoinMainNetParams, &BitcoinRegressionNetParams, &BitcoinSimNetParams,
}

// TestGenesisBlocks computes what the tables say.
func TestGenesisBlocks(t *testing.T) {
	const root = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
	for _, p := range networks {
		b := p.GenesisBlock
		if got := b.BlockHash(); got != *p.GenesisHash {
			t.Errorf("%s (bitcoin %v): the first block has hash %v, want %v", p.Name, p.Bitcoin, got, p.GenesisHash)
		}
		if got := b.Header.MerkleRoot.String(); got != root {
			t.Errorf("%s: merkle root %v, want %v", p.Name, got, root)
		}
		soter := int32(1)
		if p.Bitcoin {
			soter = 0
		}
		if b.Parents.Version != soter || b.Verification.Version != soter {
			t.Errorf("%s: sub-headers of versions %d and %d, want %d", p.Name, b.Parents.Version, b.Verification.Version, soter)
		}
	}
}

// TestTable compares with the table of soter.md 1.14.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		p       *Params
		name    string
		net     wire.SoterNet
		port    string
		seconds int64
		prefix  string
		suffix  string
	}{
		{&MainNetParams, "mainnet", 0xd9b4bef9, "8333", 1231006505, "000000000019d668", "8ce26f"},
		{&RegressionNetParams, "regtest", 0xdab5bffa, "18444", 1296688602, "0f9188f13cb7b2c7", "466e2206"},
		{&TestNet1Params, "testnet1", 0x0709110b, "5070", 1296688602, "000000253a4f7c9e", "4cb381de8b"},
		{&SimNetParams, "simnet", 0x12141c16, "18555", 1543863094, "5f2694c9f5d5808a", "ebaf6cb2"},
	} {
		h := c.p.GenesisHash.String()
		if c.p.Name != c.name || c.p.Net != c.net || c.p.DefaultPort != c.port ||
			c.p.GenesisBlock.Header.Timestamp.Unix() != c.seconds ||
			!strings.HasPrefix(h, c.prefix) || !strings.HasSuffix(h, c.suffix) || c.p.Bitcoin {
			t.Errorf("%s is %s %x %s %d %s", c.name, c.p.Name, uint32(c.p.Net), c.p.DefaultPort,
				c.p.GenesisBlock.Header.Timestamp.Unix(), h)
		}
	}
	if n := len(MainNetParams.DNSSeeds); n != 6 {
		t.Errorf("%d seeds of the main network, want Bitcoin's six", n)
	}
	if s := (DNSSeed{Host: "seed.example"}).String(); s != "seed.example" {
		t.Errorf("a seed is written %q", s)
	}
}

// TestDialect compares with the networks that the dialect knows itself.
func TestDialect(t *testing.T) {
	for _, c := range []struct {
		ours *Params
		want bitcoin.Params
	}{
		{&MainNetParams, bitcoin.SoterMain()},
		{&RegressionNetParams, bitcoin.SoterRegTest()},
		{&TestNet1Params, bitcoin.SoterTest()},
		{&SimNetParams, bitcoin.SoterSim()},
		{&BitcoinMainNetParams, bitcoin.BitcoinMain()},
		{&BitcoinRegressionNetParams, bitcoin.BitcoinRegTest()},
		{&BitcoinSimNetParams, bitcoin.BitcoinSim()},
	} {
		got := c.ours.Dialect()
		if got.Port = c.want.Port; !c.want.Soter {
			got.Genesis = bitcoin.Hash{}
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.ours.Name, got, c.want)
		}
	}
	if got := (&Params{Net: 1, Bitcoin: true}).Dialect(); got.Genesis != (bitcoin.Hash{}) {
		t.Errorf("without a genesis hash it is %v", got.Genesis)
	}
}

func TestRegister(t *testing.T) {
	for _, p := range networks {
		if err := Register(p); !errors.Is(err, ErrDuplicateNet) {
			t.Errorf("%s can be registered: %v", p.Name, err)
		}
	}
	own := &Params{Name: "own", Net: 0x01020304, GenesisHash: &chainhash.Hash{1}}
	defer func() { // so that the test can be run again
		registered.Lock()
		defer registered.Unlock()
		delete(registered.nets, key{own.Net, own.Bitcoin})
	}()
	if err := Register(own); err != nil {
		t.Error(err)
	}
	if err := Register(own); !errors.Is(err, ErrDuplicateNet) {
		t.Errorf("a network can be registered twice: %v", err)
	}
}
