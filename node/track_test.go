package node

import (
	"sync/atomic"
	"testing"

	"parley/dialect"
	"parley/fault"
)

// plainTracker sends messages whole and in order, and says which it is done with.
type plainTracker struct {
	plainEncoder
	waiting []dialect.Message
	tags    []int
	done    []int
}

const untagged = -1

func (p *plainTracker) Put(m dialect.Message) error { return p.PutAs(m, untagged) }

func (p *plainTracker) PutAs(m dialect.Message, tag int) error {
	if m.Type == plainBad {
		return fault.New(fault.Local, "encode", errFull)
	}
	p.waiting, p.tags = append(p.waiting, m), append(p.tags, tag)
	return nil
}

func (p *plainTracker) Pack(dst []byte, limit int) (out []byte, more bool, err error) {
	for len(dst) < limit && len(p.waiting) > 0 {
		dst, _ = p.Append(dst, p.waiting[0])
		if p.tags[0] != untagged {
			p.done = append(p.done, p.tags[0])
		}
		p.waiting, p.tags = p.waiting[1:], p.tags[1:]
	}
	return dst, len(p.waiting) > 0, nil
}

func (p *plainTracker) Done(tags []int) []int {
	tags = append(tags, p.done...)
	p.done = p.done[:0]
	return tags
}

// Of messages that a packer says it is done with, those that somebody is told about
// and the others, all give back their room and are counted, and a bad one too.
func TestTracked(t *testing.T) {
	got := newCounter()
	a, b := over(true, plain{style: "pack"})
	a.Handler, a.Core.Inbound = events{receive: got.receive}, 10
	_, _, l := couple(t, a, b)
	l.waitUntilIdle()
	l.link.Encoder = &plainTracker{}
	const each = 200
	var told atomic.Int64
	last := make(chan error, 1)
	for i := range each {
		m := dialect.Message{Type: 1, Body: make([]byte, 10*i)}
		if err := l.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		l.Queue(dialect.Message{Type: plainBad, Body: m.Body}, nil)
		if !l.Queue(m, func(err error) {
			if told.Add(1); err != nil || told.Load() == each {
				last <- err
			}
		}) {
			t.Fatal("not queued")
		}
	}
	if err := <-last; err != nil {
		t.Fatal(err)
	}
	got.wait(2 * each)
	l.waitUntilIdle()
	if n, q := l.Stats().OutMsgs.Load(), l.Queued(); n != 2*each || q != 0 {
		t.Errorf("%d messages are counted, want %d, and %d bytes wait, want none", n, 2*each, q)
	}
}
