package tendermint

import (
	"errors"
	"fmt"
	"time"

	"parley/dialect"
	"parley/fault"
)

// What a peer may do in a minute before it counts as abuse. An honest one sends
// a ping a minute.
const (
	minute      = time.Minute
	maxPings    = 600
	maxPongs    = 600
	maxMessages = 60 // of peer exchange, of any kind, also those that are passed over
	maxPushes   = 10 // addresses unasked, in 2014, when that was the custom

	// patience is how many times the time for a pong a peer has that sends
	// other things instead.
	patience = 4
	// slack is how much longer than it must we wait before we ask a peer again,
	// because its clock need not be ours.
	slack = 5 * time.Second
	// forgotten is after how long a peer that did not answer is asked again.
	forgotten = 2 * time.Minute

	// crawlTime is how long a seed waits for the answer of whom it dialed, and
	// seedTime how long for the request of who dialed it: else those that stay
	// silent would take all its places. CometBFT waits 28 hours for both.
	crawlTime = 30 * time.Second
	seedTime  = 10 * time.Minute
)

var (
	errServed    = errors.New("a seed answers once")
	errUnasked   = errors.New("addresses that nobody asked for")
	errImpatient = errors.New("asked for addresses again too soon")
	errNoPong    = errors.New("no answer to a ping")
	errSilent    = errors.New("a seed has no time for who neither asks nor answers")
)

// session is one link's rules. It belongs to the brain.
type session struct {
	r     *rules
	id    dialect.LinkID
	peer  *Peer
	pex   bool // both sides have the channel of peer exchange
	brief bool // we are a seed, and hang up on this peer when we are done

	joined  time.Time // when the link opened
	pinged  time.Time // when the last ping was sent, or the link opened
	since   time.Time // when the first ping was sent that is not answered; zero if all are
	due     time.Time
	ponging bool // a pong is queued and not yet written

	asked   time.Time // when addresses were asked for last
	waiting bool      // for the answer

	requests  int       // of the peer
	requested time.Time // the last that was answered
	served    bool      // the answer after which a seed hangs up is queued

	pings, pongs, asks, pushes tally
}

// tally counts what happens within a span of time.
type tally struct {
	since time.Time
	n     int
}

// add counts one event and returns how many there were in the current minute.
func (t *tally) add(now time.Time) int {
	if t.n == 0 || now.Sub(t.since) >= minute {
		t.since, t.n = now, 0
	}
	t.n++
	return t.n
}

func newSession(r *rules, now time.Time, id dialect.LinkID, in dialect.Intro) *session {
	s := &session{r: r, id: id, joined: now, pinged: now, pex: r.set.table.pex}
	if s.peer, _ = in.Info.(*Peer); s.peer == nil {
		s.peer = new(Peer)
	}
	s.brief = r.set.seed && !r.set.keep[NetAddress{ID: in.ID}] && !r.set.keep[NetAddress{Addr: s.peer.at}]
	if n := s.peer.NodeInfo; n != nil {
		s.pex = s.pex && common([]byte{byte(TypePEX)}, n.Channels)
	}
	s.plan(now)
	return s
}

// greet says what belongs right after the opening, on links that we made: in
// 2014 where we are, and a request if addresses are wanted.
func (s *session) greet(now time.Time, out *dialect.Out) {
	if !s.peer.Dialed || !s.pex {
		return
	}
	if self := s.peer.self; s.r.set.form != comet && self.Dialable() && self.IP.IsValid() {
		s.send(TypePEX, s.r.set.form.addresses([]NetAddress{{Addr: self}}), 0, out)
	}
	if s.r.set.seed || s.r.view.Want() > 0 {
		s.ask(now, out)
	}
}

// Handle implements [dialect.Session].
func (s *session) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	switch m.Type {
	case TypePing:
		s.ping(now, out)
	case TypePong:
		if s.since = (time.Time{}); s.pongs.add(now) > maxPongs {
			s.abuse(fmt.Errorf("more than %d pongs in %v", maxPongs, minute), out)
		}
	case TypePEX:
		s.exchange(now, m.Body, out)
	}
}

// ping answers a ping, unless an answer is still to be written, which will do
// for both. In December 2014 a ping was answered by a ping; that it is an answer
// to ours nobody can tell, but then something has come.
func (s *session) ping(now time.Time, out *dialect.Out) {
	if s.pings.add(now) > maxPings {
		s.abuse(fmt.Errorf("more than %d pings in %v", maxPings, minute), out)
		return
	}
	if !s.ponging {
		s.ponging = true
		s.send(TypePong, nil, dialect.ToSession, out)
	}
}

func (s *session) exchange(now time.Time, body []byte, out *dialect.Out) {
	if s.asks.add(now) > maxMessages {
		s.abuse(fmt.Errorf("more than %d messages of peer exchange in %v", maxMessages, minute), out)
		return
	}
	if !s.pex {
		return
	}
	x, err := s.r.set.form.parseExchange(body)
	switch {
	case err != nil:
		s.end(fault.Protocol, err, out)
	case x.request:
		s.answer(now, out)
	default:
		s.told(now, x.addrs, out)
	}
}

// answer gives addresses to a peer that asked, and may. A seed hangs up after it,
// unless it knew of nobody: else the first nodes of a network, which come when it
// knows none, would never hear of each other. They may ask again until seedTime.
func (s *session) answer(now time.Time, out *dialect.Out) {
	if s.r.set.form == comet && now.Sub(s.requested) < s.r.set.askAgain/2 && s.requests >= 2 {
		s.abuse(errImpatient, out)
		return
	}
	if s.served || !s.mayAsk(now) {
		return
	}
	as := s.r.choose(s.id)
	s.served = s.brief && !s.peer.Dialed && len(as) > 0
	var mark dialect.For
	if s.served {
		mark = dialect.ToSession
	}
	s.send(TypePEX, s.r.set.form.addresses(as), mark, out)
}

// mayAsk reports whether a request is answered: the first two are free, and then
// there has to be a pause between two that are (CometBFT, pex reactor). There, one
// that comes too soon is the end; here it is ignored if it comes after half the
// pause, because networks deliver late what was sent in time.
func (s *session) mayAsk(now time.Time) bool {
	if s.requests < 2 {
		s.requests++
	} else if now.Sub(s.requested) < s.r.set.askAgain {
		return false
	}
	if s.requests == 2 {
		s.requested = now
	}
	return true
}

// told takes addresses.
func (s *session) told(now time.Time, as []NetAddress, out *dialect.Out) {
	if s.r.set.form != comet {
		if !s.waiting && s.pushes.add(now) > maxPushes {
			s.abuse(errUnasked, out)
			return
		}
	} else if !s.waiting {
		s.abuse(errUnasked, out)
		return
	}
	s.waiting = false
	s.r.learn(s.id, as, out)
	if s.brief && s.peer.Dialed {
		s.end(fault.None, errServed, out)
	}
}

// askable reports whether the peer may be asked for addresses.
func (s *session) askable(now time.Time) bool {
	pause := s.r.set.askAgain + slack
	if s.waiting {
		pause = max(pause, forgotten)
	}
	return s.pex && (s.asked.IsZero() || now.Sub(s.asked) >= pause)
}

func (s *session) ask(now time.Time, out *dialect.Out) {
	s.asked, s.waiting = now, true
	s.send(TypePEX, s.r.set.form.request(), 0, out)
}

// Sent implements [dialect.Session].
func (s *session) Sent(_ time.Time, m dialect.Message, out *dialect.Out) {
	switch m.Type {
	case TypePong:
		s.ponging = false
	case TypePEX:
		s.end(fault.None, errServed, out)
	}
}

// Wake implements [dialect.Session]: it sends a ping, and ends the link if the
// last one was not answered.
func (s *session) Wake(now time.Time, out *dialect.Out) {
	if now.Before(s.due) {
		return
	}
	if dead := s.dead(); !dead.IsZero() && !now.Before(dead) {
		s.end(fault.Timeout, errNoPong, out)
		s.due = now.Add(s.r.set.ping)
		return
	}
	if leave := s.leave(); !leave.IsZero() && !now.Before(leave) {
		s.end(fault.None, errSilent, out)
		s.due = now.Add(s.r.set.ping)
		return
	}
	if !now.Before(s.pingAt()) {
		s.pinged = now
		if s.since.IsZero() {
			s.since = now
		}
		s.send(TypePing, nil, 0, out)
	}
	s.plan(now)
}

// pingAt returns when the next ping is due: in 2014 after silence, later at fixed
// intervals.
func (s *session) pingAt() time.Time {
	last := s.pinged
	if in, _ := s.r.view.Traffic(s.id); s.r.set.form != comet && in.After(last) {
		last = in
	}
	return last.Add(s.r.set.ping)
}

// dead returns when the link ends if nothing more comes, or the zero time. As
// long as anything comes a pong may take its time: it may have to wait until we
// have read what came before it.
func (s *session) dead() time.Time {
	in, _ := s.r.view.Traffic(s.id)
	if s.r.set.form != comet {
		return in.Add(s.r.set.idle)
	}
	if s.since.IsZero() {
		return time.Time{}
	}
	most := s.since.Add(patience * s.r.set.pong)
	return earlier(later(in, s.since).Add(s.r.set.pong), most)
}

// leave returns when a seed hangs up in any case, or the zero time.
func (s *session) leave() time.Time {
	switch {
	case !s.brief:
		return time.Time{}
	case s.peer.Dialed:
		return s.joined.Add(crawlTime)
	}
	return s.joined.Add(seedTime)
}

// plan says when to wake up next.
func (s *session) plan(now time.Time) {
	s.due = s.pingAt()
	if dead := s.dead(); !dead.IsZero() {
		s.due = earlier(s.due, dead)
	}
	if leave := s.leave(); !leave.IsZero() {
		s.due = earlier(s.due, leave)
	}
	s.due = later(s.due, now.Add(time.Millisecond))
}

// Next implements [dialect.Session].
func (s *session) Next() time.Time { return s.due }

// Leave implements [dialect.Session].
func (s *session) Leave(time.Time, *dialect.Out) { delete(s.r.sessions, s.id) }

func (s *session) send(typ uint32, body []byte, mark dialect.For, out *dialect.Out) {
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: dialect.Message{Type: typ, For: mark, Body: body}})
}

func (s *session) abuse(why error, out *dialect.Out) { s.end(fault.Abuse, why, out) }

func (s *session) end(k fault.Kind, why error, out *dialect.Out) {
	out.End = append(out.End, dialect.End{Link: s.id, Why: fault.New(k, "peers", why)})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
