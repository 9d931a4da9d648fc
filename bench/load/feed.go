package load

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// lumpBytes is about how much of the ready-made stream goes out in one write.
const lumpBytes = 64 << 10

// Feed is a node that is sent messages by a peer with next to no cost of its
// own: it writes the same ready-made bytes again and again. What the process
// spends is what receiving costs. It suits dialects whose messages do not depend
// on those before.
type Feed struct {
	node *host
	peer *peer
	got  *counter
	end  chan struct{} // closed when the node has hung up
	wg   sync.WaitGroup

	// Owned by the caller of Send.
	lump []byte
	wire int // bytes of one message
	sent int64
}

// NewFeed links a peer to a node.
func NewFeed(l Language, size int) (*Feed, error) {
	f := &Feed{got: newCounter(size), end: make(chan struct{})}
	var err error
	if f.node, err = start(l, f.got); err != nil {
		return nil, err
	}
	at, err := f.node.at()
	if err == nil {
		f.peer, err = meet(l, at, 1)
	}
	if err != nil {
		return nil, errors.Join(err, f.node.close())
	}
	f.wg.Go(func() {
		defer close(f.end)
		defer f.peer.conn.Close() // the node waits for it
		io.Copy(io.Discard, f.peer.conn)
	})
	if err := f.prepare(l, size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// prepare encodes one lump. The first message is left out of it: a stateful
// encoder may say more with it than with the others.
func (f *Feed) prepare(l Language, size int) error {
	m := l.message(body(size))
	first, err := f.peer.link.Encoder.Append(nil, m)
	if err != nil {
		return err
	}
	if _, err := f.peer.conn.Write(first); err != nil {
		return err
	}
	f.sent = 1
	for len(f.lump) == 0 || len(f.lump)+f.wire <= lumpBytes {
		before := len(f.lump)
		if f.lump, err = f.peer.link.Encoder.Append(f.lump, m); err != nil {
			return err
		}
		if n := len(f.lump) - before; f.wire != 0 && n != f.wire {
			return fmt.Errorf("a message takes %d bytes and then %d", f.wire, n)
		}
		f.wire = len(f.lump) - before
	}
	return f.Wait()
}

// Send writes n messages.
func (f *Feed) Send(n int) error {
	f.sent += int64(n)
	for left := n * f.wire; left > 0; {
		k, err := f.peer.conn.Write(f.lump[:min(left, len(f.lump))])
		if err != nil {
			return err
		}
		left -= k
	}
	return nil
}

// Wait returns once the node has handled every message sent so far.
func (f *Feed) Wait() error { return f.got.wait(f.sent, f.end) }

// Batches returns how often the handler was called.
func (f *Feed) Batches() int64 { return f.got.batches.Load() }

// Close ends the node and the peer.
func (f *Feed) Close() error {
	err := f.node.close()
	f.wg.Wait()
	return err
}
