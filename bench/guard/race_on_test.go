//go:build race

package guard

// slack multiplies bounds on memory: the race detector makes stack frames
// larger and lets pools forget.
const slack = 3

// forgotten is how many allocations a message may cost because pools forget one
// thing in four when races are looked for.
const forgotten = 8.0
