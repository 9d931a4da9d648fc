//go:build !race

package e2e

// rounds is how many CAT rounds are simulated.
const rounds = 100
