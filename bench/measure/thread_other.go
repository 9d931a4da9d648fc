//go:build !linux

package measure

import "time"

// ThreadTime returns -1: the processor time of a thread is not known here.
func ThreadTime() time.Duration { return -1 }
