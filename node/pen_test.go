package node

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/dialect"
)

// However often the pen goes from one goroutine to another and the writer comes
// and goes, all that was taken arrives once, in the order of each of those who
// talk, and everybody is told; also if the link is closed while they do.
func TestPenChangesHands(t *testing.T) {
	for _, style := range []string{"append", "frame", "pack"} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/cut=%t", style, cut), func(t *testing.T) { testPenChangesHands(t, style, cut) })
		}
	}
}

func testPenChangesHands(t *testing.T, style string, cut bool) {
	const talkers, each = 4, 400
	got := newCounter()
	a, b := over(true, plain{style: style, prelude: "hello"})
	a.Handler, a.Core.Inbound = events{receive: got.receive}, 10
	na := run(t, a)
	up := make(chan *Link, 1)
	b.Outbox = 64 << 10
	b.Seeds, b.Handler = na.Listening(), events{peer: func(l *Link, isUp bool, _ error) {
		if isUp {
			select {
			case up <- l:
			default: // dialed again after it was closed
			}
		}
	}}
	run(t, b, func(n *Node) { n.quiet = 20 * time.Microsecond })
	l := <-up
	var asked, told atomic.Int64
	taken := make([]int, talkers)
	var wg sync.WaitGroup
	for who := range talkers {
		wg.Go(func() {
			for i := range each {
				if cut && who == 0 && i == each/2 {
					l.Close(nil)
				}
				if l.talk(t, fmt.Sprintf("%d %d ", who, taken[who]), &asked, &told) {
					taken[who]++
				}
				for range rand.IntN(50) {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	l.Close(nil)
	<-l.Done()
	total := 0
	for _, k := range taken {
		total += k
	}
	if seen := order(t, got.wait(total), talkers); !slices.Equal(seen, taken) || total < each/4 {
		t.Errorf("%v arrived of %v", seen, taken)
	}
	for told.Load() != asked.Load() {
		runtime.Gosched() // done is called after the bytes went
	}
	if sent := l.Stats().OutMsgs.Load(); sent != uint64(total) || l.Queued() != 0 {
		t.Errorf("%d counted of %d, %d bytes wait", sent, total, l.Queued())
	}
}

// order checks that what each talker said is in order, and returns how much it is.
func order(t *testing.T, ms []dialect.Message, talkers int) (seen []int) {
	seen = make([]int, talkers)
	for _, m := range ms {
		var who, i int
		fmt.Sscan(string(m.Body), &who, &i)
		if i != seen[who] {
			t.Fatalf("message %d of %d arrived after %d", i, who, seen[who]-1)
		}
		seen[who]++
	}
	return seen
}

// talk sends a message in one of the ways there are and reports whether it was
// taken. It waits for room only where the link does.
func (l *Link) talk(t *testing.T, text string, asked, told *atomic.Int64) bool {
	m := dialect.Message{Type: 1, Body: []byte(text), Lent: rand.IntN(2) == 0}
	if rand.IntN(16) == 0 {
		m.Body = []byte(text + strings.Repeat(".", copyBelow+rand.IntN(copyStream)))
	}
	if m.Lent {
		defer clear(m.Body)
	}
	if rand.IntN(2) == 0 {
		l.stats.OutLast.Store(0) // it has long been quiet
	}
	if rand.IntN(4) > 0 {
		return l.Send(t.Context(), m) == nil
	}
	var done func(error)
	if rand.IntN(2) == 0 {
		asked.Add(1)
		done = func(error) { told.Add(1) }
	}
	taken := l.Queue(m, done)
	if !taken && done != nil {
		asked.Add(-1)
	}
	return taken
}
