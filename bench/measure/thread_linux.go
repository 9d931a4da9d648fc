package measure

import (
	"syscall"
	"time"
)

// ThreadTime returns the processor time that the calling thread has used, or -1
// where the system does not tell. The goroutine must be locked to its thread.
func ThreadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return -1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
