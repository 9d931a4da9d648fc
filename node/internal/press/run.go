package press

// Run is a piece of a page: forms that lie side by side.
type Run struct {
	page *page
	mem  []byte
	from int
}

// Bytes returns what is in it.
func (r *Run) Bytes() []byte { return r.mem }

// Reset empties it.
func (r *Run) Reset() { *r = Run{} }

// Add appends a form, if it comes next on the page or the run is empty, and
// reports whether it did.
func (r *Run) Add(f Form) bool {
	switch {
	case f.page == nil:
		return false
	case r.page == nil:
		r.page, r.from, r.mem = f.page, f.from, f.Wire
		return true
	case r.page != f.page || r.from+len(r.mem) != f.from:
		return false
	}
	r.mem = r.mem[:len(r.mem)+len(f.Wire)]
	return true
}
