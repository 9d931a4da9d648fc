package bitcoin

import (
	"fmt"
	"time"

	"parley/dialect"
	"parley/fault"
)

const (
	stallTick    = 15 * time.Second // how often deadlines are looked at
	stallAfter   = 30 * time.Second // for an answer
	stallHeaders = 90 * time.Second // for headers, of which there may be many

	// overtaken is by how much an answer may be ahead of the report that its
	// request was written: they come from two goroutines.
	overtaken = time.Second
)

// expected are the answers to a request; any of them is an answer to all.
type expected struct {
	answers []uint32
	within  time.Duration
}

// dueTo says what is expected after a command was sent, soter.md 1.8.
func dueTo(typ uint32) (e expected, ok bool) {
	switch typ {
	case TypeVersion:
		return expected{[]uint32{TypeVerAck}, stallAfter}, true
	case TypeMemPool, TypeGetBlocks:
		return expected{[]uint32{TypeInv}, stallAfter}, true
	case TypeGetData:
		return expected{[]uint32{TypeBlock, TypeMerkleBlock, TypeTx, TypeNotFound}, stallAfter}, true
	case TypeGetHeaders:
		return expected{[]uint32{TypeHeaders}, stallHeaders}, true
	}
	return e, false
}

// Request returns a message to be queued on a link. It is marked for the session if
// a peer that does not answer it is to be dropped: mempool and getblocks (by inv),
// getdata (by block, merkleblock, tx or notfound), getheaders (by headers).
// Requests that are queued without the mark are not watched. The body must not
// change afterwards.
func Request(typ uint32, body []byte) dialect.Message {
	m := dialect.Message{Type: typ, For: app, Body: body}
	if _, ok := dueTo(typ); ok {
		m.For |= session
	}
	return m
}

// stall holds the deadlines of one link. Its zero value has none.
type stall struct {
	due  map[uint32]time.Time // by the type of the answer
	came map[uint32]time.Time // when an answer came that nothing was known to wait for
	tick time.Time            // when to look; zero without deadlines
}

// asked notes that a request was written. An answer that is waited for already
// keeps its deadline: to ask again is no reason to wait longer.
func (s *stall) asked(now, opened time.Time, typ uint32) {
	e, ok := dueTo(typ)
	if !ok {
		return
	}
	for _, a := range e.answers {
		if at, ok := s.came[a]; ok && now.Sub(at) < overtaken {
			delete(s.came, a)
			return
		}
	}
	if s.due == nil {
		s.due = map[uint32]time.Time{}
	}
	for _, a := range e.answers {
		if _, ok := s.due[a]; !ok {
			s.due[a] = now.Add(e.within)
		}
	}
	if s.tick.IsZero() {
		s.tick = after(opened, now, stallTick)
	}
}

// answered notes that a message came.
func (s *stall) answered(now time.Time, typ uint32) {
	if _, ok := s.due[typ]; !ok && commands[typ%types].answer {
		if s.came == nil {
			s.came = map[uint32]time.Time{}
		}
		s.came[typ] = now
		return
	}
	switch typ {
	case TypeBlock, TypeMerkleBlock, TypeTx, TypeNotFound:
		e, _ := dueTo(TypeGetData)
		for _, a := range e.answers {
			delete(s.due, a)
		}
	default:
		delete(s.due, typ)
	}
	if len(s.due) == 0 {
		s.tick = time.Time{}
	}
}

// check looks at the deadlines at a tick and returns why the link ends, or nil.
// If the peer's messages are with the application just now, its answer may be
// waiting behind them, so it gets another tick.
func (s *stall) check(now time.Time, busy bool) error {
	var late uint32
	// ordered: all are moved alike, and of the late ones the least type is named.
	for typ, due := range s.due {
		switch {
		case busy:
			s.due[typ] = due.Add(stallTick)
		case !now.Before(due) && (late == 0 || typ < late):
			late = typ
		}
	}
	s.tick = now.Add(stallTick)
	if late == 0 {
		return nil
	}
	return fault.New(fault.Timeout, "peers", fmt.Errorf("no %s in answer to a request", commands[late].name))
}

// after returns the first whole number of steps since start that is after now.
func after(start, now time.Time, step time.Duration) time.Time {
	n := now.Sub(start)/step + 1
	return start.Add(n * step)
}
