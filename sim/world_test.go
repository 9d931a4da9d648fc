package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
	"parley/sim/internal/agenda"
)

// seeds are those that random tests run; the first alone where a run is dear.
var seeds = []uint64{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946}[:runs]

// place returns the i-th address: public, and each in a network of its own.
func place(i int) addr.Addr {
	ip := netip.AddrFrom4([4]byte{byte(20 + i%60), byte(i / 60), byte(i / 60 >> 8), 1})
	return addr.Addr{IP: ip, Port: 8108}
}

// newWorld returns a world that is closed after the test and, should the test
// fail, leaves the end of its trace and says how to repeat it.
func newWorld(t testing.TB, seed uint64) *World {
	w := NewWorld(seed)
	tail := &tail{}
	w.Trace = tail
	t.Cleanup(func() {
		w.Close()
		if !t.Failed() {
			return
		}
		t.Logf("seed %d; repeat with: go test ./sim -run '^%s$'", seed, t.Name())
		file := filepath.Join(t.ArtifactDir(), fmt.Sprintf("trace-%d.txt", seed))
		if err := os.WriteFile(file, tail.Bytes(), 0o644); err != nil {
			t.Error(err)
		}
	})
	return w
}

// tail keeps the last megabytes of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 20
	if t.Len() > 2*most {
		t.Next(t.Len() - most)
	}
	return t.Buffer.Write(p)
}

// discover adds nodes that find each other: each knows the first and one more.
func discover(w *World, count int) []*Node {
	d := toy.New(toy.Config{})
	first := len(w.Nodes())
	for i := range count {
		w.Add(place(first+i), d, core.Config{Outbound: 6, Inbound: 40}, place(0), place((first+i)/2))
	}
	return w.Nodes()
}

// run runs w and fails the test if a check fails.
func run(t testing.TB, w *World, d time.Duration) {
	t.Helper()
	if err := w.Run(d); err != nil {
		t.Fatal(err)
	}
}

// wantReached floods one message and fails the test unless it reaches all.
func wantReached(t testing.TB, f *Flood, from *Node, want int, within time.Duration) *Spread {
	t.Helper()
	s := f.Start(from, toy.App, 100)
	run(t, f.w, within)
	if s.Reached != want {
		t.Errorf("message reached %d nodes, want %d", s.Reached, want)
	}
	return s
}

// bare is a dialect without an opening exchange. Its messages are a length of
// four bytes and a body; those of type 1, shorter than four bytes, are the
// session's. It says nothing of its own accord.
type bare struct{ log *[]string }

func (bare) Name() string { return "bare" }

func (b bare) Open(_ io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	in := dialect.Intro{Version: 1}
	if err := o.Admit(in); err != nil {
		return nil, err
	}
	return &dialect.Link{Intro: in, Decoder: b, Encoder: b, Shared: "bare"}, nil
}

func (bare) Append(dst []byte, m dialect.Message) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Body)))
	return append(dst, m.Body...), nil
}

func (bare) Next(buf []byte) (m dialect.Message, n int, err error) {
	if len(buf) < 4 {
		return m, 4, nil
	}
	n = 4 + int(binary.BigEndian.Uint32(buf))
	if len(buf) < n {
		return m, n, nil
	}
	m = dialect.Message{For: dialect.ToApp, Body: buf[4:n]}
	if n < 8 {
		m.Type, m.For = 1, dialect.ToSession
	}
	return m, n, nil
}

func (b bare) Rules(dialect.View) dialect.Rules { return bareRules(b) }

type bareRules struct{ log *[]string }

func (r bareRules) Join(_ time.Time, id dialect.LinkID, _ dialect.Intro, _ *dialect.Out) dialect.Session {
	return &bareSession{bareRules: r, id: id}
}
func (bareRules) Command(time.Time, any, *dialect.Out) {}
func (bareRules) Wake(time.Time, *dialect.Out)         {}
func (bareRules) Next() time.Time                      { return time.Time{} }

type bareSession struct {
	bareRules
	id dialect.LinkID
}

func (s *bareSession) note(now time.Time, what string, m dialect.Message) {
	if s.log != nil {
		*s.log = append(*s.log, fmt.Sprintf("%v %s %d %q", now.Sub(epoch), what, s.id, m.Body))
	}
}
func (s *bareSession) Handle(now time.Time, m dialect.Message, _ *dialect.Out) { s.note(now, "got", m) }
func (s *bareSession) Sent(now time.Time, m dialect.Message, _ *dialect.Out)   { s.note(now, "sent", m) }
func (s *bareSession) Leave(time.Time, *dialect.Out)                           {}

// pair connects two bare nodes that dial nobody, by a given path.
func pair(t testing.TB, p Path, spec Spec) (w *World, a, b *Node) {
	w = newWorld(t, 1)
	w.Path = fixed(p)
	spec.Core.Outbound = -1
	if spec.Dialect == nil {
		spec.Dialect = bare{}
	}
	spec.Addr = place(0)
	a = w.AddNode(spec)
	spec.Addr = place(1)
	b = w.AddNode(spec)
	if _, err := w.Connect(a, b); err != nil {
		t.Fatal(err)
	}
	run(t, w, time.Second)
	if a.Degree() != 1 || b.Degree() != 1 {
		t.Fatalf("nodes have %d and %d links, want 1 each", a.Degree(), b.Degree())
	}
	return w, a, b
}

// arrivals has a node note when what arrives.
func arrivals(n *Node) *[]string {
	log := &[]string{}
	n.Receive = func(_ core.LinkID, m dialect.Message) {
		*log = append(*log, fmt.Sprintf("%v %s", n.w.Now().Sub(epoch), m.Body[:min(len(m.Body), 8)]))
	}
	return log
}

func send(n *Node, body string) int {
	return n.Broadcast(dialect.Message{Body: []byte(body)}, route.All(), 0)
}

// fixed gives every connection the same path.
func fixed(p Path) func(*rand.Rand, addr.Addr, addr.Addr) Path {
	return func(*rand.Rand, addr.Addr, addr.Addr) Path { return p }
}

// TestLayout holds the structures that a flood touches to the cache lines that
// they are laid out for.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"event", unsafe.Sizeof(agenda.Event{}), 24},
		{"what a delivery touches of an end", unsafe.Offsetof(end{}.conn), 64},
		{"end", unsafe.Sizeof(end{}), 3 * 64},
		{"conn", unsafe.Sizeof(conn{}), 7 * 64},
		{"port", unsafe.Sizeof(port{}), 64},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, c.got, c.want)
		}
	}
}

// TestMisuse checks that calls which cannot work say so at once.
func TestMisuse(t *testing.T) {
	w := newWorld(t, 1)
	w.Add(place(0), bare{}, core.Config{Outbound: -1})
	wantPanic(t, "two nodes at one address", func() { w.Add(place(0), bare{}, core.Config{}) })
	wantPanic(t, "a node without a dialect", func() { w.AddNode(Spec{Addr: place(1)}) })
	wantPanic(t, "a node nowhere", func() { w.AddNode(Spec{Dialect: bare{}}) })
	w.After(0, func() { wantPanic(t, "Run within Run", func() { w.Run(1) }) })
	w.After(0, func() { wantPanic(t, "Close within Run", w.Close) })
	run(t, w, time.Second)
	w.Close()
	wantPanic(t, "Run after Close", func() { w.Run(1) })
}

func wantPanic(t *testing.T, why string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", why)
		}
	}()
	f()
}

// toyMessage is a message for the application with a body as given.
func toyMessage(body string) dialect.Message {
	return dialect.Message{Type: toy.App, For: dialect.ToApp, Body: []byte(body)}
}

func TestAfterInOrder(t *testing.T) {
	w := newWorld(t, 1)
	var got []int
	for i := range 1000 {
		w.After(time.Duration(999-i)/10*time.Second, func() { got = append(got, i) })
	}
	run(t, w, time.Hour)
	for k := 1; k < len(got); k++ {
		if a, b := got[k-1], got[k]; (999-a)/10 > (999-b)/10 || (999-a)/10 == (999-b)/10 && a > b {
			t.Fatalf("call %d came before %d", a, b)
		}
	}
	if len(got) != 1000 {
		t.Errorf("%d calls were made, want 1000", len(got))
	}
	if len(w.calls) > 1000 || len(w.spare) != len(w.calls) {
		t.Errorf("%d of %d places are free, want all", len(w.spare), len(w.calls))
	}
}
