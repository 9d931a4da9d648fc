package chaincfg

import (
	"math/big"
	"time"

	"parley/compat/soter/wire"
	"parley/dialect/bitcoin"
)

const (
	day      = 24 * time.Hour
	halving  = 210_000
	maturity = 100
)

// The hashes of first blocks that Soter shares with Bitcoin.
const (
	mainHash = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
	regHash  = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
)

// below returns the highest number of so many bits.
func below(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return n.Sub(n, big.NewInt(1))
}

// MainNetParams are those of Soter's main network. It has the first bytes, the
// port, the first block and the seeds of Bitcoin's.
var MainNetParams = mainNet()

// RegressionNetParams are those of Soter's network for regression tests. Peers on
// this machine may send what is malformed there.
var RegressionNetParams = regressionNet()

// TestNet1Params are those of Soter's public test network.
var TestNet1Params = testNet1()

// SimNetParams are those of Soter's network for simulations.
var SimNetParams = simNet()

// BitcoinMainNetParams are those of Bitcoin's main network.
var BitcoinMainNetParams = asBitcoin(mainNet(), 1231006505, 0x1d00ffff, 2083236893, mainHash)

// BitcoinRegressionNetParams are those of Bitcoin's network for regression tests.
var BitcoinRegressionNetParams = asBitcoin(regressionNet(), 1296688602, 0x207fffff, 2, regHash)

// BitcoinSimNetParams are those of btcd's network for simulations.
var BitcoinSimNetParams = asBitcoin(simNet(), 1401292357, 0x207fffff, 2,
	"683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6")

func mainNet() Params {
	return Params{
		Name: "mainnet", Net: wire.MainNet, DefaultPort: "8333",
		DNSSeeds:     seeds(wire.MainNet),
		GenesisBlock: genesis(1231006505, 0x1d00ffff, 2083236893, false),
		GenesisHash:  hashOf(mainHash),
		PowLimit:     below(224), PowLimitBits: 0x1d00ffff,
		CoinbaseMaturity: maturity, SubsidyReductionInterval: halving,
		TargetTimespan: 14 * day, TargetTimePerBlock: 10 * time.Minute,
		Bech32HRPSegwit:  "bc",
		PubKeyHashAddrID: 0x00, ScriptHashAddrID: 0x05, PrivateKeyID: 0x80,
		WitnessPubKeyHashAddrID: 0x06, WitnessScriptHashAddrID: 0x0a,
		HDPrivateKeyID: [4]byte{0x04, 0x88, 0xad, 0xe4},
		HDPublicKeyID:  [4]byte{0x04, 0x88, 0xb2, 0x1e},
		HDCoinType:     0,
	}
}

func regressionNet() Params {
	return Params{
		Name: "regtest", Net: wire.TestNet, DefaultPort: "18444",
		GenesisBlock: genesis(1296688602, 0x207fffff, 2, false),
		GenesisHash:  hashOf(regHash),
		PowLimit:     below(255), PowLimitBits: 0x207fffff,
		CoinbaseMaturity: maturity, SubsidyReductionInterval: 150,
		TargetTimespan: 14 * day, TargetTimePerBlock: 10 * time.Minute,
		RelayNonStdTxs:   true,
		Bech32HRPSegwit:  "bcrt",
		PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0xc4, PrivateKeyID: 0xef,
		HDPrivateKeyID: [4]byte{0x04, 0x35, 0x83, 0x94},
		HDPublicKeyID:  [4]byte{0x04, 0x35, 0x87, 0xcf},
		HDCoinType:     1,
	}
}

func testNet1() Params {
	return Params{
		Name: "testnet1", Net: wire.TestNet1, DefaultPort: "5070",
		GenesisBlock: genesis(1296688602, 0x1d7fffff, 18091145, false),
		GenesisHash:  hashOf("000000253a4f7c9e9472ae3e93d9ed8f5aa5008d754a409c862c404cb381de8b"),
		PowLimit:     below(231), PowLimitBits: 0x1d7fffff,
		CoinbaseMaturity: maturity, SubsidyReductionInterval: halving,
		TargetTimespan: 14 * day, TargetTimePerBlock: 10 * time.Minute,
		RelayNonStdTxs:   true,
		Bech32HRPSegwit:  "tb",
		PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0xc4, PrivateKeyID: 0xef,
		WitnessPubKeyHashAddrID: 0x03, WitnessScriptHashAddrID: 0x28,
		HDPrivateKeyID: [4]byte{0x04, 0x35, 0x83, 0x94},
		HDPublicKeyID:  [4]byte{0x04, 0x35, 0x87, 0xcf},
		HDCoinType:     1,
	}
}

func simNet() Params {
	return Params{
		Name: "simnet", Net: wire.SimNet, DefaultPort: "18555",
		GenesisBlock: genesis(1543863094, 0x207fffff, 2, false),
		GenesisHash:  hashOf("5f2694c9f5d5808adf308c62995154d29596c36c554b15d3d95cdd6bebaf6cb2"),
		PowLimit:     below(255), PowLimitBits: 0x207fffff,
		CoinbaseMaturity: maturity, SubsidyReductionInterval: halving,
		TargetTimespan: 14 * day, TargetTimePerBlock: 10 * time.Minute,
		RelayNonStdTxs:   true,
		Bech32HRPSegwit:  "sb",
		PubKeyHashAddrID: 0x3f, ScriptHashAddrID: 0x7b, PrivateKeyID: 0x64,
		WitnessPubKeyHashAddrID: 0x19, WitnessScriptHashAddrID: 0x28,
		HDPrivateKeyID: [4]byte{0x04, 0x20, 0xb9, 0x00},
		HDPublicKeyID:  [4]byte{0x04, 0x20, 0xbd, 0x3a},
		HDCoinType:     115,
	}
}

// seeds returns the seeds that the dialect knows.
func seeds(net wire.SoterNet) (all []DNSSeed) {
	p := bitcoin.Params{Net: uint32(net), Soter: true}
	for _, host := range p.Seeds() {
		all = append(all, DNSSeed{Host: host})
	}
	return all
}

// asBitcoin makes a network of Soter the one of Bitcoin that it came from.
func asBitcoin(p Params, seconds int64, bits, nonce uint32, hash string) Params {
	p.Bitcoin = true
	p.GenesisBlock = genesis(seconds, bits, nonce, true)
	p.GenesisHash = hashOf(hash)
	return p
}
