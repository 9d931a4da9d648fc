// Package one breaks one rule.
package one

import "time"

// Seconds reads the clock.
func Seconds() int64 { return time.Now().Unix() }
