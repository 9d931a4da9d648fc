package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/route"
	"parley/transport/mem"
)

// Nodes come and go, links are closed, banned and cut, outboxes overflow, and
// everybody talks from several goroutines at once. Afterwards every done was
// called once, each link that came up went down once, no message came on a link
// before it was up, and all goroutines are gone.
func TestStress(t *testing.T) {
	for _, full := range []FullPolicy{Refuse, DropOldest, Disconnect} {
		synctest.Test(t, func(t *testing.T) { testStress(t, full) })
	}
}

// life is what a handler saw of the links of one node.
type life struct {
	mu    sync.Mutex
	ups   map[*Link]int
	downs map[*Link]int
	early int // messages on links that were not up yet
}

func (f *life) Peer(l *Link, up bool, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if up {
		f.ups[l]++
	} else {
		f.downs[l]++
	}
	if up && l.ID()%7 == 0 {
		l.Close(errors.New("unlucky"))
	}
}

func (f *life) Note(*Link, any) {}

func (f *life) Receive(l *Link, ms []dialect.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ups[l] == 0 {
		f.early += len(ms)
	}
}

func testStress(t *testing.T, full FullPolicy) {
	const members, talkers = 6, 2
	netw := mem.New(3 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	var asked, told atomic.Int64
	var lives []*life
	var nodes []*running
	var wg sync.WaitGroup
	for i := range members {
		f := &life{ups: map[*Link]int{}, downs: map[*Link]int{}}
		lives = append(lives, f)
		cfg := member(netw, i+1, 1, 2, 3)
		cfg.Handler, cfg.Full, cfg.Outbox, cfg.Core.Outbound = f, full, 20*chunk, 3
		n := run(t, cfg)
		nodes = append(nodes, n)
		for range talkers {
			wg.Go(func() { chatter(ctx, n, netw, &asked, &told) })
		}
	}
	wg.Wait()
	for _, n := range nodes {
		wg.Go(func() { n.stop() })
	}
	wg.Wait()
	if a, b := asked.Load(), told.Load(); a != b || a == 0 {
		t.Errorf("%d messages were queued, done was called %d times", a, b)
	}
	for i, f := range lives {
		f.check(t, i)
	}
}

// check looks at what was seen of all links, which have ended.
func (f *life) check(t *testing.T, i int) {
	if len(f.ups) == 0 || f.early > 0 {
		t.Errorf("node %d: %d links, %d messages before their link was up", i, len(f.ups), f.early)
	}
	for l, ups := range f.ups {
		if ups != 1 || f.downs[l] != 1 {
			t.Errorf("node %d: link %d came up %d times and went down %d times", i, l.ID(), ups, f.downs[l])
		}
	}
}

// chatter does what an application might, at random.
func chatter(ctx context.Context, n *running, netw *mem.Network, asked, told *atomic.Int64) {
	for ctx.Err() == nil {
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		m := dialect.Message{Type: app("").Type, Lent: rand.IntN(2) == 0, Body: make([]byte, rand.IntN(2*chunk))}
		links := slices.Collect(n.Links())
		if len(links) == 0 {
			continue
		}
		l := links[rand.IntN(len(links))]
		switch k := rand.IntN(200); {
		case k < 100:
			n.Broadcast(m, route.Fanout(2), l)
		case k < 170:
			asked.Add(1)
			if !l.Queue(m, func(error) { told.Add(1) }) {
				asked.Add(-1)
			}
		case k < 190:
			brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			l.Send(brief, m)
			cancel()
		case k < 194:
			l.Close(nil)
		case k < 195:
			n.Ban(l.Addr().HostOnly(), "", time.Second, "test")
		case k < 197:
			from, to := host(1+rand.IntN(6)), host(1+rand.IntN(6))
			netw.Cut(from, to)
			time.Sleep(time.Second)
			netw.Heal(from, to)
		case k < 198:
			n.Learn([]addr.Addr{host(1 + rand.IntN(6))})
		default:
			n.Snapshot(ctx)
			n.Ended(10)
		}
	}
}
