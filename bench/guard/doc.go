// Package guard holds tests that fail when the data plane gets worse in ways
// that do not depend on the machine: allocations, goroutines, bytes of an idle
// link. Throughput it only prints, since no clock on a shared machine can be
// asserted on.
package guard
