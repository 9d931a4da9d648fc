// Package route says who gets a broadcast, and which messages were seen before.
// Its pickers are pure, so the node and the simulator share them.
package route

import (
	"math/rand/v2"
	"slices"

	"parley/addr"
	"parley/dialect"
)

// Picker chooses who gets a message. It is pure apart from r and safe for
// concurrent use.
type Picker interface {
	// Pick appends to dst the indexes of the chosen links and returns it. It
	// never chooses the origin.
	Pick(dst []int, live []Target, r Rand) []int
}

// Target is what a picker sees of a link.
type Target struct {
	Link   dialect.LinkID
	Addr   addr.Addr
	Always bool // one of the peers to hold on to
	Dialed bool
	Origin bool // the message came from here
}

// Rand is the randomness a picker needs. *rand.Rand provides it, and in package
// node the runtime's generator does.
type Rand interface{ IntN(n int) int }

var _ Rand = (*rand.Rand)(nil)

// All picks every link but the origin.
func All() Picker { return all{} }

// One picks a random link.
func One() Picker { return fanout{n: 1} }

// Fanout picks all Always links and n random others.
func Fanout(n int) Picker { return fanout{n: n, always: true} }

// Only picks one link.
func Only(id dialect.LinkID) Picker { return only(id) }

type all struct{}

func (all) Pick(dst []int, live []Target, _ Rand) []int {
	for i := range live {
		if !live[i].Origin {
			dst = append(dst, i)
		}
	}
	return dst
}

type only dialect.LinkID

func (o only) Pick(dst []int, live []Target, _ Rand) []int {
	i := slices.IndexFunc(live, func(t Target) bool { return t.Link == dialect.LinkID(o) })
	if i >= 0 && !live[i].Origin {
		dst = append(dst, i)
	}
	return dst
}

type fanout struct {
	n      int
	always bool // pick the Always links besides
}

// Pick shuffles only as far as it must: after n swaps the first n candidates
// are a fair sample.
func (f fanout) Pick(dst []int, live []Target, r Rand) []int {
	for i := range live {
		if f.always && live[i].Always && !live[i].Origin {
			dst = append(dst, i)
		}
	}
	first := len(dst)
	for i := range live {
		if !live[i].Origin && !(f.always && live[i].Always) {
			dst = append(dst, i)
		}
	}
	others := dst[first:]
	n := min(f.n, len(others))
	for i := range n {
		j := i + r.IntN(len(others)-i)
		others[i], others[j] = others[j], others[i]
	}
	return dst[:first+n]
}
