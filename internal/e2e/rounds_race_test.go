//go:build race

package e2e

// rounds is how many CAT rounds are simulated. The simulator is one goroutine,
// so the race detector has nothing to find in it and only takes its time.
const rounds = 5
