package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/dialect"
	"parley/fault"
	"parley/route"
	"parley/stats"
	"parley/transport/mem"
)

// bodies of this size fill a small outbox soon.
const chunk = 10 << 10

func numbered(i int) string { return fmt.Sprintf("%06d", i) + strings.Repeat(".", chunk-6) }

// A peer that does not read is held to its outbox, by each policy in its way,
// while another gets everything.
func TestSlowReader(t *testing.T) {
	t.Run("refuse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { testSlowReader(t, Refuse) })
	})
	t.Run("drop oldest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { testSlowReader(t, DropOldest) })
	})
	t.Run("disconnect", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { testSlowReader(t, Disconnect) })
	})
}

func testSlowReader(t *testing.T, full FullPolicy) {
	const limit, count = 40 * chunk, 200
	netw := mem.New(time.Millisecond)
	release := make(chan struct{})
	slow, fast := &collector{}, &collector{}
	a := member(netw, 1)
	a.Outbox, a.Full, a.WriteTimeout = limit, full, time.Hour
	na := run(t, a)
	b := member(netw, 2, 1)
	b.Handler = events{receive: func(l *Link, ms []dialect.Message) {
		<-release
		slow.receive(l, ms)
	}}
	nb := run(t, b)
	c := member(netw, 3, 1)
	c.Handler = events{receive: fast.receive}
	run(t, c)
	time.Sleep(time.Second)
	lb := linkTo(t, na, 2)
	for i := range count {
		na.Broadcast(app(numbered(i)), route.All(), nil)
		time.Sleep(5 * time.Millisecond) // for the fast one to keep up
		if q := lb.Queued(); q > limit {
			t.Fatalf("%d bytes wait for the slow peer, limit %d", q, limit)
		}
	}
	close(release)
	time.Sleep(time.Minute)
	if got := fast.all(); len(got) != count || !slices.IsSorted(got) {
		t.Errorf("the fast peer got %d messages of %d", len(got), count)
	}
	checkSlow(t, full, na, nb, lb, slow.all(), count)
}

func checkSlow(t *testing.T, full FullPolicy, na, nb *running, lb *Link, got []string, count int) {
	dropped := int(lb.Stats().Dropped.Load())
	if !slices.IsSorted(got) {
		t.Error("the slow peer got messages out of order")
	}
	switch full {
	case Refuse, DropOldest:
		if dropped == 0 || len(got)+dropped != count || lb.Stats().DroppedBytes.Load() != uint64(dropped*chunk) {
			t.Errorf("the slow peer got %d and lost %d of %d", len(got), dropped, count)
		}
		want := stats.Drops{Full: uint64(dropped)}
		if full == DropOldest {
			want = stats.Drops{Forgotten: uint64(dropped)}
		}
		if got := lb.Stats().Drops(); got != want {
			t.Errorf("dropped for %+v, want %+v", got, want)
		}
		if newest := got[len(got)-1][:6] == numbered(count - 1)[:6]; newest != (full == DropOldest) {
			t.Errorf("the last message the slow peer got is %s", got[len(got)-1][:6])
		}
	case Disconnect:
		select {
		case <-lb.Done():
		default:
			t.Error("the slow peer is still connected")
		}
		na.wantEnded(t, "timeout", "outbox is full")
		nb.wantEnded(t, "io", "")
	}
}

// linkTo returns n's link to the i-th host.
func linkTo(t *testing.T, n *running, i int) *Link {
	t.Helper()
	for l := range n.Links() {
		if l.Addr().IP == host(i).IP {
			return l
		}
	}
	t.Fatalf("no link to host %d", i)
	return nil
}

func TestOutboxCounts(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 10 * itemCost
	for i := range 20 {
		_, _, err := o.put(&item{}, Refuse, &s)
		if (err == nil) != (i < 10) {
			t.Errorf("empty message %d: %v", i, err)
		}
	}
	if s.Dropped.Load() != 10 || o.waiting() != 10*itemCost {
		t.Errorf("dropped %d, waiting %d", s.Dropped.Load(), o.waiting())
	}
}

// A message larger than the outbox goes through an empty one, alone.
func TestOutboxHuge(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 100
	huge := item{msg: dialect.Message{Body: make([]byte, 1000)}}
	if _, _, err := o.put(&huge, Refuse, &s); err != nil {
		t.Errorf("into an empty outbox: %v", err)
	}
	if _, _, err := o.put(&item{}, Refuse, &s); err != errFull {
		t.Errorf("behind it: %v", err)
	}
	if _, _, err := o.put(&huge, DropOldest, &s); err != nil || o.waiting() != huge.cost() {
		t.Errorf("in place of it: %v, %d bytes wait", err, o.waiting())
	}
}

func TestOutboxForgets(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 3 * itemCost
	var told []int
	for i := range 3 {
		o.put(&item{done: func(error) { told = append(told, i) }}, DropOldest, &s)
	}
	q, _, _ := o.take(nil) // with the writer: not to be forgotten, but counted
	if _, _, err := o.put(&item{}, DropOldest, &s); err != errFull {
		t.Errorf("all room is with the writer: %v", err)
	}
	o.release(2 * q[0].cost())
	o.put(&item{done: func(error) { told = append(told, 10) }}, DropOldest, &s)
	o.put(&item{}, DropOldest, &s)
	lost, _, err := o.put(&item{}, DropOldest, &s)
	for _, f := range lost {
		f(errForgotten)
	}
	if err != nil || !slices.Equal(told, []int{10}) {
		t.Errorf("%v; forgotten: %v, want only the first that waited", err, told)
	}
}

// What was waited for is not forgotten, whoever wants its room.
func TestOutboxKeeps(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 3 * itemCost
	for i := range 3 {
		if _, err := o.send(t.Context(), item{kept: i > 0, done: func(error) {}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []error{nil, errFull, errFull} {
		lost, _, err := o.put(&item{}, DropOldest, &s)
		if err != want || len(lost) != 1-min(i, 1) {
			t.Errorf("put %d: %v, %d forgotten, want %v", i, err, len(lost), want)
		}
	}
	q, _, _ := o.take(nil)
	if len(q) != 3 || !q[0].kept || !q[1].kept || q[2].kept || s.Dropped.Load() != 3 {
		t.Errorf("left with %+v, %d dropped", q, s.Dropped.Load())
	}
}

// The rules have some room of their own, but not without limit.
func TestOutboxOfTheRules(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 1000
	o.put(&item{msg: dialect.Message{Body: make([]byte, 1000-itemCost)}}, Refuse, &s)
	said := 0
	for full := false; !full; {
		_, err := o.say(item{msg: dialect.Message{Body: make([]byte, 1<<10)}}, &s)
		if full = err != nil; !full {
			said++
		}
	}
	if want := ownRoom / (1<<10 + itemCost); said != want || s.Dropped.Load() != 1 {
		t.Errorf("%d messages beyond the limit and %d dropped, want %d and 1", said, s.Dropped.Load(), want)
	}
	o.close()
	if _, err := o.say(item{}, &s); err != ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}

// What can not be made room for costs no other message its place.
func TestOutboxForgetsInVain(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 1000
	body := func(n int) *item { return &item{msg: dialect.Message{Body: make([]byte, n-itemCost)}} }
	o.put(body(700), DropOldest, &s)
	o.take(nil) // the writer holds it
	for range 3 {
		o.put(body(100), DropOldest, &s)
	}
	if _, _, err := o.put(body(400), DropOldest, &s); err != errFull || s.Dropped.Load() != 1 || o.waiting() != 1000 {
		t.Errorf("%v, %d dropped, %d bytes wait; want only the new one dropped", err, s.Dropped.Load(), o.waiting())
	}
}

// waitingSends reports how many calls of Send wait for room.
func (o *outbox) waitingSends() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiters)
}

// Send gives room in the order of the calls, and those that give up leave no
// trace.
func TestSendOrder(t *testing.T) { synctest.Test(t, testSendOrder) }

func testSendOrder(t *testing.T) {
	var o outbox
	var s stats.Link
	o.limit = 2 * (chunk + itemCost)
	send := func(ctx context.Context, i int) chan error {
		done := make(chan error, 1)
		go func() { _, err := o.send(ctx, item{msg: app(numbered(i))}); done <- err }()
		synctest.Wait()
		return done
	}
	<-send(t.Context(), 0)
	<-send(t.Context(), 1)
	brief, cancel := context.WithCancel(t.Context())
	given := send(brief, 2)
	third, fourth := send(t.Context(), 3), send(t.Context(), 4)
	if _, _, err := o.put(&item{}, Refuse, &s); err != errFull {
		t.Errorf("Queue overtook those who wait: %v", err)
	}
	cancel()
	if err := <-given; err != context.Canceled {
		t.Errorf("a Send whose context is over: %v", err)
	}
	q, _, _ := o.take(nil)
	o.release(q[0].cost())
	if err := <-third; err != nil {
		t.Error(err)
	}
	if n := o.waitingSends(); n != 1 {
		t.Errorf("%d wait after one was let in, want 1", n)
	}
	o.close()
	if err := <-fourth; err != ErrClosed {
		t.Errorf("a Send that waited when the link closed: %v", err)
	}
	if _, err := o.send(t.Context(), item{}); err != ErrClosed {
		t.Errorf("a Send after that: %v", err)
	}
	if q, _, _ := o.take(nil); len(q) != 1 || q[0].msg.Body[5] != '3' {
		t.Errorf("%d messages left", len(q))
	}
}

// Send waits while the peer does not read, and all it took arrives.
func TestSend(t *testing.T) { synctest.Test(t, testSend) }

func testSend(t *testing.T) {
	const count = 50
	netw := mem.New(time.Millisecond)
	release, got := make(chan struct{}), &collector{}
	a := member(netw, 1)
	a.Handler = events{receive: func(l *Link, ms []dialect.Message) { <-release; got.receive(l, ms) }}
	b := member(netw, 2, 1)
	b.Outbox, b.WriteTimeout = 5*chunk, time.Hour
	_, _, l := two(t, a, b)
	sent := make(chan int)
	go func() {
		for i := range count {
			if err := l.Send(context.Background(), app(numbered(i))); err != nil {
				t.Error(err)
			}
		}
		close(sent)
	}()
	time.Sleep(time.Second)
	select {
	case <-sent:
		t.Error("everything was taken although the peer does not read")
	default:
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := l.Send(ctx, app(numbered(99))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a Send with a deadline: %v", err)
	}
	close(release)
	<-sent
	time.Sleep(time.Second)
	if g := got.all(); len(g) != count || !slices.IsSorted(g) {
		t.Errorf("%d messages arrived, want %d in order", len(g), count)
	}
}

// Whatever becomes of a message, done is called exactly once.
func TestDoneOnce(t *testing.T) {
	for _, full := range []FullPolicy{Refuse, DropOldest, Disconnect} {
		synctest.Test(t, func(t *testing.T) { testDoneOnce(t, full) })
	}
}

func testDoneOnce(t *testing.T, full FullPolicy) {
	netw := mem.New(time.Millisecond)
	release := make(chan struct{})
	a := member(netw, 1)
	a.Handler = events{receive: func(*Link, []dialect.Message) { <-release }}
	b := member(netw, 2, 1)
	b.Outbox, b.Full, b.WriteTimeout = 20*chunk, full, 30*time.Second
	_, nb, l := two(t, a, b)
	const count = 100
	calls := make([]int, count)
	taken := make([]bool, count)
	results := make(chan int, 2*count)
	for i := range count {
		m := app(numbered(i))
		if i == 3 {
			m.Body = make([]byte, 2<<20) // more than toy encodes
		}
		taken[i] = l.Queue(m, func(err error) {
			if i == 3 && err == nil {
				t.Error("a message without a wire form was written")
			}
			results <- i
		})
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * time.Minute) // the writer's deadline passes
	if l.Queue(app("late"), func(error) { t.Error("done of a message that was not taken") }) {
		t.Error("a link that has ended took a message")
	}
	if err := l.Send(t.Context(), app("late")); err != ErrClosed {
		t.Errorf("Send on a link that has ended: %v", err)
	}
	close(release)
	nb.stop()
	close(results)
	for i := range results {
		calls[i]++
	}
	for i := range count {
		if want := map[bool]int{true: 1}[taken[i]]; calls[i] != want {
			t.Errorf("policy %d: done of message %d (taken: %v) was called %d times", full, i, taken[i], calls[i])
		}
	}
	if k := fault.KindOf(l.reason()); k != fault.Timeout {
		t.Errorf("the link ended with %v", l.reason())
	}
}
