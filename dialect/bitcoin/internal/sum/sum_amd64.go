//go:build !purego

package sum

// canSHA reports whether the processor has instructions for SHA-256.
func canSHA() bool

// one goes on with s over some blocks of 64 bytes at p, at least one. The
// instructions are those of Intel's SHA extensions, as their manual describes them.
//
//go:noescape
func one(s *state, p *byte, blocks int)

// two is one for two states and as many blocks of each. Each instruction waits for
// the last of its stream, so two streams take hardly longer than one.
//
//go:noescape
func two(s, t *state, p, q *byte, blocks int)
