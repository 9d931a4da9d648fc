package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/dialect"
	"parley/node"
)

// Echo is two nodes that send one message back and forth. Both applications
// are their handlers: the message goes back from inside Receive, so a round trip
// has no hop that the engine does not ask for.
type Echo struct {
	here, there *host
	link        *node.Link
	trips       *trips
}

// NewEcho links two nodes.
func NewEcho(ctx context.Context, l Language, size int) (*Echo, error) {
	e := &Echo{trips: &trips{msg: l.message(body(size)), done: make(chan error, 1)}}
	var err error
	if e.there, err = start(l, answer{}); err != nil {
		return nil, err
	}
	if e.here, err = start(l, e.trips); err != nil {
		return nil, errors.Join(err, e.there.close())
	}
	if e.link, err = e.here.attach(ctx, e.there); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Trips makes as many round trips as took is long, one after the other, and
// notes what each took.
func (e *Echo) Trips(took []time.Duration) error {
	if len(took) == 0 {
		return nil
	}
	t := e.trips
	t.took, t.n = took, 0
	t.start = time.Now()
	if !e.link.Queue(t.msg, nil) {
		return errors.New("the first message was refused")
	}
	select {
	case err := <-t.done:
		return err
	case <-e.link.Done():
		return fmt.Errorf("the link ended after less than %d round trips", len(took))
	}
}

// Close ends both nodes and waits for their goroutines.
func (e *Echo) Close() error { return errors.Join(e.here.close(), e.there.close()) }

// trips is the handler that starts each round trip but the first. Its fields
// belong to the reader of the link from the first message to done.
type trips struct {
	msg   dialect.Message
	took  []time.Duration
	n     int
	start time.Time
	done  chan error // capacity 1
}

// Peer implements node.Handler.
func (t *trips) Peer(*node.Link, bool, error) {}

// Note implements node.Handler.
func (t *trips) Note(*node.Link, any) {}

// Receive implements node.Handler.
func (t *trips) Receive(l *node.Link, ms []dialect.Message) {
	now := time.Now()
	if len(ms) != 1 || len(ms[0].Body) != len(t.msg.Body) {
		t.done <- fmt.Errorf("one message of %d bytes was sent, %d came back", len(t.msg.Body), len(ms))
		return
	}
	t.took[t.n] = now.Sub(t.start)
	if t.n++; t.n == len(t.took) {
		t.done <- nil
		return
	}
	t.start = now
	if !l.Queue(t.msg, nil) {
		t.done <- errors.New("a message was refused")
	}
}

// answer is the handler that sends everything back.
type answer struct{}

// Peer implements node.Handler.
func (answer) Peer(*node.Link, bool, error) {}

// Note implements node.Handler.
func (answer) Note(*node.Link, any) {}

// Receive implements node.Handler. What can not be sent back ends the link, so
// that nobody waits for it.
func (answer) Receive(l *node.Link, ms []dialect.Message) {
	for _, m := range ms {
		if !l.Queue(m, nil) {
			l.Close(errors.New("no room for the answer"))
		}
	}
}
