package dialecttest

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"time"

	"parley/dialect"
)

const (
	latency = 5 * time.Millisecond
	hours   = 3 * time.Hour // how long honest peers talk
	maxTalk = 50_000        // messages or rounds in it before it counts as endless
)

// talk is two nodes with one link.
type talk struct {
	s      *suite
	now    time.Time
	brains [2]*brain
	codecs [2]*dialect.Link
	under  [2][]dialect.Message // on their way to a side
	wired  [2]bool              // a side has sent its prelude
	heard  []dialect.Message    // all that was ever sent
	log    []string
}

func (s *suite) talk() (*talk, bool) {
	ls, ok := s.links()
	if !ok {
		return nil, false
	}
	t := &talk{s: s, now: epoch, codecs: ls}
	for role := range roles {
		b := s.brain(roles[role], uint64(role), ls[role].Intro)
		b.send = func(now time.Time, m dialect.Message) { t.send(role, m) }
		b.ended = func(now time.Time, e dialect.End) {
			t.note("%s ends link %d: %v", roles[role], e.Link, e.Why)
		}
		t.brains[role] = b
	}
	return t, true
}

func (t *talk) note(format string, args ...any) {
	t.log = append(t.log, fmt.Sprintf("%v ", t.now.Sub(epoch))+fmt.Sprintf(format, args...))
}

// send takes a message through both codecs.
func (t *talk) send(role int, m dialect.Message) {
	var buf []byte
	if !t.wired[role] {
		t.wired[role] = true
		buf = bytes.Clone(t.codecs[role].Prelude)
	}
	buf, err := t.codecs[role].Encoder.Append(buf, m)
	if err != nil {
		t.s.Errorf("%s: its own message of type %d: %v", roles[role], m.Type, err)
		return
	}
	ms, rest, err := decode(t.codecs[1-role].Decoder, buf)
	if err != nil || len(rest) > 0 {
		t.s.Errorf("%s: message of type %d does not arrive: %v", roles[role], m.Type, err)
	}
	t.note("%s sends type %d, %d bytes, %08x", roles[role], m.Type, len(m.Body), crc32.ChecksumIEEE(m.Body))
	t.under[1-role] = append(t.under[1-role], ms...)
	t.heard = append(t.heard, ms...)
}

// run lets both sides talk for some time.
func (t *talk) run(d time.Duration) {
	for _, b := range t.brains {
		b.join(t.now)
	}
	end := t.now.Add(d)
	for rounds := 0; t.step(end); rounds++ {
		if max(rounds, len(t.heard)) > maxTalk {
			t.s.Errorf("after %d messages and %v, the two still have much to say", len(t.heard), t.now.Sub(epoch))
			return
		}
	}
}

// step delivers what is under way, or else waits for what is due. It reports
// false when nothing is due before end.
func (t *talk) step(end time.Time) bool {
	if len(t.under[0])+len(t.under[1]) > 0 {
		t.now = t.now.Add(latency)
		for role, b := range t.brains {
			ms := t.under[role]
			t.under[role] = nil
			for _, m := range ms {
				b.handle(t.now, 1, m)
			}
		}
		return true
	}
	var due time.Time
	for _, b := range t.brains {
		if n := b.next(); due.IsZero() || !n.IsZero() && n.Before(due) {
			due = n
		}
	}
	if due.IsZero() || due.After(end) {
		return false
	}
	if due.After(t.now) {
		t.now = due
	}
	for _, b := range t.brains {
		b.wake(t.now)
	}
	return true
}

// honestPeersStay lets two nodes that run the dialect talk for hours.
func (s *suite) honestPeersStay() {
	t, ok := s.talk()
	if !ok {
		return
	}
	for role, b := range t.brains {
		b.ended = func(now time.Time, e dialect.End) {
			s.Errorf("after %v the %s leaves an honest peer: %v", now.Sub(epoch), roles[role], e.Why)
		}
	}
	t.run(hours)
}

// rulesRepeat lets them say the same again.
func (s *suite) rulesRepeat() {
	a, ok1 := s.talk()
	b, ok2 := s.talk()
	if !ok1 || !ok2 {
		return
	}
	a.run(hours / 4)
	b.run(hours / 4)
	if slices.Equal(a.log, b.log) {
		return
	}
	for i := range min(len(a.log), len(b.log)) {
		if a.log[i] != b.log[i] {
			s.Errorf("two runs differ at step %d:\n%s\n%s", i, a.log[i], b.log[i])
			return
		}
	}
	s.Errorf("two runs have %d and %d steps", len(a.log), len(b.log))
}

// wakesAreDue leaves a node alone with links that say nothing, and then with
// none.
func (s *suite) wakesAreDue() {
	ls, ok := s.links()
	if !ok {
		return
	}
	b := s.brain("node", 3, ls[dialer].Intro)
	now := epoch
	for range 3 {
		b.join(now)
	}
	for range 200 {
		due := b.next()
		if due.IsZero() {
			break
		}
		if due.After(now) {
			now = due
		}
		b.wake(now)
	}
	for id := range b.last + 1 {
		b.leave(now, id)
	}
	b.wake(now.Add(time.Hour))
}

// survivesMessages sends what no honest peer would say.
func (s *suite) survivesMessages() {
	t, ok := s.talk()
	if !ok {
		return
	}
	t.run(hours / 10)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0xbad))
		b := s.brain(fmt.Sprintf("seed %d", seed), seed, t.codecs[dialer].Intro)
		b.send = func(_ time.Time, m dialect.Message) {
			if _, err := t.codecs[dialer].Encoder.Append(nil, m); err != nil {
				s.Errorf("%s: wants to send type %d with %d bytes: %v", b.name, m.Type, len(m.Body), err)
			}
		}
		now := epoch
		b.join(now)
		for range 200 {
			now = now.Add(time.Duration(r.Int64N(int64(time.Minute))))
			b.wake(now)
			if len(b.live) == 0 {
				b.join(now)
			}
			b.handle(now, b.last, strange(r, t.heard))
		}
	}
}

// strange returns a message for the session: noise of any type, or a real one,
// damaged.
func strange(r *rand.Rand, honest []dialect.Message) dialect.Message {
	if len(honest) > 0 && r.IntN(2) == 0 {
		m := honest[r.IntN(len(honest))].Clone()
		for range min(r.IntN(4), len(m.Body)) {
			m.Body[r.IntN(len(m.Body))] ^= byte(1 + r.IntN(255))
		}
		m.Body = m.Body[:r.IntN(len(m.Body)+1)]
		m.For = dialect.ToSession
		return m
	}
	m := dialect.Message{Type: uint32(r.IntN(64)), For: dialect.ToSession, Body: noise(r.Uint64())}
	if r.IntN(8) == 0 {
		m.Type = r.Uint32()
	}
	return m
}

// ignoresCommands passes requests of types that no dialect exports.
func (s *suite) ignoresCommands() {
	type unknown struct{}
	for _, cmd := range []any{nil, 7, "stop", unknown{}} {
		var out dialect.Out
		s.d.Rules(NewView(1)).Command(epoch, cmd, &out)
		if len(out.Send)+len(out.Note)+len(out.Learn)+len(out.End) > 0 {
			s.Errorf("the command %#v does something: %+v", cmd, out)
		}
	}
}
