// Package sum computes the checksums of messages of Bitcoin's networks: the first
// bytes of the SHA-256 of the SHA-256. Two messages at once take much less than twice
// as long as one, where the processor has instructions for it; elsewhere the standard
// library does the work. Functions may be called from any goroutine.
package sum

import (
	"crypto/sha256"
	"encoding/binary"
)

const blockSize = 64

// state is a hash under way as the instructions want it: words F, E, B, A, H, G, D, C
// of FIPS 180-4.
type state [8]uint32

// start is the initial value of FIPS 180-4 section 5.3.3.
var start = state{
	0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
	0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
}

// hasSHA is whether the processor does the work.
var hasSHA = canSHA()

// Of returns the checksum of p, least significant byte first.
func Of(p []byte) uint32 {
	if !hasSHA {
		return plain(p)
	}
	var t tail
	s := start
	if n := len(p) / blockSize; n > 0 {
		one(&s, &p[0], n)
	}
	one(&s, &t[0], t.fill(p))
	t.again(&s)
	s = start
	one(&s, &t[0], 1)
	return s.first()
}

// OfTwo returns the checksums of p and q.
func OfTwo(p, q []byte) (uint32, uint32) {
	if !hasSHA {
		return plain(p), plain(q)
	}
	s, t := start, start
	n, m := len(p)/blockSize, len(q)/blockSize
	k := min(n, m)
	switch at := k * blockSize; {
	case k > 0:
		two(&s, &t, &p[0], &q[0], k)
		fallthrough
	default:
		if n > k {
			one(&s, &p[at], n-k)
		}
		if m > k {
			one(&t, &q[at], m-k)
		}
	}
	var pt, qt tail
	n, m = pt.fill(p), qt.fill(q)
	k = min(n, m)
	two(&s, &t, &pt[0], &qt[0], k)
	if n > k {
		one(&s, &pt[blockSize], 1)
	}
	if m > k {
		one(&t, &qt[blockSize], 1)
	}
	pt.again(&s)
	qt.again(&t)
	s, t = start, start
	two(&s, &t, &pt[0], &qt[0], 1)
	return s.first(), t.first()
}

func plain(p []byte) uint32 {
	h := sha256.Sum256(p)
	h = sha256.Sum256(h[:])
	return binary.LittleEndian.Uint32(h[:])
}

// tail is the end of a message with its padding: one block or two.
type tail [2 * blockSize]byte

// fill makes t, which is zero, what follows the whole blocks of p. It returns how many
// blocks that are.
func (t *tail) fill(p []byte) int {
	n := copy(t[:], p[len(p)/blockSize*blockSize:])
	t[n] = 0x80
	blocks := 1
	if n+1+8 > blockSize {
		blocks = 2
	}
	binary.BigEndian.PutUint64(t[blocks*blockSize-8:], uint64(len(p))*8)
	return blocks
}

// again makes the first block of t what is hashed the second time: the hash and its
// padding.
func (t *tail) again(s *state) {
	for i, w := range [...]uint32{s[3], s[2], s[7], s[6], s[1], s[0], s[5], s[4]} {
		binary.BigEndian.PutUint32(t[4*i:], w)
	}
	clear(t[sha256.Size:blockSize])
	t[sha256.Size] = 0x80
	binary.BigEndian.PutUint64(t[blockSize-8:], sha256.Size*8)
}

// first returns the first four bytes of a hash.
func (s *state) first() uint32 {
	w := s[3]
	return w>>24 | w>>8&0xff00 | w<<8&0xff0000 | w<<24
}
