package core

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"parley/addr"
	"parley/dialect"
	"parley/fault"
)

// fake is a dialect whose sessions do what the body of a message says, and
// whose rules do what a command says:
//
//	send LINK TEXT   end LINK KIND   learn ADDR...   wake DURATION
//	share MAX        want            links           traffic LINK
//	poke: the rules let the session that joined last be woken in 3 s
//
// The answers of the view become notes.
type fake struct{}

func (fake) Name() string { return "fake" }

func (fake) Open(io.ReadWriter, *dialect.Opening) (*dialect.Link, error) {
	return nil, errors.New("the fake dialect is not for wires")
}

func (fake) Rules(v dialect.View) dialect.Rules { return &fakeRules{view: v} }

type fakeRules struct {
	view  dialect.View
	next  time.Time
	stuck bool         // never moves on
	left  int          // sessions that ended
	poke  *fakeSession // the one that joined last
}

func (r *fakeRules) Join(now time.Time, id LinkID, in dialect.Intro, out *dialect.Out) dialect.Session {
	s := &fakeSession{r: r, id: id}
	r.poke = s
	if text, ok := in.Info.(string); ok {
		s.do(now, text, out)
	}
	return s
}

func (r *fakeRules) Command(now time.Time, cmd any, out *dialect.Out) {
	if text, ok := cmd.(string); ok {
		if text == "poke" {
			r.poke.next = now.Add(3 * time.Second)
			text = fmt.Sprintf("send %d poked", r.poke.id)
		}
		fakeDo(r.view, now, 0, text, &r.next, out)
	}
}

func (r *fakeRules) Wake(now time.Time, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Value: "rules woken"})
	if !r.stuck {
		r.next = time.Time{}
	}
}

func (r *fakeRules) Next() time.Time { return r.next }

type fakeSession struct {
	r     *fakeRules
	id    LinkID
	next  time.Time
	every time.Duration
	bye   string // done in Leave
	stuck bool
}

func (s *fakeSession) do(now time.Time, text string, out *dialect.Out) {
	switch word, rest, _ := strings.Cut(text, " "); word {
	case "every":
		s.every, _ = time.ParseDuration(rest)
		s.next = now.Add(s.every)
	case "bye":
		s.bye = rest
	case "stuck":
		s.stuck, s.next = true, now
	default:
		fakeDo(s.r.view, now, s.id, text, &s.next, out)
	}
}

func (s *fakeSession) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	s.do(now, string(m.Body), out)
}

func (s *fakeSession) Sent(_ time.Time, m dialect.Message, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: fmt.Sprintf("sent type %d", m.Type)})
}

func (s *fakeSession) Wake(now time.Time, out *dialect.Out) {
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: "woken"})
	switch {
	case s.stuck:
	case s.every > 0:
		s.next = now.Add(s.every)
	default:
		s.next = time.Time{}
	}
}

func (s *fakeSession) Next() time.Time { return s.next }

func (s *fakeSession) Leave(now time.Time, out *dialect.Out) {
	s.r.left++
	if s.bye != "" {
		fakeDo(s.r.view, now, s.id, s.bye, &s.next, out)
	}
}

func fakeDo(v dialect.View, now time.Time, self LinkID, text string, next *time.Time, out *dialect.Out) {
	f := append(strings.Fields(text), "", "", "")
	note := func(x any) { out.Note = append(out.Note, dialect.Note{Link: self, Value: fmt.Sprint(x)}) }
	switch f[0] {
	case "send":
		out.Send = append(out.Send, dialect.Send{To: linkID(f[1]), Msg: dialect.Message{Body: []byte(f[2])}})
	case "end":
		out.End = append(out.End, dialect.End{Link: linkID(f[1]), Why: faultOf(f[2])})
	case "learn":
		out.Learn = append(out.Learn, addrs(strings.Fields(text)[1:]...)...)
	case "wake":
		d, _ := time.ParseDuration(f[1])
		*next = now.Add(d)
	case "share":
		k, _ := strconv.Atoi(f[1])
		note(v.Share(self, k))
	case "want":
		note(v.Want())
	case "links":
		note(v.Links())
	case "traffic":
		in, _ := v.Traffic(linkID(f[1]))
		note(in.Sub(epoch))
	}
}

// epoch is when every test begins.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func linkID(s string) LinkID {
	k, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return LinkID(k)
}

// faultOf returns an error of the kind named.
func faultOf(kind string) error {
	for _, k := range fault.Kinds {
		if k.String() == kind && k != fault.None {
			return fault.New(k, "test", errors.New("it was told to"))
		}
	}
	return nil
}

func at(s string) addr.Addr {
	var a addr.Addr
	if s == "-" {
		return a
	}
	if err := a.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return a
}

func addrs(ss ...string) []addr.Addr {
	var as []addr.Addr
	for _, s := range ss {
		as = append(as, at(s))
	}
	return as
}

func newNode(seed uint64, cfg Config, seeds ...string) *Node {
	return New(cfg, fake{}, Host{Rand: rand.New(rand.NewPCG(seed, 0)), Nonce: 1000}, addrs(seeds...)...)
}
