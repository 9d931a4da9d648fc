//go:build !race

package sim

const (
	runs     = 20   // of seeds
	thousand = 1000 // nodes in large networks
)
