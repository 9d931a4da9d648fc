package factom

import (
	"fmt"
	"slices"
	"time"

	"parley/dialect"
	"parley/fault"
)

// What a peer may do in a minute before it counts as abuse. Pings come every 15
// seconds, requests and answers at most every five.
const (
	minute        = time.Minute
	maxPings      = 1000
	maxRequests   = 60
	maxUnasked    = 16
	pongsASecond  = 10
	firstPingTime = time.Second // a new link that was never written to gets a ping this soon
)

// Payloads of parcels that say nothing but their type. Receivers never look.
var (
	pingText    = []byte("Ping")
	pongText    = []byte("Pong")
	requestText = []byte("Peer Request")
)

// session is one link's rules. It belongs to the brain. What Wake looks at comes
// first, next to each other in memory.
type session struct {
	r       *rules
	id      dialect.LinkID
	due     time.Time
	pinged  time.Time // when we last sent a ping, or the link opened
	opened  time.Time
	wrote   bool // we have sent something, so the first ping can wait
	awaited bool // the pong for pinged has not come
	version uint16

	asked    time.Time // when we last asked for addresses
	until    time.Time // how long an answer to that is welcome; zero if there is none to come
	answered time.Time // when we last gave addresses

	pings, pongs, answers, requests, unasked tally

	hello Handshake // of the peer
}

// tally counts what happens within a span of time.
type tally struct {
	since time.Time
	n     int
}

// add counts one event and returns how many there were in the current span.
func (t *tally) add(now time.Time, span time.Duration) int {
	if t.n == 0 || now.Sub(t.since) >= span {
		t.since, t.n = now, 0
	}
	t.n++
	return t.n
}

func newSession(r *rules, now time.Time, id dialect.LinkID, in dialect.Intro) *session {
	s := &session{r: r, id: id, version: uint16(in.Version), opened: now, pinged: now}
	if h, ok := in.Info.(*Handshake); ok {
		s.hello = *h
	}
	s.due = now.Add(min(firstPingTime, r.cfg.Ping))
	return s
}

// greet says what belongs right after the handshake. V9 handshakes are peer
// requests, so they are to be answered; a V10 node that comes down to V9 has not
// sent one.
func (s *session) greet(now time.Time, out *dialect.Out) {
	if s.hello.requested {
		s.asked, s.until = now, now.Add(s.r.cfg.ShareTimeout)
	}
	if s.version == V9 && s.hello.Type == TypePeerRequest {
		s.share(now, out)
	}
}

// Handle implements [dialect.Session].
func (s *session) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	switch m.Type {
	case TypePing:
		s.ping(now, out)
	case TypePong:
		s.pong(now, out)
	case TypePeerRequest:
		s.request(now, out)
	case TypePeerResponse:
		s.response(now, m.Body, out)
	}
}

// ping answers a ping, unless there are too many to answer.
func (s *session) ping(now time.Time, out *dialect.Out) {
	if n := s.pings.add(now, minute); n > maxPings {
		s.abuse("pings", maxPings, out)
		return
	}
	if s.pongs.add(now, time.Second) <= pongsASecond {
		s.send(TypePong, pongText, out)
	}
}

// RTT is a note: how long the peer took to answer a ping, from when that was
// queued. Peers are pinged when they were not written to for a while.
type RTT time.Duration

// Trip implements [dialect.Trip].
func (r RTT) Trip() time.Duration { return time.Duration(r) }

// pong tells how long the answer took, unless there is nothing it could answer.
func (s *session) pong(now time.Time, out *dialect.Out) {
	if n := s.answers.add(now, minute); n > maxPings {
		s.abuse("pongs", maxPings, out)
		return
	}
	if s.awaited {
		s.awaited = false
		out.Note = append(out.Note, dialect.Note{Link: s.id, Value: RTT(now.Sub(s.pinged))})
	}
}

// request answers a peer request, unless the last one was just answered.
func (s *session) request(now time.Time, out *dialect.Out) {
	if n := s.requests.add(now, minute); n > maxRequests {
		s.abuse("peer requests", maxRequests, out)
		return
	}
	if s.answered.IsZero() || now.Sub(s.answered) >= s.r.cfg.PeerRequestInterval {
		s.share(now, out)
	}
}

// share gives addresses. V11 has no way to say that there are none.
func (s *session) share(now time.Time, out *dialect.Out) {
	s.answered = now
	as := s.r.view.Share(s.id, s.r.cfg.ShareAmount)
	payload := appendShare(nil, s.version, s.hello.Network, endpoints(as))
	if len(payload) > 0 {
		s.send(TypePeerResponse, payload, out)
	}
}

// response takes an answer that was asked for and ignores others.
func (s *session) response(now time.Time, body []byte, out *dialect.Out) {
	if s.until.IsZero() || now.After(s.until) {
		if n := s.unasked.add(now, minute); n > maxUnasked {
			s.abuse("unasked peer responses", maxUnasked, out)
		}
		return
	}
	s.until = time.Time{}
	s.r.answered(now, s.id)
	es, err := parseShare(s.version, body, s.r.cfg.SharesLimit)
	if err != nil {
		s.end(fault.Protocol, err, out)
		return
	}
	if s.version == V9 {
		es = slices.DeleteFunc(es, undialable) // old nodes pass on what they never checked
	}
	as, err := validAddrs(es)
	if err != nil {
		s.end(fault.Protocol, err, out)
		return
	}
	out.Learn = append(out.Learn, s.r.sample(as, s.r.cfg.ShareAmount)...)
}

// ask requests addresses.
func (s *session) ask(now time.Time, out *dialect.Out) {
	s.asked, s.until = now, now.Add(s.r.cfg.ShareTimeout)
	s.send(TypePeerRequest, requestText, out)
}

// askable returns when the peer may be asked.
func (s *session) askable() time.Time {
	if s.asked.IsZero() {
		return time.Time{}
	}
	return s.asked.Add(s.r.cfg.PeerRequestInterval)
}

// Sent implements [dialect.Session]. Nothing is marked for it.
func (s *session) Sent(time.Time, dialect.Message, *dialect.Out) {}

// Wake implements [dialect.Session]: it ends the link after silence and pings
// after our own.
func (s *session) Wake(now time.Time, out *dialect.Out) {
	if now.Before(s.due) {
		return
	}
	cfg := s.r.cfg
	in, wrote := s.r.view.Traffic(s.id)
	dead := in.Add(cfg.ReadDeadline)
	if !now.Before(dead) {
		s.end(fault.Timeout, fmt.Errorf("silent for %v", cfg.ReadDeadline), out)
		s.due = now.Add(cfg.ReadDeadline)
		return
	}
	last := later(wrote, s.pinged)
	if !s.wrote && !wrote.After(s.opened) || now.Sub(last) >= cfg.Ping {
		s.send(TypePing, pingText, out)
		s.pinged, s.awaited, last = now, true, now
	}
	s.wrote = true
	s.due = last.Add(cfg.Ping)
	if dead.Before(s.due) {
		s.due = dead
	}
}

// Next implements [dialect.Session].
func (s *session) Next() time.Time { return s.due }

// Leave implements [dialect.Session].
func (s *session) Leave(now time.Time, _ *dialect.Out) { s.r.leave(now, s.id) }

func (s *session) send(typ uint32, body []byte, out *dialect.Out) {
	s.wrote = true
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: dialect.Message{Type: typ, Body: body}})
}

func (s *session) abuse(what string, limit int, out *dialect.Out) {
	s.end(fault.Abuse, fmt.Errorf("more than %d %s in %v", limit, what, minute), out)
}

func (s *session) end(k fault.Kind, err error, out *dialect.Out) {
	out.End = append(out.End, dialect.End{Link: s.id, Why: fault.New(k, "peers", err)})
}
