package press

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"parley/dialect"
)

// tagger encodes a message as its type, its body and, if so made, padding.
type tagger struct {
	pad   int
	calls int
}

var errType = errors.New("no such type")

// Append implements dialect.Encoder.
func (t *tagger) Append(dst []byte, m dialect.Message) ([]byte, error) {
	t.calls++
	if m.Type == 0 {
		return nil, errType
	}
	dst = append(append(dst, byte(m.Type)), m.Body...)
	return append(dst, make([]byte, t.pad)...), nil
}

// framer leaves large bodies out.
type framer struct{ tagger }

// Frame implements dialect.Framer.
func (f *framer) Frame(dst []byte, m dialect.Message) ([]byte, int, error) {
	return append(dst, byte(m.Type), 0xee), 1, nil
}

func message(i, size int) dialect.Message {
	return dialect.Message{Type: uint32(1 + i%200), Body: bytes.Repeat([]byte{byte(i)}, size)}
}

func wire(i, size int) []byte { m := message(i, size); return append([]byte{byte(m.Type)}, m.Body...) }

// forms returns how many forms were made of a message.
func forms(s *Sheet) (n int) {
	for d := s.made.Load(); d != nil; d = d.next {
		n++
	}
	return n
}

// Small forms made one after the other are one run as long as the page lasts.
func TestRun(t *testing.T) {
	const size, n = 1000, 200
	p, e := New(1<<20), new(tagger)
	var run Run
	var keep [n]Sheet
	var got []byte
	runs := 1
	for i := range n {
		f, ok := keep[i].Form(p, e, message(i, size), false)
		if !ok || f.Err != nil || !bytes.Equal(f.Wire, wire(i, size)) {
			t.Fatalf("form %d: %v, %v", i, ok, f.Err)
		}
		if !run.Add(f) {
			got = append(got, run.Bytes()...)
			run.Reset()
			runs++
			if !run.Add(f) {
				t.Fatal("an empty run did not take it")
			}
		}
	}
	got = append(got, run.Bytes()...)
	var want []byte
	for i := range n {
		want = append(want, wire(i, size)...)
	}
	if !bytes.Equal(got, want) {
		t.Error("the runs are not what was made, in order")
	}
	if most := n*(size+1)/(PageSize-size-extra) + 1; runs > most {
		t.Errorf("%d runs, want at most %d", runs, most)
	}
}

// What does not come next is not taken for it.
func TestRunRefuses(t *testing.T) {
	p, e := New(1<<20), new(framer)
	var s [3]Sheet
	var f [3]Form
	for i := range s {
		f[i], _ = s[i].Form(p, e, message(i, 10), false)
	}
	var run Run
	large, _ := new(Sheet).Form(p, e, message(9, 10), true)
	if run.Add(large) {
		t.Error("it took a form that is on no page")
	}
	if !run.Add(f[0]) || run.Add(f[2]) || run.Add(f[0]) || !run.Add(f[1]) || !run.Add(f[2]) {
		t.Error("it took what does not come next, or refused what does")
	}
	if want := bytes.Join([][]byte{wire(0, 10), wire(1, 10), wire(2, 10)}, nil); !bytes.Equal(run.Bytes(), want) {
		t.Errorf("got %x", run.Bytes())
	}
}

// Each press makes a form of its own, once.
func TestOncePerPress(t *testing.T) {
	a, b := New(1<<20), New(1<<20)
	ea, eb := new(tagger), &tagger{pad: 3}
	var s Sheet
	for range 3 {
		fa, _ := s.Form(a, ea, message(1, 5), false)
		fb, _ := s.Form(b, eb, message(1, 5), false)
		if len(fa.Wire) != 6 || len(fb.Wire) != 9 {
			t.Fatalf("%d and %d bytes", len(fa.Wire), len(fb.Wire))
		}
	}
	if ea.calls != 1 || eb.calls != 1 || forms(&s) != 2 {
		t.Errorf("encoded %d and %d times, %d forms", ea.calls, eb.calls, forms(&s))
	}
}

// A form that outgrows its room, a large one, one with a hole and none at all.
func TestOffThePage(t *testing.T) {
	p := New(1 << 20)
	long := &tagger{pad: PageSize}
	if f, ok := new(Sheet).Form(p, long, message(1, 5), false); !ok || len(f.Wire) != 6+PageSize || f.page != nil {
		t.Errorf("outgrown: %v, %d bytes, on a page: %v", ok, len(f.Wire), f.page != nil)
	}
	if f, ok := new(Sheet).Form(p, new(tagger), message(1, small+1), true); !ok || len(f.Wire) != small+2 || f.page != nil || f.Hole {
		t.Errorf("large: %v, %d bytes", ok, len(f.Wire))
	}
	if f, ok := new(Sheet).Form(p, new(framer), message(1, small+1), true); !ok || len(f.Wire) != 2 || !f.Hole || f.Tail != 1 {
		t.Errorf("with a hole: %v, %+v", ok, f)
	}
	if f, ok := new(Sheet).Form(p, new(tagger), dialect.Message{}, false); !ok || f.Err != errType {
		t.Errorf("no form: %v, %v", ok, f.Err)
	}
	var s Sheet
	if f, _ := s.Form(p, new(tagger), message(2, 3), false); !bytes.Equal(f.Wire, wire(2, 3)) {
		t.Errorf("after all that: %x", f.Wire)
	}
}

// A page that is too old is taken back, so that what few links still need does
// not keep what all the others have written. What was handed out stays good.
func TestTakenBack(t *testing.T) {
	const pages, size = 3, 1000
	p, e := New(pages*PageSize), new(tagger)
	var old Sheet
	first, _ := old.Form(p, e, message(1, size), false)
	var keep []*Sheet
	for i := 0; ; i++ {
		if i > (pages+1)*PageSize/size {
			t.Fatal("the page was never taken back")
		}
		s := new(Sheet)
		s.Form(p, e, message(i, size), false)
		keep = append(keep, s)
		if _, ok := old.Form(p, e, message(1, size), false); !ok {
			break
		}
	}
	if held := len(keep) * size; held < (pages-1)*PageSize {
		t.Errorf("taken back after %d bytes", held)
	}
	if !bytes.Equal(first.Wire, wire(1, size)) {
		t.Error("what was handed out has changed")
	}
}

// Links that make the forms of the same messages at once get the same ones.
func TestConcurrent(t *testing.T) {
	const links, n = 8, 500
	p := New(1 << 20)
	sheets := make([]Sheet, n)
	var wg sync.WaitGroup
	errs := make(chan error, links)
	for range links {
		wg.Go(func() {
			e := new(tagger) // an encoder is of one link
			for i := range sheets {
				f, ok := sheets[i].Form(p, e, message(i, 300), false)
				if !ok || !bytes.Equal(f.Wire, wire(i, 300)) {
					errs <- fmt.Errorf("form %d: %v", i, ok)
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for i := range sheets {
		if n := forms(&sheets[i]); n != 1 {
			t.Fatalf("%d forms of one message", n)
		}
	}
}
