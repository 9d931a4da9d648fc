//go:build race

package guard

// slack multiplies bounds on memory: the race detector makes stack frames
// larger and lets pools forget.
const slack = 3
