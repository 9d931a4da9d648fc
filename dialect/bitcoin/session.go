package bitcoin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"parley/dialect"
	"parley/fault"
)

const (
	minute     = time.Minute
	nonceSize  = 8
	maxControl = 1000            // pings, requests for addresses and the like in a minute
	lastWord   = 5 * time.Second // how long a reject may take to be written before the link ends without it
)

// peer is one link's rules. It belongs to the brain.
type peer struct {
	r       *rules
	id      dialect.LinkID
	version uint32
	hs      *Handshake
	opened  time.Time

	pingAt   time.Time
	idleAt   time.Time // when to look for silence again
	verackBy time.Time // zero once it came
	stall    stall
	control  tally

	nonce  uint64    // of the ping under way, or 0
	pinged time.Time // when it was written; zero before

	asked    time.Time // when we last asked for addresses
	answered time.Time // when we last gave some
	room     bucket    // for addresses

	known known
	queue []Inv
	tick  time.Time // when queue is sent; zero if it is empty

	dying error     // why the link ends as soon as our reject is written
	dieBy time.Time // or then
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

func newSession(r *rules, now time.Time, id dialect.LinkID, in dialect.Intro) *peer {
	s := &peer{
		r: r, id: id, version: in.Version, opened: now, hs: new(Handshake),
		pingAt: now.Add(r.cfg.Ping),
		idleAt: now.Add(r.cfg.Idle),
		known:  known{limit: r.cfg.Known},
		room:   bucket{left: 1, since: now}, // a peer may tell where it listens
	}
	if h, ok := in.Info.(*Handshake); ok {
		s.hs = h
	}
	if r.cfg.Params.Soter {
		s.verackBy = now.Add(r.cfg.VerAck)
	}
	return s
}

// greet says what belongs right after the exchange of versions. Who dials tells
// where it listens, and asks for addresses if the node wants links.
func (s *peer) greet(now time.Time, out *dialect.Out) {
	if s.r.cfg.Params.Soter {
		s.send(TypeVerAck, nil, out)
	}
	if s.hs.Dialed {
		s.tellOwn(now, out)
		if s.r.view.Want() > 0 {
			s.ask(now, out)
		}
	}
}

// Handle implements [dialect.Session].
func (s *peer) Handle(now time.Time, m dialect.Message, out *dialect.Out) {
	if s.dying != nil {
		return
	}
	s.stall.answered(now, m.Type)
	if m.Type == TypeMalformed {
		s.malformed(now, errors.New(string(m.Body)), out)
		return
	}
	if s.r.cfg.Params.limit(m.Type) == none || commands[m.Type].to != session {
		return
	}
	if n := s.control.add(now, minute); n > maxControl {
		s.end(fault.New(fault.Abuse, "peers", fmt.Errorf("more than %d control messages in %v", maxControl, minute)), out)
		return
	}
	s.serve(now, m, out)
}

// serve handles the messages that are for the session.
func (s *peer) serve(now time.Time, m dialect.Message, out *dialect.Out) {
	switch m.Type {
	case TypeVersion:
		s.refuse(now, Reject{Command: "version", Code: RejectDuplicate, Reason: "duplicate version message"},
			protocol("peers", "duplicate version"), out)
	case TypeVerAck:
		if s.verackBy.IsZero() {
			s.end(protocol("peers", "duplicate verack"), out)
		}
		s.verackBy = time.Time{}
	case TypePing:
		switch {
		case s.version <= pongVersion:
		case len(m.Body) != nonceSize:
			s.malformed(now, fmt.Errorf("ping: %d bytes, want %d", len(m.Body), nonceSize), out)
		default:
			s.send(TypePong, m.Body, out)
		}
	case TypePong:
		s.pong(now, m.Body, out)
	case TypeGetAddr, TypeGetAddrCache:
		s.give(now, m.Type, out)
	case TypeAddr, TypeAddrCache, TypeAddrV2:
		s.learn(now, m, out)
	case TypeSendAddrV2, TypeWtxidRelay:
		s.end(protocol("peers", "%s after verack", commands[m.Type].name), out)
	}
}

// Sent implements [dialect.Session]. Our pings are marked for it, our last word,
// and the application's requests.
func (s *peer) Sent(now time.Time, m dialect.Message, out *dialect.Out) {
	switch {
	case s.dying != nil:
		if m.Type == TypeReject {
			s.end(s.dying, out)
		}
	case m.Type == TypePing:
		if s.nonce != 0 && s.pinged.IsZero() {
			s.pinged = now
			out.Note = append(out.Note, dialect.Note{Link: s.id, Value: Pinged{s.nonce, now}})
		}
	case !s.r.cfg.NoStall:
		s.stall.asked(now, s.opened, m.Type)
	}
}

// Wake implements [dialect.Session].
func (s *peer) Wake(now time.Time, out *dialect.Out) {
	cfg := s.r.cfg
	if s.dying != nil {
		if !now.Before(s.dieBy) {
			s.dieBy = now.Add(lastWord)
			s.end(s.dying, out)
		}
		return
	}
	in, _ := s.r.view.Traffic(s.id)
	if !now.Before(s.idleAt) {
		if silent := now.Sub(in); silent >= cfg.Idle {
			s.end(fault.New(fault.Timeout, "peers", fmt.Errorf("silent for %v", cfg.Idle)), out)
			in = now
		}
		s.idleAt = in.Add(cfg.Idle)
	}
	if !s.verackBy.IsZero() && !now.Before(s.verackBy) {
		s.end(fault.New(fault.Timeout, "peers", fmt.Errorf("no verack within %v", cfg.VerAck)), out)
		s.verackBy = now.Add(cfg.VerAck)
	}
	if !s.stall.tick.IsZero() && !now.Before(s.stall.tick) {
		if err := s.stall.check(now, !in.Before(now)); err != nil {
			s.end(err, out)
		}
	}
	if !now.Before(s.pingAt) {
		s.ping(out)
		s.pingAt = after(s.opened, now, cfg.Ping)
	}
}

// Next implements [dialect.Session].
func (s *peer) Next() time.Time {
	if s.dying != nil {
		return s.dieBy
	}
	return earliest(s.pingAt, s.idleAt, s.verackBy, s.stall.tick)
}

// Leave implements [dialect.Session].
func (s *peer) Leave(time.Time, *dialect.Out) { delete(s.r.sessions, s.id) }

// ping asks for a sign of life. One that gets no answer has no effect by itself.
func (s *peer) ping(out *dialect.Out) {
	var body []byte
	if s.version > pongVersion {
		s.nonce, s.pinged = s.r.view.Rand().Uint64()|1, time.Time{}
		body = binary.LittleEndian.AppendUint64(nil, s.nonce)
	}
	m := dialect.Message{Type: TypePing, For: session, Body: body}
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: m})
}

// pong reports the round trip if it answers our ping.
func (s *peer) pong(now time.Time, body []byte, out *dialect.Out) {
	if len(body) != nonceSize {
		s.malformed(now, fmt.Errorf("pong: %d bytes, want %d", len(body), nonceSize), out)
		return
	}
	if s.nonce == 0 || s.pinged.IsZero() || binary.LittleEndian.Uint64(body) != s.nonce {
		return
	}
	out.Note = append(out.Note, dialect.Note{Link: s.id, Value: RTT{s.nonce, now.Sub(s.pinged)}})
	s.nonce = 0
}

func (s *peer) send(typ uint32, body []byte, out *dialect.Out) {
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: dialect.Message{Type: typ, Body: body}})
}

// malformed ends the link over a message that is none.
func (s *peer) malformed(now time.Time, err error, out *dialect.Out) {
	s.refuse(now, Reject{Command: "malformed", Code: RejectMalformed, Reason: err.Error()},
		fault.New(fault.Protocol, "decode", err), out)
}

// refuse sends a reject and ends the link once it is written, or after a while: a
// peer that does not read cannot keep the link.
func (s *peer) refuse(now time.Time, j Reject, why error, out *dialect.Out) {
	if s.version < rejectVersion {
		s.end(why, out)
		return
	}
	s.dying, s.dieBy = why, now.Add(lastWord)
	s.queue, s.tick = nil, time.Time{}
	m := dialect.Message{Type: TypeReject, For: session, Body: j.Append(nil)}
	out.Send = append(out.Send, dialect.Send{To: s.id, Msg: m})
}

func (s *peer) end(why error, out *dialect.Out) {
	out.End = append(out.End, dialect.End{Link: s.id, Why: why})
}
