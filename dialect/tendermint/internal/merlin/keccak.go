package merlin

import (
	"encoding/binary"
	"math/bits"
)

const (
	width  = 200 // bytes of the state
	rounds = 24
)

// iota24 are the constants that break the symmetry of the rounds (FIPS 202,
// 3.2.5). They come out of a shift register of eight bits.
var iota24 = makeIota()

func makeIota() (rc [rounds]uint64) {
	reg := byte(1)
	for i := range rc {
		for j := range 7 {
			if reg&1 == 1 {
				rc[i] ^= 1 << (1<<j - 1)
			}
			high := reg >> 7
			reg = reg<<1 ^ high*0x71
		}
	}
	return rc
}

// permute is Keccak-f[1600] (FIPS 202, 3.3) on a state of bytes. A handshake
// needs a handful of calls, so it is written to be short.
func permute(state *[width]byte) {
	var a [25]uint64 // lane x, y is at x + 5*y
	for i := range a {
		a[i] = binary.LittleEndian.Uint64(state[8*i:])
	}
	for _, rc := range iota24 {
		theta(&a)
		rhoPi(&a)
		chi(&a)
		a[0] ^= rc
	}
	for i, v := range a {
		binary.LittleEndian.PutUint64(state[8*i:], v)
	}
}

func theta(a *[25]uint64) {
	var c [5]uint64
	for i, v := range a {
		c[i%5] ^= v
	}
	for i := range a {
		a[i] ^= c[(i+4)%5] ^ bits.RotateLeft64(c[(i+1)%5], 1)
	}
}

// rhoPi walks the one cycle that the lanes but the first form under pi, and
// turns each by the next triangular number on its way.
func rhoPi(a *[25]uint64) {
	x, y, v := 1, 0, a[1]
	for t := range 24 {
		x, y = y, (2*x+3*y)%5
		i := x + 5*y
		v, a[i] = a[i], bits.RotateLeft64(v, (t+1)*(t+2)/2)
	}
}

func chi(a *[25]uint64) {
	for y := 0; y < 25; y += 5 {
		r := [5]uint64(a[y : y+5])
		for x := range r {
			a[y+x] = r[x] ^ ^r[(x+1)%5]&r[(x+2)%5]
		}
	}
}
