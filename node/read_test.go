package node

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/dialect"
	"parley/route"
	"parley/transport/mem"
)

// script is a reader that hands out pieces of given sizes of an endless stream.
type script struct{ sizes []int }

func (s *script) Read(p []byte) (int, error) {
	if len(s.sizes) == 0 {
		return 0, io.EOF
	}
	n := min(s.sizes[0], len(p))
	if s.sizes[0] -= n; s.sizes[0] == 0 {
		s.sizes = s.sizes[1:]
	}
	return n, nil
}

// However much a peer announces, the buffer stays below twice what has arrived,
// and below 64 KiB until that much has.
func TestWindowGrows(t *testing.T) {
	const need = 10 << 20
	w := newWindow()
	src := &script{sizes: []int{need}}
	for arrived := 0; arrived < need; {
		k, err := w.fill(src, need)
		if err != nil {
			t.Fatal(err)
		}
		if limit := max(trusted, 2*arrived); len(w.buf) > limit {
			t.Fatalf("a buffer of %d bytes when %d have arrived", len(w.buf), arrived)
		}
		arrived += k
	}
	if len(w.buf) != need || len(w.bytes()) != need {
		t.Errorf("a buffer of %d holds %d bytes, want %d", len(w.buf), len(w.bytes()), need)
	}
	w.skip(need)
	w.fill(&script{sizes: []int{need}}, 0)
	if n := len(w.bytes()); n > busyBuffer {
		t.Errorf("one read of small messages takes %d bytes", n)
	}
}

// Reads that fill the buffer double it to its limit; reads of little halve it
// again, even without a pause.
func TestWindowFollows(t *testing.T) {
	w := newWindow()
	for range 20 {
		w.fill(&script{sizes: []int{1 << 30}}, 0)
		w.skip(len(w.bytes()))
	}
	if len(w.buf) != busyBuffer {
		t.Errorf("busy: %d bytes, want %d", len(w.buf), busyBuffer)
	}
	for range 10 * decayEvery {
		w.fill(&script{sizes: []int{100}}, 0)
		w.skip(len(w.bytes()))
	}
	if len(w.buf) != smallBuffer {
		t.Errorf("after small reads: %d bytes, want %d", len(w.buf), smallBuffer)
	}
	w.fill(&script{sizes: []int{50_000}}, 50_000)
	if len(w.buf) != 65536 {
		t.Errorf("for a message of 50,000: %d bytes", len(w.buf))
	}
	w.shrink()
	if !bytes.Equal(w.bytes(), make([]byte, len(w.bytes()))) || len(w.buf) < len(w.bytes()) {
		t.Error("shrinking lost bytes")
	}
}

// Nothing is lost or repeated, whatever sizes the pieces have.
func TestWindowKeeps(t *testing.T) {
	var stream []byte
	for i := range 40_000 {
		stream = binary.BigEndian.AppendUint32(stream, uint32(i))
	}
	src := bytes.NewReader(stream)
	w := newWindow()
	next := 0
	for i := 0; next < 40_000; i++ {
		need := 4 * (1 + i*i%5000)
		for len(w.bytes()) < min(need, 4*(40_000-next)) {
			if _, err := w.fill(src, need); err != nil {
				t.Fatal(err)
			}
		}
		for b := w.bytes(); len(b) >= 4 && need > 0; need -= 4 {
			if got := binary.BigEndian.Uint32(b); got != uint32(next) {
				t.Fatalf("read %d, want %d", got, next)
			}
			next++
			w.skip(4)
			b = b[4:]
		}
		if i%100 == 0 {
			w.shrink()
		}
	}
}

// watched is a reader that a test looks at while it waits.
type watched struct {
	reader
	mu sync.Mutex
}

// size returns the size of the buffer, once the reader waits.
func (w *watched) size() int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.w.buf)
}

// gate orders what a reader does after each read after what was done under mu
// before.
type gate struct {
	net.Conn
	mu *sync.Mutex
}

func (g gate) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	return n, err
}

// startReader runs a reader that is not part of a running node, so that a test
// can look at its buffer while it waits, and returns the other end.
func startReader(t *testing.T, h Handler) (r *watched, peer io.ReadWriteCloser) {
	t.Helper()
	netw := mem.New(0)
	ln, err := netw.From(host(1)).Listen(t.Context(), host(1))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := netw.From(host(2)).Dial(t.Context(), host(1))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(Config{Dialect: plain{}, Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	n.base, n.poison = t.Context(), true
	l := n.newLink(time.Now(), 1, host(2), false)
	r = &watched{reader: reader{l: l, w: newWindow(), dec: &plainDecoder{}}}
	r.c = gate{ours, &r.mu}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for r.run() == errGrown { // as the next goroutine would
			r.grown = false
		}
	}()
	t.Cleanup(func() { ours.Close(); theirs.Close(); <-ended })
	return r, theirs
}

func encoded(sizes ...int) (b []byte) {
	for _, size := range sizes {
		b, _ = plainEncoder{}.Append(b, dialect.Message{Type: 1, Body: bytes.Repeat([]byte("x"), size)})
	}
	return b
}

// A link that goes quiet gives its memory back.
func TestReadShrinks(t *testing.T) { synctest.Test(t, testReadShrinks) }

func testReadShrinks(t *testing.T) {
	r, peer := startReader(t, discard{})
	for _, size := range []int{10_000, 100_000, 5 << 20} {
		peer.Write(encoded(size, 10))
		if b := r.size(); b <= smallBuffer {
			t.Errorf("%d bytes came through a buffer of %d", size, b)
		}
		time.Sleep(2*quiet + time.Second)
		if b := r.size(); b != idleBuffer {
			t.Errorf("after a while the buffer still has %d bytes", b)
		}
	}
	if n := r.l.stats.InMsgs.Load(); n != 6 {
		t.Errorf("%d messages arrived, want 6", n)
	}
}

// A link that goes quiet has its messages read by another goroutine, since the
// stack of the first may have grown in the handler.
func TestReadOnASmallStack(t *testing.T) { synctest.Test(t, testReadOnASmallStack) }

func testReadOnASmallStack(t *testing.T) {
	var on []string
	netw := mem.New(0)
	a := member(netw, 1)
	a.Handler = events{receive: func(*Link, []dialect.Message) {
		stack := make([]byte, 64)
		id, _, _ := strings.Cut(string(stack[:runtime.Stack(stack, false)]), "[")
		on = append(on, id)
	}}
	_, nb, _ := two(t, a, member(netw, 2, 1))
	for range 2 {
		for range 3 {
			nb.Broadcast(app("x"), route.All(), nil)
			synctest.Wait()
		}
		time.Sleep(3 * quiet)
	}
	synctest.Wait()
	if len(on) != 6 || on[0] != on[2] || on[3] != on[5] || on[0] == on[3] {
		t.Errorf("read on %q", on)
	}
}

// While something moves now and then the buffer stays, and a half message
// survives the shrinking.
func TestReadStays(t *testing.T) { synctest.Test(t, testReadStays) }

func testReadStays(t *testing.T) {
	r, peer := startReader(t, discard{})
	peer.Write(encoded(100_000))
	whole := encoded(1000)
	for range 10 {
		peer.Write(whole[:500])
		time.Sleep(quiet - time.Second)
		peer.Write(whole[500:])
	}
	if b := r.size(); b <= smallBuffer {
		t.Error("the buffer shrank although something moved")
	}
	peer.Write(whole[:500])
	time.Sleep(3 * quiet)
	peer.Write(whole[500:])
	b := r.size()
	if n := r.l.stats.InMsgs.Load(); n != 12 || b > smallBuffer {
		t.Errorf("%d messages arrived, want 12; buffer %d", n, b)
	}
}

// All that one read completes comes in one call, byte by byte it comes too, and
// what is lent is overwritten afterwards.
func TestReadBatches(t *testing.T) { synctest.Test(t, testReadBatches) }

func testReadBatches(t *testing.T) {
	var batches []int
	var kept [][]byte
	r, peer := startReader(t, events{receive: func(_ *Link, ms []dialect.Message) {
		batches = append(batches, len(ms))
		for _, m := range ms {
			if !m.Lent || strings.Trim(string(m.Body), "x") != "" {
				t.Errorf("lent %v, body %q", m.Lent, m.Body)
			}
			kept = append(kept, m.Body)
		}
	}})
	peer.Write(encoded(1, 2, 3, 4, 5))
	r.size()
	for _, b := range encoded(6, 7) {
		peer.Write([]byte{b})
		r.size()
	}
	if r.size(); !slices.Equal(batches, []int{5, 1, 1}) {
		t.Errorf("batches of %v messages", batches)
	}
	for _, b := range kept {
		if bytes.Contains(b, []byte("x")) {
			t.Errorf("a lent body was not overwritten: %q", b)
		}
	}
	peer.Write(encoded(make([]int, 10_000)...)) // empty ones
	r.size()
	for _, k := range batches {
		if k > batchMsgs {
			t.Errorf("a batch of %d, limit %d", k, batchMsgs)
		}
	}
}

// A message over a limit ends the link when its size is known, not when it has
// come; messages before it are delivered.
func TestReadLimit(t *testing.T) { synctest.Test(t, testReadLimit) }

func testReadLimit(t *testing.T) {
	for _, limit := range []int{0, 1 << 20} {
		netw := mem.New(0)
		got := newCounter()
		cfg := member(netw, 1)
		cfg.Dialect, cfg.ReadBuffer = plain{}, limit
		cfg.Handler = events{receive: got.receive}
		n := run(t, cfg)
		c := raw(t, netw, 1)
		size := uint32(plainMax + 1)
		if limit > 0 {
			size = uint32(limit) // without head and tail
		}
		c.Write(binary.BigEndian.AppendUint32(encoded(10), size))
		c.Write([]byte{1})
		wantClosed(t, c, 0, 2*time.Second)
		n.wantEnded(t, "protocol", "limit")
		if len(got.wait(1)) != 1 {
			t.Error("the message before it was not delivered")
		}
		n.stop()
	}
}

// stuck is a decoder that takes nothing.
type stuck struct{ plain }

func (s stuck) Open(rw io.ReadWriter, o *dialect.Opening) (*dialect.Link, error) {
	l, err := s.plain.Open(rw, o)
	if err == nil {
		l.Decoder = s
	}
	return l, err
}

func (stuck) Next([]byte) (m dialect.Message, n int, err error) { return m, 0, nil }

// A decoder that makes no progress is our mistake, and no endless loop.
func TestReadStuck(t *testing.T) { synctest.Test(t, testReadStuck) }

func testReadStuck(t *testing.T) {
	netw := mem.New(0)
	cfg := member(netw, 1)
	cfg.Dialect = stuck{}
	n := run(t, cfg)
	c := raw(t, netw, 1)
	c.Write([]byte("x"))
	wantClosed(t, c, 0, 2*time.Second)
	n.wantEnded(t, "local", "took no bytes")
}
