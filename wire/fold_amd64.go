//go:build !purego

package wire

// canFold reports whether the processor multiplies without carry (PCLMULQDQ).
func canFold() bool

// fold replaces n bytes at p, at least 64 and a multiple of 16, by 16 bytes that
// leave the same register behind: those that begin with register, these with
// zero. It multiplies polynomials over GF(2), as in Gopal and others, "Fast CRC
// Computation for Generic Polynomials Using PCLMULQDQ", 2009.
//
//go:noescape
func fold(register uint32, p *byte, n int, k *[4]uint64, rest *[16]byte)
