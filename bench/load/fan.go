package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"parley/bench/measure"
	"parley/bench/raw"
	"parley/dialect"
	"parley/route"
)

// fanWindow is how many bytes of bodies may be on their way to the slowest
// peer. It is less than an outbox holds, so nothing is refused.
const fanWindow = 4 << 20

// Fan is one node that broadcasts messages of one size to many peers, which only
// count what arrives.
type Fan struct {
	node  *host
	sinks []*sink
	wg    sync.WaitGroup

	// Owned by the caller of Send.
	msg    dialect.Message
	window int64
	sent   int64
	floor  int64 // every peer is known to have got this many
	slow   *slow // a peer that nobody waits for, or nil
}

// sink is one receiving end.
type sink struct {
	*peer
	got *measure.Tally
	end chan struct{} // closed when the node has hung up
}

// NewFan links peers to a node.
func NewFan(l Language, peers, size int) (*Fan, error) {
	f := &Fan{msg: l.message(body(size)), window: int64(max(1, fanWindow/size))}
	return f, f.open(l, peers, size)
}

// open links the peers, and closes everything if that fails.
func (f *Fan) open(l Language, peers, size int) error {
	up := newCounter(size)
	var err error
	if f.node, err = start(l, up); err != nil {
		return err
	}
	at, err := f.node.at()
	for i := 0; i < peers && err == nil; i++ {
		err = f.join(l, at, i+1)
	}
	if err == nil {
		err = up.up.Wait(int64(peers), nil)
	}
	if err == nil {
		err = f.Send(1) // by which each sink learns how long a message is
	}
	if err == nil {
		err = f.Wait()
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

func (f *Fan) join(l Language, at net.Addr, number int) error {
	p, err := meet(l, at, number)
	if err != nil {
		return err
	}
	s := &sink{peer: p, got: measure.NewTally(), end: make(chan struct{})}
	f.sinks = append(f.sinks, s)
	f.wg.Go(func() {
		defer close(s.end)
		defer s.conn.Close() // the node waits for it
		if wire := s.learn(); wire > 0 {
			s.got.Add(1)
			raw.Sink(s.conn, wire, s.got)
		}
	})
	return nil
}

// learn decodes up to the first application message, reading no further, and
// returns how many bytes that took, or 0 if there was none.
func (s *sink) learn() int {
	var buf []byte
	for need := 1; ; {
		if have := len(buf); need > have {
			buf = append(buf, make([]byte, need-have)...)
			if _, err := io.ReadFull(s.conn, buf[have:]); err != nil {
				return 0
			}
		}
		m, n, err := s.link.Decoder.Next(buf)
		switch {
		case err != nil:
			return 0
		case n > len(buf):
			need = n
		case m.For&dialect.ToApp != 0:
			return n
		default:
			buf, need = buf[n:], 1
		}
	}
}

// Send broadcasts n messages, waiting for the slowest peer when it is a window
// behind.
func (f *Fan) Send(n int) error {
	for range n {
		if err := f.room(); err != nil {
			return err
		}
		took := f.node.Broadcast(f.msg, route.All(), nil)
		if took != len(f.sinks) && (f.slow == nil || took != len(f.sinks)+1) {
			return fmt.Errorf("%d of %d peers took a broadcast", took, len(f.sinks))
		}
		f.sent++
	}
	return nil
}

// room returns once the window is open. It then waits for half of it, so that
// the sender is not woken for every message.
func (f *Fan) room() error {
	if f.sent-f.floor < f.window {
		return nil
	}
	return f.await(f.sent - f.window/2)
}

// await returns once every peer has got want messages.
func (f *Fan) await(want int64) error {
	for _, s := range f.sinks {
		if err := s.got.Wait(want, s.end); err != nil {
			return err
		}
	}
	f.floor = want
	return nil
}

// Wait returns once every peer has got every message sent so far. Bytes of the
// dialect's own that come between count too, so it may be a message early.
func (f *Fan) Wait() error { return f.await(f.sent) }

// Close ends the node and the peers.
func (f *Fan) Close() error {
	var err error
	if f.slow != nil {
		err = f.slow.close()
	}
	err = errors.Join(err, f.node.close())
	f.wg.Wait()
	return err
}
