//go:build !race

package guard

// slack multiplies bounds on memory.
const slack = 1

// forgotten is how many allocations a message may cost because pools forget.
const forgotten = 0.0
