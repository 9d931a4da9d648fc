package agenda

import (
	"cmp"
	"slices"
)

// sorter sorts the Events of one slot: into parts of it first, in the order they
// were added, and then within each part, where little is left to do.
type sorter struct {
	in    []Event       // to be sorted
	begin [parts]uint32 // where each part begins; once split, where it ends
}

const (
	partBits  = 10
	parts     = 1 << partBits
	partShift = slotBits - partBits
	fewEvents = 32 // are sorted at once
)

// part is the part of its slot that an event belongs to.
func (e *Event) part() int64 { return e.At >> partShift & (parts - 1) }

// slot appends what is in s.in to dst, which is empty, in order.
func (s *sorter) slot(dst []Event) []Event {
	if len(s.in) <= fewEvents {
		dst = append(dst, s.in...)
		insertion(dst)
		return dst
	}
	dst = s.split(dst)
	from := uint32(0)
	for _, end := range s.begin { // of each part, by now
		if part := dst[from:end]; len(part) <= fewEvents {
			insertion(part)
		} else if !slices.IsSortedFunc(part, order) { // mostly one instant, and in order
			slices.SortFunc(part, order)
		}
		from = end
	}
	return dst
}

func order(a, b Event) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Ord, b.Ord)) }

// insertion sorts a few events.
func insertion(es []Event) {
	for i := 1; i < len(es); i++ {
		e, j := es[i], i
		for ; j > 0 && e.before(&es[j-1]); j-- {
			es[j] = es[j-1]
		}
		es[j] = e
	}
}

// split puts events into the order of their parts.
func (s *sorter) split(dst []Event) []Event {
	clear(s.begin[:])
	for i := range s.in {
		s.begin[s.in[i].part()]++
	}
	at := uint32(0)
	for i, n := range s.begin {
		s.begin[i], at = at, at+n
	}
	dst = slices.Grow(dst, len(s.in))[:len(s.in)]
	for i := range s.in {
		p := &s.begin[s.in[i].part()]
		dst[*p] = s.in[i]
		*p++
	}
	return dst
}
