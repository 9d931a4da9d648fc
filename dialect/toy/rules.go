package toy

import (
	"errors"
	"fmt"
	"time"

	"parley/dialect"
	"parley/fault"
)

// Probe is a command that pings every link at once.
type Probe struct{}

// RTT is a note: how long the peer of a link took to answer a ping, from the
// moment that was written.
type RTT time.Duration

// Trip implements [dialect.Trip].
func (r RTT) Trip() time.Duration { return time.Duration(r) }

// rules holds what spans links: whom to ask for addresses next.
type rules struct {
	cfg      Config
	view     dialect.View
	sessions map[dialect.LinkID]*session
	due      time.Time // when to ask somebody; zero without links
}

// Join implements dialect.Rules. A node that wants links asks each new peer.
func (r *rules) Join(now time.Time, id dialect.LinkID, _ dialect.Intro, out *dialect.Out) dialect.Session {
	s := &session{r: r, id: id, due: now.Add(min(r.cfg.Ping, r.cfg.Timeout))}
	r.sessions[id] = s
	if r.due.IsZero() {
		r.due = now.Add(r.cfg.Ask)
	}
	if r.view.Want() > 0 {
		s.ask(out)
	}
	return s
}

// Command implements dialect.Rules. The only command is Probe.
func (r *rules) Command(_ time.Time, cmd any, out *dialect.Out) {
	if _, ok := cmd.(Probe); !ok {
		return
	}
	for _, id := range r.view.Links() {
		if s := r.sessions[id]; s != nil {
			s.ping(out)
		}
	}
}

// Wake implements dialect.Rules. One peer is asked at a time: each adds more
// addresses than one node needs.
func (r *rules) Wake(now time.Time, out *dialect.Out) {
	links := r.view.Links()
	if len(links) == 0 {
		r.due = time.Time{}
		return
	}
	r.due = now.Add(r.cfg.Ask)
	if r.view.Want() <= 0 {
		return
	}
	if s := r.sessions[links[r.view.Rand().IntN(len(links))]]; s != nil {
		s.ask(out)
	}
}

// Next implements dialect.Rules.
func (r *rules) Next() time.Time { return r.due }

// session is one live link.
type session struct {
	r      *rules
	id     dialect.LinkID
	due    time.Time // when to look for silence again
	asked  bool      // an answer to GetPeers is outstanding
	gave   time.Time // when Peers were last sent
	pinged time.Time // when the Ping under way was written; zero if none is
}

// Handle implements dialect.Session.
func (s *session) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	switch m.Type {
	case Ping:
		s.send(Pong, 0, nil, out)
	case Pong:
		s.pong(now, out)
	case GetPeers:
		s.give(now, out)
	case Peers:
		s.learn(m.Body, out)
	default:
		s.fail(fault.Protocol, "decode", fmt.Errorf("message: unknown type %d", m.Type), out)
	}
}

// Sent implements dialect.Session. Only pings are marked.
func (s *session) Sent(now time.Time, _ dialect.Message, _ *dialect.Out) { s.pinged = now }

// Wake implements dialect.Session. A link that was not silent costs one call
// for each Ping, however much traffic it has.
func (s *session) Wake(now time.Time, out *dialect.Out) {
	in, _ := s.r.view.Traffic(s.id)
	cfg := &s.r.cfg
	silent := now.Sub(in)
	switch {
	case silent >= cfg.Timeout:
		s.fail(fault.Timeout, "ping", fmt.Errorf("silent for %v, limit %v", silent, cfg.Timeout), out)
		s.due = now.Add(cfg.Ping)
	case silent >= cfg.Ping:
		s.ping(out)
		s.due = now.Add(min(cfg.Ping, cfg.Timeout-silent))
	default:
		s.due = now.Add(min(cfg.Ping, cfg.Timeout) - max(silent, 0))
	}
}

// Next implements dialect.Session.
func (s *session) Next() time.Time { return s.due }

// Leave implements dialect.Session.
func (s *session) Leave(time.Time, *dialect.Out) { delete(s.r.sessions, s.id) }

func (s *session) ping(out *dialect.Out) { s.send(Ping, dialect.ToSession, nil, out) }

// pong reports the round trip. A Pong that nobody asked for proves life, no more.
func (s *session) pong(now time.Time, out *dialect.Out) {
	if s.pinged.IsZero() {
		return
	}
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: RTT(now.Sub(s.pinged))})
	s.pinged = time.Time{}
}

func (s *session) ask(out *dialect.Out) {
	s.asked = true
	s.send(GetPeers, 0, nil, out)
}

// give answers a request for addresses. One that comes sooner than an honest
// peer would ask again is ignored, so that asking does not empty the book.
func (s *session) give(now time.Time, out *dialect.Out) {
	if !s.gave.IsZero() && now.Sub(s.gave) < s.r.cfg.Ask/2 {
		return
	}
	s.gave = now
	s.send(Peers, 0, appendAddrs(nil, s.r.view.Share(s.id, maxShare)), out)
}

// learn takes the answer to our request. Addresses that we did not ask for are
// how others would choose our peers for us.
func (s *session) learn(body []byte, out *dialect.Out) {
	if !s.asked {
		s.fail(fault.Abuse, "peers", errors.New("peers: not asked for"), out)
		return
	}
	s.asked = false
	as, err := parseAddrs(out.Learn, body, maxShare)
	if err != nil {
		s.fail(fault.Protocol, "peers", fmt.Errorf("peers: %w", err), out)
		return
	}
	out.Learn = as
}

func (s *session) send(t uint32, mark dialect.For, body []byte, out *dialect.Out) {
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: dialect.Message{Type: t, For: mark, Body: body}})
}

func (s *session) fail(k fault.Kind, op string, err error, out *dialect.Out) {
	out.End = append(out.End, dialect.End{Link: s.id, Why: fault.New(k, op, err)})
}
