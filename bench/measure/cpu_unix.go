//go:build unix

package measure

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time the process has used, or -1.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return -1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
