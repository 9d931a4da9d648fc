package agenda

// Kind says what an event is about. What the kinds are is the owner's matter.
type Kind uint8

// Event is something that will happen. It holds no pointer, so that the collector
// need not look at the queue.
type Event struct {
	At   int64  // virtual nanoseconds, not negative
	Ord  uint64 // which event it is, with its kind and argument
	A, B uint32 // what it is about
}

const ordShift = 16 // bits of kind and argument below the number of an event

// Kind returns what the event was pushed with.
func (e *Event) Kind() Kind { return Kind(e.Ord >> 8) }

// Arg returns what the event was pushed with.
func (e *Event) Arg() uint8 { return uint8(e.Ord) }

// before is the order of events: by time, and within an instant as they were made.
func (e *Event) before(f *Event) bool {
	return e.At < f.At || e.At == f.At && e.Ord < f.Ord
}
