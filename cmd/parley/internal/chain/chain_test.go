package chain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parley/dialect"
)

var (
	start  = time.Unix(1_700_000_000, 0)
	config = Config{Interval: time.Second, Retry: 400 * time.Millisecond, Keep: 100, Batch: 4}
)

func have(height uint64) []byte   { return NewHave(height).Body }
func want(from, to uint64) []byte { return newWant(from, to).Body }

// handle lets a chain read and take a message.
func handle(c *Chain, now time.Time, from dialect.LinkID, body []byte, out []Send) (Arrival, []Send, error) {
	m, err := Parse(body)
	if err != nil {
		return Arrival{}, out, err
	}
	a, out := c.Handle(now, from, m, true, out)
	return a, out, nil
}

func block(height uint64) []byte {
	return AppendBlock(nil, Header{Height: height, Leader: 1, Made: start}, []byte("filler"))
}

// show writes sends in words, so that tests can say what they want in words.
func show(out []Send) []string {
	var words []string
	for _, s := range out {
		m, err := Parse(s.Message.Body)
		if err != nil {
			return []string{err.Error()}
		}
		to := fmt.Sprint("to ", s.To)
		if s.To == 0 {
			to = fmt.Sprint("to all but ", s.Not)
		}
		switch m.Kind {
		case Block:
			words = append(words, fmt.Sprintf("block %d %s", m.Header.Height, to))
		case Have:
			words = append(words, fmt.Sprintf("have %d %s", m.To, to))
		case Want:
			words = append(words, fmt.Sprintf("want %d-%d %s", m.From, m.To, to))
		}
	}
	return words
}

// story drives one chain. Each step says what happened, then what is wanted.
type story struct {
	t   *testing.T
	c   *Chain
	now time.Time
	out []Send
}

func tell(t *testing.T) *story { return &story{t: t, c: New(config), now: start} }

func (s *story) join(id dialect.LinkID)  { s.out = s.c.Join(s.now, id, nil) }
func (s *story) leave(id dialect.LinkID) { s.out = s.c.Leave(s.now, id, nil) }

func (s *story) hears(from dialect.LinkID, body []byte) Arrival {
	s.t.Helper()
	a, out, err := handle(s.c, s.now, from, body, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.out = out
	return a
}

func (s *story) after(d time.Duration) {
	s.now = s.now.Add(d)
	s.out = s.c.Wake(s.now, nil)
}

func (s *story) want(why string, words ...string) {
	s.t.Helper()
	if got := show(s.out); !slices.Equal(got, words) {
		s.t.Errorf("%s:\n got %q\nwant %q", why, got, words)
	}
}

func TestFlood(t *testing.T) {
	s := tell(t)
	s.join(1)
	s.want("a neighbor is told our height at once", "have 0 to 1")
	s.join(2)
	if a := s.hears(1, block(1)); !a.New || a.Held || a.Height != 1 {
		t.Errorf("a new block arrived as %+v", a)
	}
	s.want("a new block is passed on", "block 1 to all but 1")
	if a := s.hears(2, block(1)); a.New || !a.Held {
		t.Errorf("a copy arrived as %+v", a)
	}
	s.want("a copy is not")
	s.out = s.c.Make(s.now, block(2), Header{Height: 2}, nil)
	s.want("a block of our own goes to all", "block 2 to all but 0")
	if s.c.Height() != 2 {
		t.Errorf("height %d, want 2", s.c.Height())
	}
}

func TestAnnounceBetweenBlocks(t *testing.T) {
	s := tell(t)
	s.join(1)
	s.after(600 * time.Millisecond)
	s.want("nothing is due yet")
	s.hears(1, block(1))
	s.after(400 * time.Millisecond)
	s.want("the block put the announcement off")
	s.after(100 * time.Millisecond)
	s.want("half an interval after the block it is time", "have 1 to all but 0")
	for range 10 {
		s.hears(1, block(s.c.Height()+1))
		s.after(300 * time.Millisecond)
	}
	if got := s.now.Sub(s.c.told); got > 2*config.Interval {
		t.Errorf("blocks put announcements off by %v, limit %v", got, 2*config.Interval)
	}
}

func TestCatchUp(t *testing.T) {
	s := tell(t)
	s.join(1)
	s.join(2)
	s.hears(1, have(6))
	s.want("who is behind asks, a batch at a time", "want 1-4 to 1")
	s.hears(2, have(6))
	s.want("nobody else is asked meanwhile")
	for h := range uint64(3) {
		s.hears(1, block(h+1))
		s.want("what was asked for is not passed on")
	}
	s.hears(1, block(4))
	s.want("the next batch is asked of who has not failed", "want 5-6 to 1")
	s.hears(1, block(5))
	s.hears(1, block(6))
	s.want("having caught up, the others are told", "have 6 to all but 1")
}

func TestAskAnother(t *testing.T) {
	s := tell(t)
	s.join(1)
	s.join(2)
	s.hears(1, have(2))
	s.hears(2, have(2))
	s.after(config.Retry)
	s.want("who does not answer is asked no more", "want 1-2 to 2")
	s.hears(2, block(1))
	s.after(config.Retry - 1)
	s.want("an answer gives time for the next")
	s.leave(2)
	s.want("who leaves owing an answer is replaced", "want 2-2 to 1")
	s.leave(1)
	if !s.c.Next().IsZero() {
		t.Error("without neighbors nothing is due")
	}
}

func TestGap(t *testing.T) {
	s := tell(t)
	s.join(1)
	s.hears(1, block(2))
	s.want("a block beyond a gap is passed on", "block 2 to all but 1")
	if s.c.Height() != 0 {
		t.Errorf("height %d with block 1 missing, want 0", s.c.Height())
	}
	s.hears(1, have(3))
	s.want("only the gap is asked for", "want 1-1 to 1")
	s.hears(1, block(1))
	s.want("then what lies beyond", "want 3-3 to 1")
	if a := s.hears(1, block(s.c.Height()+uint64(config.Keep)+1)); a.New || a.Held {
		t.Errorf("a block far ahead arrived as %+v, want neither kept nor held", a)
	}
}

func TestAnswer(t *testing.T) {
	s := tell(t)
	s.join(1)
	for h := range uint64(config.Keep + 10) {
		s.out = s.c.Make(s.now, block(h+1), Header{Height: h + 1}, nil)
	}
	s.hears(1, want(12, 13))
	s.want("what is wanted is sent", "block 12 to 1", "block 13 to 1")
	s.hears(1, want(50, 1<<60))
	s.want("no more than a batch", "block 50 to 1", "block 51 to 1", "block 52 to 1", "block 53 to 1")
	s.hears(1, want(3, 4))
	s.want("what is kept no more can not be sent")
	s.hears(1, want(110, 1<<63))
	s.want("nor what is not there yet", "block 110 to 1")
	if n := len(s.c.blocks); n != config.Keep {
		t.Errorf("%d blocks kept, limit %d", n, config.Keep)
	}
}

func TestMalformed(t *testing.T) {
	for _, b := range [][]byte{
		nil, {'X'}, {'B'}, block(1)[:HeaderSize-1], block(0),
		have(1)[:8], append(have(1), 0), want(1, 2)[:16], append(want(1, 2), 0), want(0, 2), want(3, 2),
	} {
		c := New(config)
		if _, out, err := handle(c, start, 1, b, nil); err == nil || len(out) > 0 {
			t.Errorf("%x: accepted", b)
		}
	}
}

// TestHeals loses a third of all messages between chains in a ring, and wants
// that every chain has every block soon after the last was made.
func TestHeals(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(6, func() bool { return r.IntN(3) == 0 })
		for h := uint64(1); h <= 30; h++ {
			w.make(r.IntN(6), h)
			w.pass(config.Interval)
		}
		w.pass(30 * config.Interval)
		for i, c := range w.chains {
			if c.Height() != 30 {
				t.Errorf("seed %d: chain %d has %d blocks, want 30", seed, i, c.Height())
			}
		}
	}
}

// world passes messages between chains in a ring; link 1 leads to the next,
// link 2 to the one before.
type world struct {
	now    time.Time
	chains []*Chain
	mail   []letter
	lost   func() bool
}

type letter struct {
	to   int
	from dialect.LinkID
	body []byte
}

func newWorld(n int, lost func() bool) *world {
	w := &world{now: start, lost: lost}
	for i := range n {
		c := New(config)
		w.chains = append(w.chains, c)
		w.send(i, c.Join(w.now, 1, nil))
		w.send(i, c.Join(w.now, 2, nil))
	}
	return w
}

func (w *world) make(leader int, height uint64) {
	w.send(leader, w.chains[leader].Make(w.now, block(height), Header{Height: height}, nil))
}

func (w *world) send(i int, out []Send) {
	n := len(w.chains)
	for _, s := range out {
		for link := dialect.LinkID(1); link <= 2; link++ {
			if s.Not == link || s.To != 0 && s.To != link || w.lost() {
				continue
			}
			to := (i + 1) % n
			if link == 2 {
				to = (i + n - 1) % n
			}
			w.mail = append(w.mail, letter{to: to, from: 3 - link, body: s.Message.Body})
		}
	}
}

// pass lets time go by in steps; messages arrive a step after they were sent.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(50 * time.Millisecond)
		mail := w.mail
		w.mail = nil
		for _, l := range mail {
			_, out, err := handle(w.chains[l.to], w.now, l.from, l.body, nil)
			if err != nil {
				panic(err)
			}
			w.send(l.to, out)
		}
		for i, c := range w.chains {
			if at := c.Next(); !at.IsZero() && !w.now.Before(at) {
				w.send(i, c.Wake(w.now, nil))
			}
		}
	}
}

// FuzzHandle wants that no message makes a chain panic, send more than a batch
// or keep what it refused.
func FuzzHandle(f *testing.F) {
	f.Add(block(1))
	f.Add(block(1 << 63))
	f.Add(have(1 << 63))
	f.Add(want(1, 1<<63))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := New(config)
		out := c.Make(start, block(1), Header{Height: 1}, nil)
		c.Join(start, 1, nil)
		a, out, err := handle(c, start, 1, b, out[:0])
		if len(out) > config.Batch {
			t.Errorf("%d sends, limit %d", len(out), config.Batch)
		}
		if err != nil && (a != Arrival{} || len(out) > 0) {
			t.Errorf("refused with %v, but %+v and %d sends", err, a, len(out))
		}
		if a.New != (len(c.blocks) == 2) {
			t.Errorf("%+v, but %d blocks kept", a, len(c.blocks))
		}
	})
}
