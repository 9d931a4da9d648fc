//go:build !race

package guard

// slack multiplies bounds on memory.
const slack = 1
