// Package good does all that a pure package may do.
package good

import (
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Draw uses randomness and time that it was given.
func Draw(now time.Time, r io.Reader, at netip.AddrPort) int {
	var seed [32]byte
	io.ReadFull(r, seed[:])
	if now.After(now.Add(time.Second)) || now.UTC().IsZero() {
		return int(at.Port())
	}
	g := rand.New(rand.NewChaCha8(seed))
	return g.IntN(10)
}

// Sum adds up a map, and a slice.
func Sum(m map[string]int) (n int) {
	// A comment of several lines excuses as well.
	// ordered: a sum is the same in any order.
	for _, v := range m {
		n += v
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n += len(k)
	}
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return len(a) - len(b) }) {
		n += len(k)
	}
	// ordered: the largest is the same in any order.
	return n + slices.Max(slices.Collect(maps.Values(m)))
}
