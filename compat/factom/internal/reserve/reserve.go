// Package reserve keeps the collector of a busy program at rest, by memory in which
// nothing is kept.
//
// The payloads of parcels belong to the application, so each takes new memory, and
// where little else lives the collector runs each time that 4 MiB of them have come:
// hundreds of times a second on a busy link, at a cost above that of receiving. It
// runs when the heap has doubled, so what is merely held keeps it away for as long
// again as so many bytes take to arrive. That costs as much in garbage; the reserve
// itself is hardly ever more than addresses, since nobody touches it.
package reserve

import (
	"math"
	"runtime/metrics"
)

// Limits of a reserve.
const (
	Least = 1 << 20 // bytes; a smaller one is none
	Most  = 16 << 20

	share = 16 // it is at most this part of what arrives in a second
)

// Memory is a reserve that follows the traffic of one network. The zero value holds
// nothing. It has one owner.
type Memory struct{ held []byte }

// Size returns how many bytes are held.
func (m *Memory) Size() int { return len(m.held) }

// Follow sizes the reserve for what arrives, in bytes a second. It holds nothing
// where the program has set GOGC or a limit of memory.
func (m *Memory) Follow(rate float64) {
	size := sizeFor(rate)
	if size > 0 && tuned() {
		size = 0
	}
	switch {
	case size == 0:
		m.held = nil
	case size > len(m.held), size <= len(m.held)/4:
		m.held = make([]byte, size)
	}
}

// sizeFor returns a power of two within the limits, or zero.
func sizeFor(rate float64) int {
	size := Most
	for size >= Least && float64(size) > rate/share {
		size /= 2
	}
	if size < Least {
		return 0
	}
	return size
}

// tuned reports whether somebody chose how the collector is to work: GOGC or a
// limit of memory. A reserve would be in the way of that.
func tuned() bool {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() != 100 || s[1].Value.Uint64() != math.MaxInt64
}
