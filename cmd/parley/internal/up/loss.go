package up

import (
	"math/rand/v2"
	"sync"

	"parley/route"
)

// loss is a picker that forgets some of whom it should pick, as a bad network
// would. Each link of a broadcast is a case of its own.
type loss struct {
	perMille int // immutable

	mu   sync.Mutex
	rand *rand.Rand // guarded by mu
}

// Pick chooses every link but the origin, less what is lost. The randomness is
// the loss's own, so that the seed decides.
func (l *loss) Pick(dst []int, live []route.Target, r route.Rand) []int {
	first := len(dst)
	dst = route.All().Pick(dst, live, r)
	kept := dst[:first]
	for _, i := range dst[first:] {
		if !l.hit() {
			kept = append(kept, i)
		}
	}
	return kept
}

// hit reports whether the next message is lost.
func (l *loss) hit() bool {
	if l.perMille == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(maxPerMille) < l.perMille
}
