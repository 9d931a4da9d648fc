//go:build !purego

#include "textflag.h"

// func canSHA() bool
TEXT ·canSHA(SB), NOSPLIT, $0-1
	// SHA is bit 29 of EBX in leaf 7, which has to be there; the shuffles
	// that are used are of SSSE3, bit 9 of ECX in leaf 1.
	MOVB  $0, ret+0(FP)
	MOVL  $0, AX
	XORL  CX, CX
	CPUID
	CMPL  AX, $7
	JB    no
	MOVL  $1, AX
	XORL  CX, CX
	CPUID
	SHRL  $9, CX
	MOVL  CX, R8
	MOVL  $7, AX
	XORL  CX, CX
	CPUID
	SHRL  $29, BX
	ANDL  R8, BX
	ANDL  $1, BX
	MOVB  BX, ret+0(FP)
no:
	RET

// load reads four words of a message, most significant byte first. X14 says how.
#define load(at, m) \
	MOVOU  at, m  \
	PSHUFB X14, m

// rounds does four rounds with the words in m. A pair of registers holds the state,
// ABEF in one and CDGH in the other.
#define rounds(k, m, abef, cdgh) \
	MOVOU       k(AX), X0        \
	PADDD       m, X0            \
	SHA256RNDS2 X0, abef, cdgh   \
	PSHUFD      $0x0e, X0, X0    \
	SHA256RNDS2 X0, cdgh, abef

// first is rounds where the words that follow are in the message too.
#define first(k, prev, m, abef, cdgh) \
	rounds(k, m, abef, cdgh) \
	SHA256MSG1 m, prev

// next is rounds that also completes the four words after those in m, which take the
// place of the oldest, and begins the ones that will take the place of prev.
#define next(k, prev, m, oldest, abef, cdgh) \
	MOVOU       k(AX), X0        \
	PADDD       m, X0            \
	SHA256RNDS2 X0, abef, cdgh   \
	MOVOU       m, X7            \
	PALIGNR     $4, prev, X7     \
	PADDD       X7, oldest       \
	SHA256MSG2  m, oldest        \
	PSHUFD      $0x0e, X0, X0    \
	SHA256RNDS2 X0, cdgh, abef   \
	SHA256MSG1  m, prev

// add adds the state before a block to the one after it.
#define add(state, abef, cdgh) \
	MOVOU (state), X0     \
	MOVOU 16(state), X7   \
	PADDD X0, abef        \
	PADDD X7, cdgh        \
	MOVOU abef, (state)   \
	MOVOU cdgh, 16(state)

// The two streams of a step that both take.
#define both(f, k, m, n) \
	f(k, m, X1, X2) \
	f(k, n, X8, X9)

#define bothFirst(k, pm, m, pn, n) \
	first(k, pm, m, X1, X2) \
	first(k, pn, n, X8, X9)

#define bothNext(k, pm, m, om, pn, n, on) \
	next(k, pm, m, om, X1, X2) \
	next(k, pn, n, on, X8, X9)

// func one(s *state, p *byte, blocks int)
TEXT ·one(SB), NOSPLIT, $0-24
	MOVQ  s+0(FP), DI
	MOVQ  p+8(FP), SI
	MOVQ  blocks+16(FP), CX
	LEAQ  ·constants(SB), AX
	MOVOU ·bigEndian(SB), X14
	MOVOU (DI), X1
	MOVOU 16(DI), X2

block:
	load((SI), X3)
	rounds(0, X3, X1, X2)
	load(16(SI), X4)
	first(16, X3, X4, X1, X2)
	load(32(SI), X5)
	first(32, X4, X5, X1, X2)
	load(48(SI), X6)
	next(48, X5, X6, X3, X1, X2)
	next(64, X6, X3, X4, X1, X2)
	next(80, X3, X4, X5, X1, X2)
	next(96, X4, X5, X6, X1, X2)
	next(112, X5, X6, X3, X1, X2)
	next(128, X6, X3, X4, X1, X2)
	next(144, X3, X4, X5, X1, X2)
	next(160, X4, X5, X6, X1, X2)
	next(176, X5, X6, X3, X1, X2)
	next(192, X6, X3, X4, X1, X2)
	next(208, X3, X4, X5, X1, X2)
	next(224, X4, X5, X6, X1, X2)
	rounds(240, X6, X1, X2)
	add(DI, X1, X2)
	ADDQ $64, SI
	DECQ CX
	JNZ  block
	RET

// func two(s, t *state, p, q *byte, blocks int)
TEXT ·two(SB), NOSPLIT, $0-40
	MOVQ  s+0(FP), DI
	MOVQ  t+8(FP), R8
	MOVQ  p+16(FP), SI
	MOVQ  q+24(FP), R9
	MOVQ  blocks+32(FP), CX
	LEAQ  ·constants(SB), AX
	MOVOU ·bigEndian(SB), X14
	MOVOU (DI), X1
	MOVOU 16(DI), X2
	MOVOU (R8), X8
	MOVOU 16(R8), X9

block:
	load((SI), X3)
	load((R9), X10)
	both(rounds, 0, X3, X10)
	load(16(SI), X4)
	load(16(R9), X11)
	bothFirst(16, X3, X4, X10, X11)
	load(32(SI), X5)
	load(32(R9), X12)
	bothFirst(32, X4, X5, X11, X12)
	load(48(SI), X6)
	load(48(R9), X13)
	bothNext(48, X5, X6, X3, X12, X13, X10)
	bothNext(64, X6, X3, X4, X13, X10, X11)
	bothNext(80, X3, X4, X5, X10, X11, X12)
	bothNext(96, X4, X5, X6, X11, X12, X13)
	bothNext(112, X5, X6, X3, X12, X13, X10)
	bothNext(128, X6, X3, X4, X13, X10, X11)
	bothNext(144, X3, X4, X5, X10, X11, X12)
	bothNext(160, X4, X5, X6, X11, X12, X13)
	bothNext(176, X5, X6, X3, X12, X13, X10)
	bothNext(192, X6, X3, X4, X13, X10, X11)
	bothNext(208, X3, X4, X5, X10, X11, X12)
	bothNext(224, X4, X5, X6, X11, X12, X13)
	both(rounds, 240, X6, X13)
	add(DI, X1, X2)
	add(R8, X8, X9)
	ADDQ $64, SI
	ADDQ $64, R9
	DECQ CX
	JNZ  block
	RET
