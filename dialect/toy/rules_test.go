package toy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// world is a View and the rules that look at it.
type world struct {
	t     *testing.T
	now   time.Time
	want  int
	links []dialect.LinkID
	in    map[dialect.LinkID]time.Time
	rand  *rand.Rand
	rules dialect.Rules
	known []addr.Addr
}

func newWorld(t *testing.T, want int) *world {
	w := &world{t: t, now: time.Unix(1e9, 0), want: want, in: map[dialect.LinkID]time.Time{}, rand: rand.New(rand.NewPCG(1, 2))}
	w.rules = New(Config{Ping: 10 * time.Second, Ask: time.Minute}).Rules(w)
	w.known = []addr.Addr{{Host: "a.b", Port: 9}}
	return w
}

func (w *world) Share(dialect.LinkID, int) []addr.Addr { return w.known }
func (w *world) Links() []dialect.LinkID               { return w.links }
func (w *world) Want() int                             { return w.want }
func (w *world) Rand() *rand.Rand                      { return w.rand }
func (w *world) Traffic(id dialect.LinkID) (in, out time.Time) {
	return w.in[id], w.in[id]
}

// join opens a link and expects what its session says first.
func (w *world) join(id dialect.LinkID, says string) dialect.Session {
	w.t.Helper()
	w.links = append(w.links, id)
	w.in[id] = w.now
	var s dialect.Session
	w.expect("joining", says, func(out *dialect.Out) { s = w.rules.Join(w.now, id, dialect.Intro{}, out) })
	return s
}

// expect runs f and compares what it wants done with a list of words such as
// "1:GetPeers end:timeout learn:a.b:9".
func (w *world) expect(when, want string, f func(out *dialect.Out)) {
	w.t.Helper()
	var out dialect.Out
	f(&out)
	names := []string{"Ping", "Pong", "GetPeers", "Peers", "App"}
	var got []string
	for _, s := range out.Send {
		got = append(got, fmt.Sprintf("%d:%s", s.To, names[s.Msg.Type]))
	}
	for _, e := range out.End {
		got = append(got, "end:"+fault.KindOf(e.Why).String())
	}
	for _, a := range out.Learn {
		got = append(got, "learn:"+a.String())
	}
	for _, n := range out.Note {
		got = append(got, fmt.Sprintf("rtt:%v", time.Duration(n.Value.(RTT))))
	}
	if strings.Join(got, " ") != want {
		w.t.Errorf("%s gives %q, want %q", when, strings.Join(got, " "), want)
	}
}

func (w *world) handle(s dialect.Session, m dialect.Message, want string) {
	w.t.Helper()
	w.expect(fmt.Sprintf("message of type %d", m.Type), want, func(out *dialect.Out) { s.Handle(w.now, m, out) })
}

// wake moves time to when s is due and runs it.
func (w *world) wake(s interface {
	Next() time.Time
	Wake(time.Time, *dialect.Out)
}, want string) {
	w.t.Helper()
	w.now = s.Next()
	w.expect("waking", want, func(out *dialect.Out) { s.Wake(w.now, out) })
	if next := s.Next(); !next.IsZero() && !next.After(w.now) {
		w.t.Errorf("woken at %v, due again at %v", w.now, next)
	}
}

func TestSilentPeerIsPingedThenLeft(t *testing.T) {
	w := newWorld(t, 0)
	start := w.now
	s := w.join(1, "")
	w.wake(s, "1:Ping")
	if w.now.Sub(start) != 10*time.Second {
		t.Errorf("pinged after %v, want 10s", w.now.Sub(start))
	}
	w.wake(s, "1:Ping")
	w.wake(s, "end:timeout")
	if w.now.Sub(start) != 30*time.Second {
		t.Errorf("left after %v, want 30s", w.now.Sub(start))
	}
}

func TestTrafficDefersThePing(t *testing.T) {
	w := newWorld(t, 0)
	s := w.join(1, "")
	w.in[1] = w.now.Add(4 * time.Second)
	start := w.now
	w.wake(s, "")
	w.wake(s, "1:Ping")
	if w.now.Sub(start) != 14*time.Second {
		t.Errorf("pinged %v after the start, want 10s after the last message", w.now.Sub(start))
	}
}

func TestRoundTripIsNoted(t *testing.T) {
	w := newWorld(t, 0)
	s := w.join(1, "")
	w.handle(s, dialect.Message{Type: Pong}, "")
	w.expect("a probe", "1:Ping", func(out *dialect.Out) { w.rules.Command(w.now, Probe{}, out) })
	w.expect("another command", "", func(out *dialect.Out) { w.rules.Command(w.now, "probe", out) })
	s.Sent(w.now, dialect.Message{Type: Ping, For: dialect.ToSession}, &dialect.Out{})
	w.now = w.now.Add(30 * time.Millisecond)
	w.handle(s, dialect.Message{Type: Pong}, "rtt:30ms")
	w.handle(s, dialect.Message{Type: Pong}, "")
	w.handle(s, dialect.Message{Type: Ping}, "1:Pong")
}

func TestPeersAreExchanged(t *testing.T) {
	w := newWorld(t, 1)
	s := w.join(1, "1:GetPeers")
	peers := dialect.Message{Type: Peers, Body: appendAddrs(nil, w.known)}
	w.handle(s, peers, "learn:a.b:9")
	w.handle(s, peers, "end:abuse")

	w.handle(s, dialect.Message{Type: GetPeers}, "1:Peers")
	w.handle(s, dialect.Message{Type: GetPeers}, "")
	w.now = w.now.Add(30 * time.Second)
	w.handle(s, dialect.Message{Type: GetPeers}, "1:Peers")
}

func TestBadMessagesAreTheSendersFault(t *testing.T) {
	w := newWorld(t, 1)
	s := w.join(1, "1:GetPeers")
	w.handle(s, dialect.Message{Type: Peers, Body: []byte{1}}, "end:protocol")
	w.handle(s, dialect.Message{Type: 77}, "end:protocol")
}

func TestOnePeerIsAskedAtATime(t *testing.T) {
	w := newWorld(t, 0)
	if !w.rules.Next().IsZero() {
		t.Error("a node without links has something to do")
	}
	sessions := []dialect.Session{w.join(1, ""), w.join(2, "")}
	w.wake(w.rules, "")
	w.want = 1
	var asked []string
	for range 20 {
		w.now = w.rules.Next()
		var out dialect.Out
		w.rules.Wake(w.now, &out)
		if len(out.Send) != 1 || out.Send[0].Msg.Type != GetPeers {
			t.Fatalf("woken, the rules send %v, want one request", out.Send)
		}
		asked = append(asked, fmt.Sprint(out.Send[0].To))
	}
	if !slices.Contains(asked, "1") || !slices.Contains(asked, "2") {
		t.Errorf("asked %v, want both links in turn", asked)
	}
	for i, s := range sessions {
		s.Leave(w.now, &dialect.Out{})
		w.links = w.links[:1-i]
	}
	w.wake(w.rules, "")
	if !w.rules.Next().IsZero() {
		t.Error("after the last link has left, the rules still wake")
	}
}

func TestConfigDefaults(t *testing.T) {
	d := New(Config{MaxBody: -1}).(toy)
	want := Config{Ping: DefaultPing, Timeout: 3 * DefaultPing, Ask: DefaultAsk, MaxBody: DefaultMaxBody}
	if d.cfg != want {
		t.Errorf("defaults are %+v, want %+v", d.cfg, want)
	}
}
