// Package chaincfg holds what distinguishes one network from another, under the
// names that programs written for soterd know: which bytes its messages begin
// with, where its nodes listen, how it begins, and how its addresses look.
//
// There are Soter's four networks, and three of Bitcoin's under names that begin
// so. The variables are for reading; whoever needs something else makes a Params
// of their own and may register it. Everything may be used from any goroutine.
package chaincfg

import (
	"errors"
	"math/big"
	"sync"
	"time"

	"parley/compat/soter/chainhash"
	"parley/compat/soter/wire"
	"parley/dialect/bitcoin"
)

// DNSSeed is a host name that stands for nodes of a network.
type DNSSeed struct {
	Host string

	// HasFiltering says that the seed can be asked for nodes with certain
	// services, by a name before its own.
	HasFiltering bool
}

// String returns the host name.
func (d DNSSeed) String() string { return d.Host }

// Params says what a network is like.
type Params struct {
	// Name of the network, as people write it.
	Name string

	// Net is what every message begins with.
	Net wire.SoterNet

	// DefaultPort is where nodes listen unless they are told otherwise.
	DefaultPort string

	// DNSSeeds are looked up to find the first nodes. Those of Soter's main
	// network are Bitcoin's own, whose nodes a Soter node then parts with.
	DNSSeeds []DNSSeed

	// Bitcoin says that the network speaks Bitcoin's form of messages instead
	// of Soter's; see [wire.BitcoinForm].
	Bitcoin bool

	// GenesisBlock is the first block, and GenesisHash its hash, which peers
	// of Soter's kind compare.
	GenesisBlock *wire.MsgBlock
	GenesisHash  *chainhash.Hash

	// PowLimit is the highest hash that a block may have, and PowLimitBits
	// the same in the form that headers have.
	PowLimit     *big.Int
	PowLimitBits uint32

	// CoinbaseMaturity is how many blocks later a new coin may be spent.
	CoinbaseMaturity uint16

	// SubsidyReductionInterval is how many blocks later the reward is halved.
	SubsidyReductionInterval int32

	// TargetTimespan is how long the blocks should take after which the
	// difficulty is adjusted, TargetTimePerBlock how long one should take.
	TargetTimespan     time.Duration
	TargetTimePerBlock time.Duration

	// RelayNonStdTxs says that unusual transactions are passed on.
	RelayNonStdTxs bool

	// Bech32HRPSegwit is how BIP173 addresses begin.
	Bech32HRPSegwit string

	// What the Base58 forms of addresses and keys begin with.
	PubKeyHashAddrID        byte
	ScriptHashAddrID        byte
	PrivateKeyID            byte
	WitnessPubKeyHashAddrID byte
	WitnessScriptHashAddrID byte

	// What the forms of hierarchical keys begin with, BIP32, and the number
	// of the coin in their paths, BIP44.
	HDPrivateKeyID [4]byte
	HDPublicKeyID  [4]byte
	HDCoinType     uint32
}

// Dialect returns what the engine needs to know about the network. Parameters
// without a genesis hash are good for Bitcoin's form only.
func (p *Params) Dialect() bitcoin.Params {
	d := bitcoin.Params{
		Name:    p.Name,
		Net:     uint32(p.Net),
		Soter:   !p.Bitcoin,
		Lenient: p.Net == wire.TestNet,
	}
	if p.GenesisHash != nil {
		d.Genesis = bitcoin.Hash(*p.GenesisHash)
	}
	return d
}

// ErrDuplicateNet means that a network with the same first four bytes of messages
// and the same form is registered already.
var ErrDuplicateNet = errors.New("network is registered already")

// key tells networks apart. Soter has Bitcoin's magics.
type key struct {
	net     wire.SoterNet
	bitcoin bool
}

var registered = struct {
	sync.Mutex
	nets map[key]bool
}{nets: map[key]bool{}}

// Register notes that a program uses a network besides those of this package. It
// is ErrDuplicateNet if that is one of them, or was registered before. Nothing
// else depends on it: parameters work without.
func Register(params *Params) error {
	k := key{params.Net, params.Bitcoin}
	registered.Lock()
	defer registered.Unlock()
	if registered.nets[k] || isOurs(k) {
		return ErrDuplicateNet
	}
	registered.nets[k] = true
	return nil
}

func isOurs(k key) bool {
	for _, p := range []*Params{
		&MainNetParams, &RegressionNetParams, &TestNet1Params, &SimNetParams,
		&BitcoinMainNetParams, &BitcoinRegressionNetParams, &BitcoinSimNetParams,
	} {
		if k == (key{p.Net, p.Bitcoin}) {
			return true
		}
	}
	return false
}
