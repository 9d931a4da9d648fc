package wire

import "encoding/binary"

// koopmanPoly is Koopman's CRC-32 polynomial in reversed bit order.
const koopmanPoly = 0xeb31d82e

// koopman[k][b] is the checksum register after byte b and k zero bytes, so that
// sixteen bytes can be folded in at once with one lookup each (slicing by 16). The
// standard library does so for two other polynomials only.
var koopman = makeTables(koopmanPoly)

func makeTables(poly uint32) (t [16][256]uint32) {
	for b := range t[0] {
		c := uint32(b)
		for range 8 {
			if c&1 == 1 {
				c = c>>1 ^ poly
			} else {
				c >>= 1
			}
		}
		t[0][b] = c
	}
	for k := 1; k < len(t); k++ {
		for b := range t[k] {
			c := t[k-1][b]
			t[k][b] = t[0][c&0xff] ^ c>>8
		}
	}
	return t
}

// What folding needs: whether the processor can, and what 512 and 128 bits
// further on are worth.
var (
	folds     = canFold()
	foldWorth = makeWorth(koopmanPoly)
)

// foldFrom is from how many bytes on folding is faster than the tables.
const foldFrom = 64

// makeWorth returns x to the power of 512+32, 512-32, 128+32 and 128-32, modulo
// the polynomial, in reversed bit order and shifted as the product wants it.
func makeWorth(poly uint32) (k [4]uint64) {
	for i, n := range [...]int{512 + 32, 512 - 32, 128 + 32, 128 - 32} {
		c := uint32(1 << 31)
		for range n {
			if c&1 == 1 {
				c = c>>1 ^ poly
			} else {
				c >>= 1
			}
		}
		k[i] = uint64(c) << 1
	}
	return k
}

// Koopman returns the CRC-32 of b with Koopman's polynomial, reflected, with
// initial value and final xor of all ones. It may be called from any goroutine.
func Koopman(b []byte) uint32 {
	c := ^uint32(0)
	if folds && len(b) >= foldFrom {
		n := len(b) &^ 15
		var rest [16]byte
		fold(c, &b[0], n, &foldWorth, &rest)
		c = koopmanTables(0, rest[:])
		b = b[n:]
	}
	return ^koopmanTables(c, b)
}

// koopmanTables folds b into the register c by tables.
func koopmanTables(c uint32, b []byte) uint32 {
	t := &koopman
	for len(b) >= 16 {
		w := c ^ binary.LittleEndian.Uint32(b)
		x := binary.LittleEndian.Uint32(b[4:])
		y := binary.LittleEndian.Uint32(b[8:])
		z := binary.LittleEndian.Uint32(b[12:])
		c = t[15][w&0xff] ^ t[14][w>>8&0xff] ^ t[13][w>>16&0xff] ^ t[12][w>>24] ^
			t[11][x&0xff] ^ t[10][x>>8&0xff] ^ t[9][x>>16&0xff] ^ t[8][x>>24] ^
			t[7][y&0xff] ^ t[6][y>>8&0xff] ^ t[5][y>>16&0xff] ^ t[4][y>>24] ^
			t[3][z&0xff] ^ t[2][z>>8&0xff] ^ t[1][z>>16&0xff] ^ t[0][z>>24]
		b = b[16:]
	}
	for _, v := range b {
		c = t[0][byte(c)^v] ^ c>>8
	}
	return c
}
