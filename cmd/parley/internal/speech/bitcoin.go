package speech

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"parley/cmd/parley/internal/chain"
	"parley/dialect"
	"parley/dialect/bitcoin"
	"parley/wire"
)

// bitcoinLanguages are those in which blocks are announced by name and sent to
// who asks: see [inventory].
var bitcoinLanguages = []Language{
	bitcoinLanguage("soter", bitcoin.SoterSim()),
	bitcoinLanguage("bitcoin", bitcoin.BitcoinSim()),
}

// maxBitcoinBlock is the most bytes of a block message (soter.md 2).
const maxBitcoinBlock = 4_000_000

// bitcoinLanguage is that of nodes on the simulation network of a kind, but for
// its number: that is the run's own.
func bitcoinLanguage(name string, p bitcoin.Params) Language {
	return Language{
		Name: name, MaxBlock: maxBitcoinBlock, Trips: 2,
		Speaker: func(c *chain.Chain, l Limits) Speaker { return newInventory(p, c, l) },
		Dialect: func(s Seat) (dialect.Dialect, error) {
			p := p
			p.Net = s.Network
			d, err := bitcoin.New(bitcoin.Config{Params: p, Services: bitcoin.ServiceNetwork, AddrInterval: askPeers})
			if err != nil {
				return nil, fmt.Errorf("dialect: %w", err)
			}
			return d, nil
		},
	}
}

// appendGetBlocks appends the body of a getblocks message, which asks for the
// names of the blocks after one: by its height in Soter, whose blocks have several
// parents, by its hash in Bitcoin, and after none at height 0.
func (v *inventory) appendGetBlocks(dst []byte, after uint64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, v.version())
	hash, known := v.hashes[after]
	switch {
	case v.params.Soter && after > 0:
		dst = wire.AppendCompact(dst, 1)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(after))
	case !v.params.Soter && known:
		dst = wire.AppendCompact(dst, 1)
		dst = append(dst, hash[:]...)
	default:
		dst = wire.AppendCompact(dst, 0)
	}
	return append(dst, make([]byte, sha256.Size)...) // as many as there are
}

// version is what we write into getblocks messages; nobody looks at it.
func (v *inventory) version() uint32 {
	if v.params.Soter {
		return 70013
	}
	return 70016
}

// parseGetBlocks returns the height after which blocks are wanted: that of the
// first hash that we know, as the newest comes first.
func (v *inventory) parseGetBlocks(b []byte) (after uint64, err error) {
	const maxLocator = 500
	size := sha256.Size
	if v.params.Soter {
		size = 4
	}
	r := wire.NewReader(b)
	r.Uint32LE()
	for range r.CompactCount("locator", size, maxLocator) {
		item := r.Take(size)
		switch {
		case r.Err() != nil || after > 0:
		case v.params.Soter:
			after = uint64(max(0, int32(binary.LittleEndian.Uint32(item))))
		default:
			after = v.heights[bitcoin.Hash(item)]
		}
	}
	r.Take(sha256.Size)
	return after, r.Err()
}
