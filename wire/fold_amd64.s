//go:build !purego

#include "textflag.h"

// func canFold() bool
TEXT ·canFold(SB), NOSPLIT, $0-1
	MOVL $1, AX
	XORL CX, CX
	CPUID
	SHRL $1, CX
	ANDL $1, CX
	MOVB CX, ret+0(FP)
	RET

// fold multiplies X0 by what 128 bits further on are worth, and adds next.
#define fold(next) \
	MOVOA     X0, X4        \
	PCLMULQDQ $0x00, X8, X0 \
	PCLMULQDQ $0x11, X8, X4 \
	PXOR      X4, X0        \
	PXOR      next, X0

// func fold(register uint32, p *byte, n int, k *[4]uint64, rest *[16]byte)
TEXT ·fold(SB), NOSPLIT, $0-40
	MOVL  register+0(FP), AX
	MOVQ  p+8(FP), SI
	MOVQ  n+16(FP), CX
	MOVQ  k+24(FP), BX
	MOVQ  rest+32(FP), DI
	MOVQ  AX, X4
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	PXOR  X4, X0
	MOVOU (BX), X8
	ADDQ  $64, SI
	SUBQ  $64, CX
	CMPQ  CX, $64
	JB    narrow

wide:
	// Four blocks at once, each onto the one 64 bytes on.
	MOVOA     X0, X4
	MOVOA     X1, X5
	MOVOA     X2, X6
	MOVOA     X3, X7
	PCLMULQDQ $0x00, X8, X0
	PCLMULQDQ $0x00, X8, X1
	PCLMULQDQ $0x00, X8, X2
	PCLMULQDQ $0x00, X8, X3
	PCLMULQDQ $0x11, X8, X4
	PCLMULQDQ $0x11, X8, X5
	PCLMULQDQ $0x11, X8, X6
	PCLMULQDQ $0x11, X8, X7
	MOVOU     (SI), X9
	MOVOU     16(SI), X10
	MOVOU     32(SI), X11
	MOVOU     48(SI), X12
	PXOR      X4, X0
	PXOR      X5, X1
	PXOR      X6, X2
	PXOR      X7, X3
	PXOR      X9, X0
	PXOR      X10, X1
	PXOR      X11, X2
	PXOR      X12, X3
	ADDQ      $64, SI
	SUBQ      $64, CX
	CMPQ      CX, $64
	JAE       wide

narrow:
	MOVOU 16(BX), X8
	fold(X1)
	fold(X2)
	fold(X3)

single:
	CMPQ  CX, $16
	JB    done
	MOVOU (SI), X9
	fold(X9)
	ADDQ  $16, SI
	SUBQ  $16, CX
	JMP   single

done:
	MOVOU X0, (DI)
	RET
