package core

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

func TestFilled(t *testing.T) {
	got := Config{}.filled()
	if got.Outbound != 8 || got.Inbound != 117 || got.Opening != 64 || got.Dials != 16 || got.PerHost != 4 ||
		got.PerGroup != 2 || got.Backoff != 5*time.Second || got.Offer != 3 || got.BanScore != 100 ||
		got.BanTime != 24*time.Hour || got.Book != (BookConfig{16384, 64, 256, noLimit}) {
		t.Errorf("the defaults are %+v", got)
	}
	got = Config{
		Outbound: -1, Target: -1, Inbound: -1, Opening: -1, Dials: -1, PerHost: -1, PerGroup: -1, Backoff: -1,
		RoundTime: -1, DropTo: -1, Offer: -1, BanScore: -1, BanTime: -1, Book: BookConfig{-1, -1, -1, -1},
	}.filled()
	if got.Outbound != 0 || got.Target != 0 || got.Inbound != 0 || got.Backoff != minBackoff || got.RoundTime != 0 ||
		got.DropTo != 0 || got.Offer != 0 || got.BanTime != 0 {
		t.Errorf("what negative fields turn off is %+v", got)
	}
	if got.Opening != noLimit || got.Dials != noLimit || got.PerHost != noLimit || got.PerGroup != noLimit ||
		got.BanScore != noLimit || got.Book != (BookConfig{noLimit, noLimit, noLimit, noLimit}) {
		t.Errorf("what negative fields let grow is %+v", got)
	}
	always := addrs("1.2.3.4:5", "1.2.3.4:5", "1.2.3.4", "x.example:1")
	if got := (Config{Always: always}).filled().Always; len(got) != 2 {
		t.Errorf("peers to hold on to are %v, want the two that can be dialed", got)
	}
	if got := (Config{Backoff: 1 << 62}).filled().Backoff; got<<maxDoublings < got {
		t.Errorf("a pause of %v overflows when doubled", got)
	}
}

func TestReaches(t *testing.T) {
	for _, c := range []struct {
		peer, a string
		want    bool
	}{
		{"8.1.0.1:1", "8.2.0.1:1", true},
		{"8.1.0.1:1", "[2a00:1450::1]:1", true},
		{"8.1.0.1:1", "10.0.0.1:1", false},
		{"8.1.0.1:1", "127.0.0.1:1", false},
		{"8.1.0.1:1", "192.0.2.1:1", false},
		{"8.1.0.1:1", "x.example:1", false},
		{"8.1.0.1:1", "8.2.0.1", false},
		{"x.example:1", "10.0.0.1:1", false},
		{"10.0.0.1:1", "10.0.0.2:1", true},
		{"10.0.0.1:1", "127.0.0.1:1", false},
		{"10.0.0.1:1", "[fe80::1%lo]:1", false},
		{"10.0.0.1:1", "localhost:1", false},
		{"127.0.0.1:1", "127.0.0.1:2", true},
		{"localhost:1", "[::1]:2", true},
		{"[::1]:1", "10.0.0.1:1", true},
	} {
		if got := reaches(at(c.peer), at(c.a)); got != c.want {
			t.Errorf("a peer at %s is told of %s: %v, want %v", c.peer, c.a, got, c.want)
		}
	}
}

func TestForgiving(t *testing.T) {
	s := newBlames()
	who := culprit{id: "x"}
	s.add(epoch, who, 80, "noise")
	for _, c := range []struct {
		after time.Duration
		want  int
	}{
		{-time.Hour, 80}, {0, 80}, {halfLife / 2, 60}, {halfLife, 40}, {3 * halfLife / 2, 30},
		{2 * halfLife, 20}, {10 * halfLife, 0}, {1000 * halfLife, 0},
	} {
		if got := s.score(epoch.Add(c.after), who); got != c.want {
			t.Errorf("after %v the score is %d, want %d", c.after, got, c.want)
		}
	}
	last := 80
	for i := range 100 {
		got := s.score(epoch.Add(time.Duration(i)*time.Minute), who)
		if got > last {
			t.Fatalf("the score rises from %d to %d with time", last, got)
		}
		last = got
	}
	if got := s.add(epoch.Add(halfLife), who, 50, "more noise"); got != 90 {
		t.Errorf("what is left and new blame make %d, want 90", got)
	}
	if why := s.by[who].why; why != "more noise" {
		t.Errorf("blamed for %q, want what was last", why)
	}
	for range 100 {
		s.add(epoch, who, noLimit, "")
	}
	if s.score(epoch, who) < 100 {
		t.Error("endless blame overflows")
	}
}

func TestTablesAreBounded(t *testing.T) {
	s, b := newBlames(), newBans()
	for i := range 2 * maxBlames {
		s.add(epoch, culprit{id: fmt.Sprint(i)}, 50, "")
		b.set(Ban{Addr: at(fmt.Sprintf("8.%d.%d.1:1", i/250, i%250)), ID: fmt.Sprint(i), Until: epoch.Add(time.Duration(i) * time.Second)})
	}
	if len(s.by) != maxBlames || s.queue.Len() != maxBlames || s.score(epoch, culprit{id: "0"}) != 0 {
		t.Errorf("%d are blamed, limit %d", len(s.by), maxBlames)
	}
	if len(b.byAddr) != MaxBans || len(b.byID) != MaxBans || b.queue.Len() != MaxBans {
		t.Errorf("%d are banned, limit %d", len(b.byAddr), MaxBans)
	}
	if b.set(Ban{Addr: at("9.9.9.9"), Until: epoch.Add(time.Second)}) {
		t.Error("a short ban displaced a longer one")
	}
	b.expire(epoch.Add(3 * maxBlames * time.Second))
	if len(b.byAddr)+len(b.byID)+b.queue.Len() != 0 {
		t.Error("bans outlive their end")
	}
}

func TestBackoff(t *testing.T) {
	n := newNode(1, Config{Backoff: 10 * time.Second})
	for tries, want := range []time.Duration{10, 10, 20, 40, 80, 160, 320, 640, 640, 640} {
		want *= time.Second
		for range 100 {
			if got := n.pause(tries, maxDoublings); got < want || got > want*3/2 {
				t.Fatalf("after %d failures the pause is %v, want %v to %v", tries, got, want, want*3/2)
			}
		}
	}
}

// TestHostileDialect checks that rules and sessions that want to be woken at
// once, for ever, do not stop the node.
func TestHostileDialect(t *testing.T) {
	n := newNode(1, Config{Outbound: -1})
	var e Effects
	n.rules.(*fakeRules).stuck = true
	id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
	n.Opened(epoch, id, dialect.Intro{Info: "stuck"}, &e)
	n.Command(epoch, "wake 0s", &e)
	now := epoch
	for i := range 10 {
		e.Reset()
		n.Wake(now, &e)
		if len(e.Note) != 2 {
			t.Fatalf("wake %d: %d woken, want both", i, len(e.Note))
		}
		if next := n.Next(); !next.After(now) {
			t.Fatalf("wake %d: the node wants to be woken at once again", i)
		}
		now = n.Next()
	}
	if d := now.Sub(epoch); d < 10*minStep {
		t.Errorf("ten wakes took %v only", d)
	}
}

// TestManySessionsDue checks that one call serves a bounded number of sessions
// and the following ones the rest.
func TestManySessionsDue(t *testing.T) {
	n := newNode(1, Config{Outbound: -1, Inbound: 1000, Opening: 1000, PerHost: -1})
	var e Effects
	const links = 3*maxWakes/2 + 1
	for range links {
		id, err := n.Accepted(epoch, at("8.1.0.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		n.Opened(epoch, id, dialect.Intro{Info: "every 5s"}, &e)
	}
	now := epoch.Add(5 * time.Second)
	e.Reset()
	n.Wake(now, &e)
	if len(e.Note) != maxWakes || !n.Next().Equal(now) {
		t.Errorf("the first call woke %d of %d, limit %d; next is %v", len(e.Note), links, maxWakes, n.Next())
	}
	e.Reset()
	n.Wake(now, &e)
	if len(e.Note) != links-maxWakes || !n.Next().After(now) {
		t.Errorf("the second call woke %d, want the other %d; next is %v", len(e.Note), links-maxWakes, n.Next())
	}
}

// TestSelfIsNotShared checks that an address that used to be somebody else's
// is not told to others once it has led to this node.
func TestSelfIsNotShared(t *testing.T) {
	n := newNode(1, Config{Outbound: 1})
	var e Effects
	n.Restore(epoch, &Saved{Peers: []Known{{Addr: at("8.1.0.1:7"), Seen: epoch}}}, &e)
	id, _ := n.Accepted(epoch, at("8.2.0.1:5000"))
	n.Opened(epoch, id, dialect.Intro{ID: "a"}, &e)
	n.Closed(epoch, e.Dial[0].Link, fault.New(fault.Local, "open", dialect.ErrSelf), &e)
	if got := (view{n}).Share(id, 9); len(got) != 0 {
		t.Errorf("shared %v, which leads to this node", got)
	}
}

// TestSessionsEnd checks that every session that was joined is left.
func TestSessionsEnd(t *testing.T) {
	for seed := range uint64(10) {
		w := newWalker(seed)
		if err := w.walk(400); err != nil {
			t.Fatal(err)
		}
		if left := w.n.rules.(*fakeRules).left; left != len(w.was) {
			t.Errorf("seed %d: %d sessions ended, %d links came up", seed, left, len(w.was))
		}
	}
}

// TestNoHost checks a node without knowledge of traffic: links count as silent
// since they opened.
func TestNoTraffic(t *testing.T) {
	n := newNode(1, Config{Outbound: -1})
	var e Effects
	id, _ := n.Accepted(epoch, at("8.1.0.1:1"))
	n.Opened(epoch, id, dialect.Intro{ID: "a"}, &e)
	n.Command(epoch.Add(time.Second), "traffic 1", &e)
	n.Command(epoch.Add(time.Second), "traffic 9", &e)
	if len(e.Note) != 2 || e.Note[0].Value != "0s" {
		t.Errorf("traffic is %v, want that of the start", e.Note)
	}
	second, _ := n.Accepted(epoch.Add(healthy), at("8.1.0.1:2"))
	if err := n.Admit(epoch.Add(healthy), second, dialect.Intro{ID: "a"}, &e); err != nil {
		t.Errorf("a link that was silent for %v stays: %v", healthy, err)
	}
}

// TestErrors checks that callers can tell the answers of Admit apart.
func TestErrors(t *testing.T) {
	n := New(Config{Inbound: -1}, fake{}, Host{Rand: rand.New(rand.NewPCG(1, 1)), Nonce: 5})
	var e Effects
	id, err := n.Accepted(epoch, addr.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	err = n.Admit(epoch, id, dialect.Intro{Nonce: 5}, &e)
	if !errors.Is(err, dialect.ErrSelf) || fault.KindOf(err) != fault.Local {
		t.Errorf("ourselves: %v", err)
	}
	err = n.Admit(epoch, id, dialect.Intro{Nonce: 6}, &e)
	if r, ok := errors.AsType[*dialect.Refusal](err); !ok || r.Reason != "full" || fault.KindOf(err) != fault.Refused {
		t.Errorf("full: %v", err)
	}
	err = n.Admit(epoch, id, dialect.Intro{ID: strings.Repeat("x", maxIdentity+1)}, &e)
	if fault.KindOf(err) != fault.Protocol {
		t.Errorf("a long identity: %v", err)
	}
	err = n.Admit(epoch, id+1, dialect.Intro{}, &e)
	if fault.KindOf(err) != fault.Local {
		t.Errorf("no such link: %v", err)
	}
}

// TestTouch looks at what a node is about to do: that changes nothing, whether or not
// it has links.
func TestTouch(t *testing.T) {
	n := newNode(1, Config{})
	n.Touch()
	var e Effects
	for i := range 3 {
		id, err := n.Accepted(epoch, at(fmt.Sprintf("8.1.%d.1:1", i)))
		if err != nil {
			t.Fatal(err)
		}
		in := dialect.Intro{ID: fmt.Sprint(i), Info: fmt.Sprintf("wake %ds", i+1)}
		n.Opened(epoch, id, in, &e)
	}
	before, next := n.State(epoch), n.Next()
	if len(before.Links) != 3 || next.IsZero() {
		t.Fatalf("%d links, next %v; want three that are due", len(before.Links), next)
	}
	for range 3 {
		n.Touch()
	}
	if after := n.State(epoch); !reflect.DeepEqual(after, before) || !n.Next().Equal(next) {
		t.Errorf("looking changed %+v to %+v, and %v to %v", before, after, next, n.Next())
	}
}
