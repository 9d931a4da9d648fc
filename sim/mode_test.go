package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/route"
)

// TestModesAgree runs one story in both modes: links, times and hops are the
// same, only bytes and lent bodies differ.
func TestModesAgree(t *testing.T) {
	each(t, func(t *testing.T, w *World) {
		m := newWorld(t, w.Seed())
		m.Mode = Messages
		var lines [2][]string
		for i, w := range []*World{w, m} {
			ns := discover(w, 40)
			run(t, w, time.Minute)
			f := NewFlood(w, route.All())
			for k := range 5 {
				s := f.Start(ns[k*7], toy.App, 1000)
				run(t, w, 3*time.Second)
				lines[i] = append(lines[i], fmt.Sprint(w.Steps(), s.Reached, s.Duplicates, s.Time(0.5), s.Time(1), s.Hops(0.5), s.Hops(1)))
			}
		}
		wantLog(t, "modes differ", lines[1], lines[0]...)
	})
}

// TestValues checks what passes as a value: nothing before the decoder has
// been asked, then the very body, shared and not lent.
func TestValues(t *testing.T) {
	for _, mode := range []Mode{WholeWire, Messages} {
		w := newWorld(t, 1)
		w.Mode, w.Path = mode, fixed(Path{Delay: time.Millisecond})
		var heard []string
		d := bare{log: &heard}
		hub := w.Add(place(0), d, core.Config{Outbound: -1})
		var got []dialect.Message
		for i := range 3 {
			n := w.Add(place(i+1), d, core.Config{Outbound: -1})
			n.Receive = func(_ core.LinkID, m dialect.Message) {
				m.Body = slices.Clip(m.Body)
				got = append(got, m)
			}
			if _, err := w.Connect(hub, n); err != nil {
				t.Fatal(err)
			}
		}
		run(t, w, time.Second)
		body := []byte("a message")
		for range 2 {
			got = nil
			hub.Broadcast(dialect.Message{Body: body}, route.All(), 0)
			run(t, w, time.Second)
		}
		if len(got) != 3 {
			t.Fatalf("%d nodes received the message, want 3", len(got))
		}
		for _, m := range got {
			same := &m.Body[0] == &body[0]
			if value := mode == Messages; same != value || m.Lent == value || m.For != dialect.ToApp {
				t.Errorf("mode %d: the very body: %v, lent: %v, for: %v", mode, same, m.Lent, m.For)
			}
		}
		hub.Broadcast(dialect.Message{Type: 1, Body: []byte("s"), For: dialect.ToSession}, route.All(), 0)
		hub.Broadcast(dialect.Message{Type: 1, Body: []byte("t")}, route.All(), 0)
		run(t, w, time.Second)
		if len(heard) != 9 || heard[0] != `3s sent 1 ""` || heard[3] != `3.001s got 1 "s"` || heard[8] != `3.001s got 1 "t"` {
			t.Errorf("mode %d: sessions heard %q", mode, heard)
		}
	}
}

// TestLentIsOverwritten keeps a lent body, which it must not.
func TestLentIsOverwritten(t *testing.T) {
	w, a, b := pair(t, Path{}, Spec{})
	var kept []byte
	b.Receive = func(_ core.LinkID, m dialect.Message) {
		if kept == nil {
			kept = m.Body
		}
	}
	send(a, "first message")
	send(a, "other message")
	run(t, w, time.Second)
	if string(kept) != "other message" {
		t.Errorf("a lent body reads %q after the next delivery, want that to be seen in it", kept)
	}
}

// TestLentIsCopied queues what is lent and then changes it, in each way that a
// message can wait.
func TestLentIsCopied(t *testing.T) {
	for _, p := range []Path{{Delay: time.Millisecond}, {Bandwidth: 100}} {
		for _, mode := range []Mode{WholeWire, Messages} {
			w, a, b := pair(t, p, Spec{})
			w.Mode = mode
			log := arrivals(b)
			buf := []byte("....")
			for _, s := range []string{"one.", "two.", "thre", "four"} {
				copy(buf, s)
				m := dialect.Message{Lent: true, Body: buf}
				if s == "two." {
					a.Queue(onlyLink(a), m)
				} else {
					a.Broadcast(m, route.All(), 0)
				}
				copy(buf, "junk")
				if s == "one." {
					run(t, w, time.Minute) // the type is known from here on
				}
			}
			run(t, w, time.Minute)
			if text := strings.Join(*log, " "); len(*log) != 4 || strings.Contains(text, "junk") {
				t.Errorf("mode %d, %+v: received %q", mode, p, *log)
			}
		}
	}
}

func onlyLink(n *Node) (id core.LinkID) {
	for id = range n.Links() {
	}
	return id
}

// TestCuts sends messages in pieces: a decoder gets what is there.
func TestCuts(t *testing.T) {
	w, a, b := pair(t, Path{Delay: time.Millisecond}, Spec{})
	log := arrivals(b)
	var stream []byte
	for i := range 20 {
		stream, _ = bare{}.Append(stream, dialect.Message{Body: fmt.Appendf(nil, "message %d", i)})
	}
	x := a.find(onlyLink(a))
	for size := 1; len(stream) > 0; size = size%13 + 1 {
		k := min(size, len(stream))
		x.write(stream[:k])
		stream = stream[k:]
	}
	run(t, w, time.Second)
	if len(*log) != 20 || (*log)[19] != "1.001s message " {
		t.Errorf("received %q, want 20 messages", *log)
	}
	if tr := b.Traffic(onlyLink(b)); tr.InMsgs != 20 || tr.InBytes != 20*(4+9)+10 {
		t.Errorf("counted %+v, want 20 messages of 270 bytes", tr)
	}
}

// TestSessionKeepsBody has a session keep what it is given over the next
// delivery.
func TestSessionKeepsBody(t *testing.T) {
	w, a, _ := pair(t, Path{}, Spec{Dialect: keeper{}})
	var notes []string
	w.nodes[1].Note = func(v dialect.Note) { notes = append(notes, string(v.Value.([]byte))) }
	for _, s := range []string{"abc", "def", "ghi"} {
		send(a, s)
	}
	run(t, w, time.Second)
	wantLog(t, "each note is what the message before said", notes, "", "abc", "def")
}

// keeper is bare with sessions that keep the last body and tell it.
type keeper struct{ bare }

func (k keeper) Rules(dialect.View) dialect.Rules { return keeperRules{} }

type keeperRules struct{ bareRules }

func (keeperRules) Join(time.Time, dialect.LinkID, dialect.Intro, *dialect.Out) dialect.Session {
	return &keeperSession{}
}

type keeperSession struct {
	bareSession
	last []byte
}

func (s *keeperSession) Handle(_ time.Time, m dialect.Message, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Value: s.last})
	s.last = m.Body
}

// TestDecodeFaults sends what a decoder refuses, or cannot get on with.
func TestDecodeFaults(t *testing.T) {
	for _, c := range []struct {
		next func(buf []byte) (dialect.Message, int, error)
		want string
	}{
		{func([]byte) (m dialect.Message, n int, err error) { return m, 0, nil }, "1s decode: " + errStuck.Error()},
		{func([]byte) (m dialect.Message, n int, err error) { return m, maxMessage + 1, nil }, "1s decode: message: 33554433 bytes, limit 33554432"},
		{func([]byte) (m dialect.Message, n int, err error) { return m, 0, errFull }, "1s decode: " + errFull.Error()},
	} {
		w, a, b := pair(t, Path{}, Spec{})
		why := downs(b)
		b.find(onlyLink(b)).dec = decoder(c.next)
		send(a, "hello")
		run(t, w, time.Second)
		wantLog(t, "the link ends", *why, c.want)
	}
}

type decoder func(buf []byte) (dialect.Message, int, error)

func (d decoder) Next(buf []byte) (dialect.Message, int, error) { return d(buf) }

// TestEncodeFault sends what an encoder refuses.
func TestEncodeFault(t *testing.T) {
	w, a, _ := pair(t, Path{}, Spec{Dialect: toy.New(toy.Config{MaxBody: 100})})
	why := downs(a)
	a.Broadcast(dialect.Message{Type: toy.App, Body: make([]byte, 101)}, route.All(), 0)
	run(t, w, time.Millisecond)
	wantLog(t, "the link ends", *why, "1s encode: message: 101 bytes, limit 100")
}

// TestCounters counts one exchange.
func TestCounters(t *testing.T) {
	w, a, b := pair(t, Path{}, Spec{})
	send(a, "hello")
	send(b, "hello, you")
	run(t, w, time.Second)
	want := Counters{Messages: 2, Bytes: 9 + 14, Opened: 2}
	if got := w.Counters(); got != want {
		t.Errorf("world counted %+v, want %+v", got, want)
	}
	want = Counters{Messages: 1, Bytes: 14, Opened: 1}
	if got := b.Counters(); got != want {
		t.Errorf("node counted %+v, want %+v", got, want)
	}
	if got, want := a.Traffic(onlyLink(a)), (Traffic{InBytes: 14, InMsgs: 1, OutBytes: 9, OutMsgs: 1}); got != want {
		t.Errorf("link counted %+v, want %+v", got, want)
	}
}
