// Package press makes the wire form of a message once for all the links that it
// goes to. Small forms lie side by side on pages, in the order in which they were
// made, so that a link that sends many of them can write them from there: with
// one copy of a broadcast for all, and not one for each.
package press

import (
	"sync"
	"sync/atomic"
	"weak"

	"parley/dialect"
)

const (
	// PageSize is how many bytes of small forms lie together.
	PageSize = 64 << 10
	// small is the longest body whose form goes on a page.
	small = 4 << 10
	// extra is how much longer than its body a form is taken to be.
	extra = 64
)

// Press makes wire forms in one encoding. Any goroutine may use it.
type Press struct {
	pages int // how many may be in use

	mu   sync.Mutex         // held while a form is made, as that of its sheet
	last weak.Pointer[page] // the one being filled
	old  []weak.Pointer[page]
}

// page holds forms. It lives as long as one of them is needed, or until so many
// more were filled that whoever still needs one is to make it himself: or one
// message for a slow peer would keep the memory of all that went to others. What
// is in a link's batch by then holds its pages until it is written.
type page struct {
	mem  atomic.Pointer[[]byte] // nil once it is taken back
	used int                    // guarded by the press
}

// New returns a press whose pages are at most limit bytes, or one.
func New(limit int) *Press {
	return &Press{pages: max(1, limit/PageSize)}
}

// Sheet is a message that goes to several links. The zero value is one of which
// no wire form was made.
type Sheet struct {
	made atomic.Pointer[made]
	mu   sync.Mutex // held while a form is made, by an encoder that calls nobody back
}

// made is a wire form of a sheet's message, by one press. Immutable once it is
// in the sheet.
type made struct {
	press *Press
	form  Form // without Wire if it lies on a page
	to    int  // where it ends on the page
	next  *made
}

// Form is the wire form of a message.
type Form struct {
	Wire []byte // without the body if Hole is set; not to be changed
	Hole bool   // the body is not in it
	Tail int    // how many of the last bytes of Wire follow the body
	Err  error  // the message has no wire form

	page *page // where Wire lies, or nil
	from int
}

// Form returns the wire form of m, the message of this sheet. If e is a
// [dialect.Framer] and the body is large, it is left out of it. It reports
// false if the form was made and taken back: then the caller is to make its own.
func (s *Sheet) Form(p *Press, e dialect.Encoder, m dialect.Message, large bool) (Form, bool) {
	d := s.find(p)
	if d == nil {
		d = s.print(p, e, m, large)
	}
	f := d.form
	if f.page == nil {
		return f, true
	}
	mem := f.page.mem.Load()
	if mem == nil {
		return f, false
	}
	f.Wire = (*mem)[f.from:d.to]
	return f, true
}

func (s *Sheet) find(p *Press) *made {
	for d := s.made.Load(); d != nil; d = d.next {
		if d.press == p {
			return d
		}
	}
	return nil
}

func (s *Sheet) print(p *Press, e dialect.Encoder, m dialect.Message, large bool) *made {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.find(p); d != nil {
		return d // by another link, just before
	}
	d := &made{press: p, next: s.made.Load()}
	if fr, ok := e.(dialect.Framer); ok && large {
		d.form.Hole = true
		d.form.Wire, d.form.Tail, d.form.Err = fr.Frame(nil, m)
	} else if len(m.Body) > small {
		d.form.Wire, d.form.Err = e.Append(make([]byte, 0, len(m.Body)+extra), m)
	} else {
		p.set(d, e, m)
	}
	s.made.Store(d)
	return d
}

// set makes a small form, on a page if it turns out to fit.
func (p *Press) set(d *made, e dialect.Encoder, m dialect.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pg := p.last.Value()
	if pg == nil || PageSize-pg.used < len(m.Body)+extra {
		pg = p.turn()
	}
	room := (*pg.mem.Load())[pg.used:pg.used:PageSize]
	wire, err := e.Append(room, m)
	if err != nil || len(wire) == 0 || &wire[0] != &room[:1][0] {
		d.form.Wire, d.form.Err = wire, err
		return
	}
	d.form.page, d.form.from, d.to = pg, pg.used, pg.used+len(wire)
	pg.used = d.to
}

// turn begins a page, and takes back the oldest if there are too many. Called
// with the lock.
func (p *Press) turn() *page {
	if len(p.old) >= p.pages {
		if pg := p.old[0].Value(); pg != nil {
			pg.mem.Store(nil)
		}
		p.old = append(p.old[:0], p.old[1:]...)
	}
	mem := make([]byte, PageSize)
	pg := new(page)
	pg.mem.Store(&mem)
	p.last = weak.Make(pg)
	p.old = append(p.old, p.last)
	return pg
}
