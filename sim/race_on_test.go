//go:build race

package sim

// The simulator is one goroutine, but for what opens links, so the race detector has
// little to find in it, and takes up to ten times as long to look.
const (
	runs     = 4   // of seeds
	thousand = 250 // nodes in large networks
)
