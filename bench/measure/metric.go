// Package measure holds what measuring needs and no row should do for itself:
// what a figure is called, what a stretch of work cost the process, and what
// several repetitions amount to on a machine that others use too.
package measure

// Metric names one figure of a measurement.
type Metric uint8

// The figures a measurement can have.
const (
	Rate        Metric = iota // messages, deliveries, links or steps a second
	Bandwidth                 // bodies moved, in MB (10^6 bytes) a second
	CPU                       // processor time of the whole process, in µs for each message
	Allocs                    // heap allocations of the whole process for each message
	AllocBytes                // bytes of those
	BatchAllocs               // heap allocations for each batch that a handler was given
	Batch                     // messages in a batch
	P50                       // median time of a round trip, in µs
	P99                       // time that 99 of 100 round trips take at most, in µs
	Memory                    // bytes of heap and stack that one end of an idle link holds
	Goroutines                // goroutines that one end of an idle link holds
	Core                      // share of one processor that the work took, in percent
	Late                      // how much later than due the latest message came, in ms
	Others                    // share of the machine that other processes used meanwhile, in percent
	count
)

var metrics = [count]struct {
	key, unit string
	lower     bool
}{
	Rate:        {"per_second", "/s", false},
	Bandwidth:   {"mb_per_second", "MB/s", false},
	CPU:         {"cpu_us", "µs", true},
	Allocs:      {"allocs", "", true},
	AllocBytes:  {"alloc_bytes", "B", true},
	BatchAllocs: {"allocs_per_batch", "", true},
	Batch:       {"messages_per_batch", "", false},
	P50:         {"p50_us", "µs", true},
	P99:         {"p99_us", "µs", true},
	Memory:      {"bytes_per_link", "B", true},
	Goroutines:  {"goroutines_per_link", "", true},
	Core:        {"core_percent", "%", true},
	Late:        {"late_ms", "ms", true},
	Others:      {"others_cpu_percent", "%", true},
}

// All returns every metric, in the order they are shown.
func All() []Metric {
	all := make([]Metric, count)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// String returns the key of m in JSON.
func (m Metric) String() string { return metrics[m].key }

// Unit is what follows a figure of m in a table, or "" for a plain number.
func (m Metric) Unit() string { return metrics[m].unit }

// LowerIsBetter reports whether less of m is the better result.
func (m Metric) LowerIsBetter() bool { return metrics[m].lower }
