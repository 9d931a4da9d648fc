package measure

import (
	"runtime"
	"time"
)

// Cost is what the process spent between two readings of a meter.
type Cost struct {
	Elapsed time.Duration
	CPU     time.Duration // user and system, of all threads; negative where the system does not tell
	Allocs  uint64        // heap allocations
	Bytes   uint64        // bytes of those
	Others  float64       // percent of all processors that other processes used; NaN where the system does not tell
}

// Meter reads what the process has spent so far. Everything that runs in the
// process is charged, so both ends of a link are, and so is the collector.
type Meter struct {
	at     time.Time
	cpu    time.Duration
	allocs uint64
	bytes  uint64
	host   ticks
}

// Start returns a meter that counts from now. It stops the world for a moment,
// because only that makes the count of allocations exact.
func Start() Meter {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return Meter{host: hostTicks(), cpu: cpuTime(), allocs: mem.Mallocs, bytes: mem.TotalAlloc, at: time.Now()}
}

// Cost returns what was spent since m was started. It may be asked again.
func (m Meter) Cost() Cost {
	elapsed := time.Since(m.at)
	cpu, host := cpuTime(), hostTicks()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	c := Cost{Elapsed: elapsed, CPU: -1, Allocs: mem.Mallocs - m.allocs, Bytes: mem.TotalAlloc - m.bytes}
	if cpu >= 0 && m.cpu >= 0 {
		c.CPU = cpu - m.cpu
	}
	c.Others = host.others(m.host, c.CPU)
	return c
}

// Held is what the process holds at one moment.
type Held struct {
	Bytes      int64 // heap that is reachable, and stacks
	Stacks     int64 // of which stacks, whose size at their start the runtime varies
	Goroutines int
}

// Sub returns what h holds more than before.
func (h Held) Sub(before Held) Held {
	return Held{h.Bytes - before.Bytes, h.Stacks - before.Stacks, h.Goroutines - before.Goroutines}
}

// Hold collects garbage until nothing more goes and returns what is left. Stacks
// shrink by half a collection, so it takes several.
func Hold() Held {
	const rounds = 6
	var mem runtime.MemStats
	for range rounds {
		runtime.GC()
	}
	runtime.ReadMemStats(&mem)
	return Held{Bytes: int64(mem.HeapAlloc + mem.StackInuse), Stacks: int64(mem.StackInuse), Goroutines: runtime.NumGoroutine()}
}
