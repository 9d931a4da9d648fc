package lane

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// load is what wants to be sent on the lanes of a schedule.
type load struct {
	s    *Schedule
	sent []int // bytes
	left []int // packets waiting; negative for always more
	size []int // of a packet
}

func newLoad(priorities, left, size []int) *load {
	l := &load{s: New(priorities), sent: make([]int, len(left)), left: left, size: size}
	for i, n := range left {
		if n != 0 {
			l.s.Ready(i)
		}
	}
	return l
}

// step sends one packet and returns whose it was.
func (l *load) step() int {
	i := l.s.Next()
	if i < 0 {
		return i
	}
	if l.left[i] == 0 {
		panic("a lane without anything to send has its turn")
	}
	if l.left[i] > 0 {
		l.left[i]--
	}
	l.sent[i] += l.size[i]
	l.s.Sent(i, l.size[i], l.left[i] != 0)
	return i
}

func same(n, v int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// Under saturation the bytes of every second are in proportion to the
// priorities, at the original's default rate, within a tenth, whatever the sizes
// of packets.
func TestShares(t *testing.T) {
	const second = 5_120_000
	for _, tt := range []struct {
		name             string
		priorities, size []int
	}{
		{"three", []int{1, 5, 10}, same(3, 1044)},
		{"a node's", []int{1, 6, 10, 7, 1, 5, 6, 5, 5, 3}, same(10, 1044)},
		{"equal", []int{3, 3, 3}, same(3, 1044)},
		{"sizes differ", []int{1, 5, 10}, []int{1044, 40, 300}},
		{"small ones are urgent", []int{1, 100}, []int{1044, 20}},
		{"sixteen", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, same(16, 1044)},
	} {
		l := newLoad(tt.priorities, same(len(tt.priorities), -1), tt.size)
		weights := 0
		for _, p := range tt.priorities {
			weights += p
		}
		for window := range 5 {
			clear(l.sent)
			for total := 0; total < second; {
				total += tt.size[l.step()]
			}
			for i, p := range tt.priorities {
				got, want := float64(l.sent[i])/second, float64(p)/float64(weights)
				if got < 0.9*want || got > 1.1*want {
					t.Errorf("%s: second %d: lane %d of priority %d got %.4f of the bandwidth, want %.4f", tt.name, window, i, p, got, want)
				}
			}
		}
	}
}

// A message on a lane of the highest priority is the next packet when others
// have had the link to themselves, and again and again while it keeps to its share.
func TestUrgentGoesNext(t *testing.T) {
	l := newLoad([]int{1, 1, 1, 1, 5, 10}, []int{-1, -1, -1, -1, -1, 0}, same(6, 1044))
	for round := range 1000 {
		for range 5 + round%7 {
			l.step()
		}
		l.left[5] = 1
		l.s.Ready(5)
		if i := l.step(); i != 5 {
			t.Fatalf("round %d: lane %d goes before the urgent one", round, i)
		}
	}
}

// A lane of the highest priority that comes back as soon as it has sent takes no
// more than its share and the burst.
func TestUrgentDoesNotStarve(t *testing.T) {
	l := newLoad([]int{1, 1, 2}, []int{-1, -1, 1}, same(3, 1044))
	const total = 20_000_000
	for sum := 0; sum < total; sum += 1044 {
		if l.step() == 2 {
			l.left[2] = 1
			l.s.Ready(2)
		}
	}
	if over := l.sent[2] - total/2; over > Burst+2*1044 || over < -2*1044 {
		t.Errorf("half the priority got %d bytes more than half the bandwidth, limit %d", over, Burst)
	}
	for i := range 2 {
		if l.sent[i] < total/4-Burst {
			t.Errorf("lane %d got %d bytes of %d", i, l.sent[i], total)
		}
	}
}

// Having been idle gives nothing, and owing ends when nobody has anything to send.
func TestIdle(t *testing.T) {
	l := newLoad([]int{1, 1}, []int{1000, 0}, same(2, 1000))
	for l.left[0] > 500 {
		l.step()
	}
	l.left[1] = 500
	l.s.Ready(1)
	clear(l.sent)
	for range 200 {
		l.step()
	}
	if d := l.sent[0] - l.sent[1]; d < -1000 || d > 1000 {
		t.Errorf("of equals, one got %d bytes more for having been idle", -d)
	}
	for l.step() >= 0 {
	}
	if l.s.Any() || l.s.Next() >= 0 {
		t.Error("something is left to send")
	}
	l.left[0], l.left[1] = 10, 10
	l.s.Ready(1)
	l.s.Ready(0)
	clear(l.sent)
	for range 10 {
		l.step()
	}
	if l.sent[0] != l.sent[1] {
		t.Errorf("after a pause equals got %v", l.sent)
	}
}

// Lanes come and go at random. Whatever happens, any two that had something to
// send all the while get what their priorities say, within a packet of each and
// the burst.
func TestFairAtRandom(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		priorities := make([]int, 2+r.IntN(8))
		for i := range priorities {
			priorities[i] = 1 + r.IntN(20)
		}
		priorities[0], priorities[1] = 1+r.IntN(20), 1+r.IntN(20)
		l := newLoad(priorities, same(len(priorities), -1), same(len(priorities), 100+r.IntN(944)))
		for range 20_000 {
			l.step()
			for i := 2; i < len(priorities); i++ {
				if r.IntN(20) == 0 {
					l.left[i] = 1 + r.IntN(5)
					l.s.Ready(i)
				}
			}
		}
		a, b := l.sent[0]/priorities[0], l.sent[1]/priorities[1]
		if d := a - b; d > 2200 || d < -2200 {
			t.Errorf("seed %d: priorities %v: the first two got %d and %d bytes for each of their weight", seed, priorities, a, b)
		}
	}
}

// Times wrap around after 2^48 bytes at the lowest priority; nobody notices.
func TestWrap(t *testing.T) {
	l := newLoad([]int{1, 3}, []int{-1, -1}, same(2, 1000))
	for i := range l.s.lanes {
		l.s.lanes[i].start = ^uint64(0) - 50_000*scale
	}
	l.s.now, l.s.end = l.s.lanes[0].start, l.s.lanes[0].start
	for range 400 {
		l.step()
	}
	if l.s.now > 1<<63 {
		t.Fatal("the test does not wrap")
	}
	if l.sent[0] != 100_000 || l.sent[1] != 300_000 {
		t.Errorf("around the wrap the two got %v", l.sent)
	}
}

func TestPriorityBounds(t *testing.T) {
	s := New([]int{-5, 0, 1 << 30})
	if s.lanes[0].weight != 1 || s.lanes[1].weight != 1 || s.lanes[2].weight != MaxPriority {
		t.Errorf("weights are %+v", s.lanes)
	}
	s.Ready(1)
	s.Ready(1)
	s.Sent(1, 0, false)
	if s.Any() {
		t.Error("ready twice counts twice")
	}
}

func BenchmarkNext(b *testing.B) {
	for _, n := range []int{1, 3, 10, 16} {
		b.Run(fmt.Sprintf("%dlanes", n), func(b *testing.B) {
			l := newLoad([]int{1, 6, 10, 7, 1, 5, 6, 5, 5, 3, 1, 2, 3, 4, 5, 6}[:n], same(n, -1), same(n, 1044))
			b.ReportAllocs()
			for b.Loop() {
				l.step()
			}
		})
	}
}
