// Package show writes numbers, tables and a live screen for people. It draws
// nothing that a script should read.
package show

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Unknown stands for what was not measured. It is never a zero.
const Unknown = "—"

// Bytes writes a number of bytes with three digits and a binary unit.
func Bytes(n float64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n >= 1000 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 {
		return strconv.FormatFloat(n, 'f', 0, 64) + " B"
	}
	return digits(n) + " " + units[i]
}

// Count writes a number, if it is large in thousands or millions.
func Count(n float64) string {
	units := [...]string{"", "k", "M", "G"}
	i := 0
	for n >= 10_000 && i < len(units)-1 {
		n /= 1000
		i++
	}
	if i == 0 && n == float64(int64(n)) {
		return strconv.FormatInt(int64(n), 10)
	}
	return digits(n) + units[i]
}

// Rate writes how often something happens a second: with one decimal if it is
// seldom.
func Rate(n float64) string {
	if n >= 9.95 || n == 0 {
		return Count(math.Round(n))
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

// Duration writes a duration with three digits.
func Duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return digits(float64(d)/float64(time.Millisecond)) + " ms"
	case d < 1000*time.Second:
		return digits(d.Seconds()) + " s"
	}
	return d.Round(time.Second).String()
}

// digits writes n, which is under 10,000, with about three digits.
func digits(n float64) string {
	decimals := 2
	switch {
	case n >= 99.95:
		decimals = 0
	case n >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(n, 'f', decimals, 64)
}
