package tendermint

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/dialecttest"
	"parley/fault"
)

// stage runs the rules of one node. Links are numbered from 1.
type stage struct {
	t    *testing.T
	now  time.Time
	view *dialecttest.View
	r    *rules
	ses  map[dialect.LinkID]dialect.Session
	f    form
}

func newStage(t *testing.T, d *Dialect) *stage {
	v := dialecttest.NewView(1)
	v.Known = nil
	return &stage{t: t, now: epoch, view: v, r: newRules(&d.set, v), ses: map[dialect.LinkID]dialect.Session{}, f: d.set.form}
}

func peerID(n int) string { return fmt.Sprintf("%040x", n) }

func peerAddr(n int) addr.Addr {
	return addr.Addr{IP: netip.AddrFrom4([4]byte{8, byte(n >> 16), byte(n >> 8), byte(n)}), Port: 26656}
}

func (s *stage) join(n int, dialed bool) string {
	id := dialect.LinkID(n)
	in := dialect.Intro{Listen: peerAddr(n), Info: &Peer{Dialed: dialed, at: peerAddr(n), self: mustParse(s.t, "203.0.113.7:8770")}}
	if s.f == comet {
		in.ID = peerID(n)
		in.Info.(*Peer).NodeInfo = &NodeInfo{Channels: []byte{0}}
	}
	s.view.Join(s.now, id)
	var out dialect.Out
	s.ses[id] = s.r.Join(s.now, id, in, &out)
	return s.say(&out)
}

// hear lets a peer say something now.
func (s *stage) hear(n int, typ uint32, body []byte) string {
	var out dialect.Out
	s.view.In[dialect.LinkID(n)] = s.now
	s.ses[dialect.LinkID(n)].Handle(s.now, dialect.Message{Type: typ, For: dialect.ToSession, Body: body}, &out)
	return s.say(&out)
}

func (s *stage) ask(n int) string { return s.hear(n, TypePEX, s.f.request()) }

func (s *stage) tell(n int, as ...NetAddress) string { return s.hear(n, TypePEX, s.f.addresses(as)) }

func (s *stage) sent(n int, typ uint32) string {
	var out dialect.Out
	s.ses[dialect.LinkID(n)].Sent(s.now, dialect.Message{Type: typ, For: dialect.ToSession}, &out)
	return s.say(&out)
}

// after lets time pass, and everything due happen at its time.
func (s *stage) after(d time.Duration) string {
	end := s.now.Add(d)
	var said []string
	for {
		var first interface {
			Next() time.Time
			Wake(time.Time, *dialect.Out)
		}
		due := s.r.Next()
		if !due.IsZero() {
			first = s.r
		}
		for _, id := range s.view.Live {
			if n := s.ses[id].Next(); !n.IsZero() && (due.IsZero() || n.Before(due)) {
				due, first = n, s.ses[id]
			}
		}
		if due.IsZero() || due.After(end) {
			break
		}
		s.now = due
		var out dialect.Out
		first.Wake(due, &out)
		if text := s.say(&out); text != "" {
			said = append(said, text)
		}
	}
	s.now = end
	return strings.Join(said, ", ")
}

// say puts what the rules want into words.
func (s *stage) say(out *dialect.Out) string {
	var said []string
	for _, m := range out.Send {
		text := map[uint32]string{TypePing: "ping", TypePong: "pong"}[m.Msg.Type]
		if m.Msg.Type == TypePEX {
			x, err := s.f.parseExchange(m.Msg.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			if text = "ask"; !x.request {
				text = fmt.Sprintf("tell %d", len(x.addrs))
			}
		}
		said = append(said, fmt.Sprintf("%s %d", text, m.To))
	}
	if len(out.Learn) > 0 {
		said = append(said, fmt.Sprintf("learn %d", len(out.Learn)))
	}
	for _, n := range out.Note {
		said = append(said, fmt.Sprintf("note %d of %d", len(n.Value.(Addresses)), n.Link))
	}
	for _, e := range out.End {
		said = append(said, fmt.Sprintf("end %d %v", e.Link, fault.KindOf(e.Why)))
		s.view.Leave(e.Link)
		s.ses[e.Link].Leave(s.now, out)
	}
	return strings.Join(said, ", ")
}

func (s *stage) want(what, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestPings(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	s.view.Wanted = 0
	s.want("a new link is quiet", s.join(1, false), "")
	s.want("before a minute is over", s.after(59*time.Second), "")
	s.want("after a minute", s.after(time.Second), "ping 1")
	s.after(10 * time.Second)
	s.want("a pong says nothing", s.hear(1, TypePong, nil), "")
	s.want("the next comes a minute later", s.after(50*time.Second), "ping 1")
	s.want("without a pong", s.after(44*time.Second), "")
	s.want("after 45 seconds", s.after(time.Second), "end 1 timeout")

	s.join(2, false)
	s.want("a minute", s.after(time.Minute), "ping 2")
	for range 8 {
		s.after(20 * time.Second)
		s.want("other things come", s.hear(2, TypePong+1, nil), "")
	}
	s.want("but never a pong", s.after(20*time.Second), "end 2 timeout")

	s.join(3, false)
	s.want("a ping", s.hear(3, TypePing, nil), "pong 3")
	s.want("another before the pong is written", s.hear(3, TypePing, nil), "")
	s.want("the pong is written", s.sent(3, TypePong), "")
	s.want("another", s.hear(3, TypePing, nil), "pong 3")
}

func TestFloods(t *testing.T) {
	for _, typ := range []uint32{TypePing, TypePong} {
		s := newStage(t, mustNew(t, Config{}))
		s.join(1, false)
		for n := 1; len(s.view.Live) > 0; n++ {
			got := s.hear(1, typ, nil)
			if ended := got == "end 1 abuse"; ended != (n > maxPings) {
				t.Fatalf("%#x number %d: %q", typ, n, got)
			}
		}
	}
	s := newStage(t, mustNew(t, Config{}))
	s.join(1, false)
	for range 20 * maxPings {
		s.now = s.now.Add(minute / (maxPings - 1))
		if got := s.hear(1, TypePing, nil); strings.Contains(got, "end") {
			t.Fatalf("as many pings as one may send: %q", got)
		}
	}
}

func TestAsking(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	s.want("whom we dialed is asked at once", s.join(1, true), "ask 1")
	s.want("whom we did not is not", s.join(2, false), "")
	s.want("half a minute later somebody is asked", s.after(30*time.Second), "ask 2")
	good := NetAddress{peerID(9), peerAddr(9)}
	s.want("an answer", s.tell(1, good, NetAddress{peerID(8), peerAddr(8)}), "learn 2, note 2 of 1")
	s.want("another", s.tell(1, good), "end 1 abuse")
	s.want("nobody else is left to ask, and 2 has not answered", s.after(30*time.Second), "ping 2")
	s.hear(2, TypePong, nil)
	s.want("what nobody could use is left out", s.tell(2,
		NetAddress{"zz", peerAddr(1)}, NetAddress{"", peerAddr(1)}, NetAddress{peerID(1), peerAddr(1).WithPort(0)},
		NetAddress{peerID(1), mustParse(t, "0.0.0.0:1")}, NetAddress{s.r.set.id, peerAddr(3)}), "")
	s.view.Wanted = 0
	s.hear(2, TypePong, nil)
	if got := s.after(59 * time.Second); strings.Contains(got, "ask") {
		t.Errorf("asks though nothing is wanted: %q", got)
	}
	s.want("who dials us and nothing is wanted", s.join(3, true), "")
	s.want("an answer to no question", s.tell(3, good), "end 3 abuse")
	s.want("noise", s.hear(2, TypePEX, []byte{9}), "end 2 protocol")
}

// A peer is not asked again before its pause is over, and longer if it never
// answers.
func TestAskingAgain(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Ask: time.Second}))
	s.join(1, true)
	s.want("it did not answer", s.after(59*time.Second), "")
	s.tell(1)
	s.want("it did", s.after(time.Second), "ask 1, ping 1")
	s.hear(1, TypePong, nil)
	s.tell(1)
	s.want("15 seconds have to pass", s.after(14*time.Second), "")
	s.want("now they have", s.after(time.Second), "ask 1")
}

func TestAnswering(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Peers: []NetAddress{{peerID(50), peerAddr(50)}}, Private: []string{peerID(3)}}))
	s.view.Wanted = 0
	for n := range 4 {
		s.join(n+1, n%2 == 0)
	}
	s.view.Known = []addr.Addr{peerAddr(2), peerAddr(3), peerAddr(4), peerAddr(50), peerAddr(60), {Host: "a.example", Port: 1}}
	s.want("those we know who they are, but the private one", s.ask(1), "tell 3 1")
	s.want("a second request", s.ask(1), "tell 3 1")
	s.after(9 * time.Second)
	s.want("a third too soon, but not by much", s.ask(1), "")
	s.after(time.Second)
	s.want("after the pause", s.ask(1), "tell 3 1")
	s.after(4 * time.Second)
	s.want("far too soon", s.ask(1), "end 1 abuse")
	s.view.Known = nil
	s.want("nobody to tell about", s.ask(2), "tell 0 2")
}

// How much an answer holds grows with what there is to share.
func TestSelection(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	for n, want := range map[int]int{0: 0, 1: 1, 32: 32, 33: 32, 140: 32, 200: 46, 1000: 230, 3000: 230} {
		s.view.Known = nil
		for i := range n {
			s.view.Known = append(s.view.Known, peerAddr(i+1))
			s.r.met.put(peerAddr(i+1), peerID(i+1))
		}
		if got := len(s.r.choose(1)); got != want {
			t.Errorf("of %d addresses %d are given, want %d", n, got, want)
		}
	}
	for i := range 3 * maxIDs {
		s.r.met.put(peerAddr(i), peerID(i))
	}
	if len(s.r.met.ids) != maxIDs || len(s.r.met.order) != maxIDs || s.r.met.ids[peerAddr(3*maxIDs-1)] == "" {
		t.Errorf("%d identities are remembered, limit %d", len(s.r.met.ids), maxIDs)
	}
	if s.r.met.put(peerAddr(3*maxIDs-1), "other"); len(s.r.met.ids) != maxIDs || s.r.met.ids[peerAddr(3*maxIDs-1)] != "other" {
		t.Error("who was met last at an address does not count")
	}
}

func TestSeed(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Seed: true}))
	s.view.Wanted = 0
	s.want("a seed asks whom it dials", s.join(1, true), "ask 1")
	s.want("and hangs up when it is told", s.tell(1, NetAddress{peerID(9), peerAddr(9)}), "learn 1, note 1 of 1, end 1 none")
	s.join(2, false)
	s.want("it stays with who dials it while it knows of nobody", s.ask(2), "tell 0 2")
	s.view.Known = []addr.Addr{peerAddr(1)}
	s.want("it answers who dials it", s.ask(2), "tell 1 2")
	s.after(11 * time.Second)
	s.want("once", s.ask(2), "")
	s.want("and hangs up when that is written", s.sent(2, TypePEX), "end 2 none")
}

// Who neither answers nor asks does not keep a place.
func TestSeedHangsUpOnTheSilent(t *testing.T) {
	s := newStage(t, mustNew(t, Config{Seed: true, Ping: time.Hour}))
	s.view.Wanted = 0
	s.join(1, true)
	s.want("whom it dialed", s.after(crawlTime-time.Second), "")
	s.want("for half a minute", s.after(time.Second), "end 1 none")
	s.join(2, false)
	if got := s.after(seedTime - time.Second); strings.Contains(got, "end") {
		t.Errorf("who dialed it, soon: %q", got)
	}
	s.want("for ten minutes", s.after(time.Second), "end 2 none")

	s = newStage(t, mustNew(t, Config{Ping: time.Hour}))
	s.join(1, true)
	s.join(2, false)
	if got := s.after(2 * seedTime); strings.Contains(got, "end") {
		t.Errorf("a node that is no seed: %q", got)
	}
}

// What is passed over costs time too.
func TestExchangeFloods(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	s.view.Wanted = 0
	s.join(1, false)
	s.ask(1)
	s.ask(1)
	s.after(6 * time.Second) // from now on requests are passed over for a while
	for n := 3; n <= maxMessages; n++ {
		s.want("a request that is passed over", s.ask(1), "")
	}
	s.want("too many", s.ask(1), "end 1 abuse")

	s = newStage(t, mustNew(t, Config{NoPEX: true, Channels: []Channel{{ID: 1}}}))
	s.join(1, false)
	for range maxMessages {
		s.want("to a node without it", s.ask(1), "")
	}
	s.want("too many", s.ask(1), "end 1 abuse")
}

func TestNoExchange(t *testing.T) {
	s := newStage(t, mustNew(t, Config{NoPEX: true, Channels: []Channel{{ID: 1}}}))
	s.want("nobody is asked", s.join(1, true), "")
	s.want("nor later", s.after(30*time.Second), "")
	s.want("nor answered", s.ask(1), "")

	s = newStage(t, mustNew(t, Config{}))
	in := dialect.Intro{ID: peerID(1), Info: &Peer{Dialed: true, NodeInfo: &NodeInfo{Channels: []byte{0x20}}}}
	var out dialect.Out
	s.view.Join(s.now, 1)
	s.ses[1] = s.r.Join(s.now, 1, in, &out)
	s.want("a peer without the channel is not asked", s.say(&out), "")
	s.want("nor later", s.after(50*time.Second), "")
}

func TestRules2014(t *testing.T) {
	for _, dec := range []bool{false, true} {
		s := newStage(t, mustNew2014(t, Config2014{December: dec}))
		s.want("whom we dialed hears where we are", s.join(1, true), "tell 1 1, ask 1")
		told := NetAddress{Addr: peerAddr(9)}
		s.want("an answer", s.tell(1, told), "learn 1, note 1 of 1")
		for range maxPushes {
			s.want("addresses unasked were the custom", s.tell(1, told), "learn 1, note 1 of 1")
		}
		s.want("too many", s.tell(1, told), "end 1 abuse")

		s.view.Wanted = 0
		s.join(2, false)
		s.view.Known = []addr.Addr{peerAddr(5), {Host: "a.example", Port: 1}}
		s.want("a request", s.ask(2), "tell 1 2")
		s.want("another", s.ask(2), "tell 1 2")
		for range maxMessages - 2 {
			s.want("one too soon, which was no sin", s.ask(2), "")
		}
		s.want("one more in a minute", s.ask(2), "end 2 abuse")

		s.join(3, false)
		s.want("after two minutes of silence", s.after(2*time.Minute), "ping 3")
		s.after(time.Second)
		s.want("a ping is answered, also one that is an answer", s.hear(3, TypePing, nil), "pong 3")
		s.want("two minutes after that", s.after(2*time.Minute), "ping 3")
		s.want("five minutes of silence", s.after(3*time.Minute), "ping 3, end 3 timeout")
	}
}

// The rules say nothing about links that are gone, and are idle without any.
func TestLeaving(t *testing.T) {
	s := newStage(t, mustNew(t, Config{}))
	s.join(1, true)
	var out dialect.Out
	s.view.Leave(1)
	s.ses[1].Leave(s.now, &out)
	if !s.r.Next().IsZero() || len(s.r.sessions) != 0 {
		t.Errorf("next is %v with %d sessions", s.r.Next(), len(s.r.sessions))
	}
	s.r.Wake(s.now.Add(time.Hour), &out)
	if s.say(&out) != "" {
		t.Error("somebody is asked")
	}
}

func TestConfig(t *testing.T) {
	good := Config{Key: testKey(1), Network: "n", Channels: NodeChannels()}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(c *Config){
		"Key":        func(c *Config) { c.Key = c.Key[:3] },
		"network":    func(c *Config) { c.Network = "" },
		"moniker":    func(c *Config) { c.Moniker = "n\tode" },
		"node info":  func(c *Config) { c.RPCAddress = strings.Repeat("r", maxNodeInfo) },
		"tx index":   func(c *Config) { c.TxIndex = "yes" },
		"0x20":       func(c *Config) { c.Channels = append(NodeChannels(), Channel{ID: 0x20}) },
		"0x00":       func(c *Config) { c.Channels = []Channel{{ID: 0}} },
		"Priority":   func(c *Config) { c.Channels = []Channel{{ID: 1, Priority: 1 << 16}} },
		"MaxMessage": func(c *Config) { c.Channels = []Channel{{ID: 1, MaxMessage: -1}} },
		"17":         func(c *Config) { c.Channels = slices.Collect(manyChannels(16)) },
		"MaxPacket":  func(c *Config) { c.MaxPacket = 8 << 20 },
		"MaxPending": func(c *Config) { c.MaxPending = 5 },
		"Ping":       func(c *Config) { c.Ping = time.Millisecond },
		"peer":       func(c *Config) { c.Peers = []NetAddress{{ID: "x"}} },
		"private":    func(c *Config) { c.Private = []string{"x"} },
	} {
		c := good
		edit(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New2014(Config2014{Idle: 1}); err == nil || !strings.Contains(err.Error(), "Idle") {
		t.Errorf("idle: %v", err)
	}
	if _, err := New2014(Config2014{Channels: []Channel{{ID: 0}}}); err == nil {
		t.Error("the channel of peer exchange is there twice")
	}
}

func manyChannels(n int) func(yield func(Channel) bool) {
	return func(yield func(Channel) bool) {
		for i := range n {
			if !yield(Channel{ID: byte(i + 1)}) {
				return
			}
		}
	}
}

var errTest = errors.New("the node stops")
