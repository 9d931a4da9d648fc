package load

import (
	"context"
	"errors"

	"parley/dialect"
	"parley/node"
)

// OneWay is a node that sends messages of one size to another, without loss:
// its flow control is the sender's outbox, whose room it waits for.
type OneWay struct {
	from, to *host
	link     *node.Link
	got      *counter

	// Owned by the caller of Send.
	msg  dialect.Message
	sent int64
}

// NewOneWay links two nodes.
func NewOneWay(ctx context.Context, l Language, size int) (*OneWay, error) {
	o := &OneWay{got: newCounter(size), msg: l.message(body(size))}
	var err error
	if o.to, err = start(l, o.got); err != nil {
		return nil, err
	}
	if o.from, err = start(l, nil); err != nil {
		return nil, errors.Join(err, o.to.close())
	}
	if o.link, err = o.from.attach(ctx, o.to); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// Send queues n messages, waiting for room.
func (o *OneWay) Send(ctx context.Context, n int) error {
	for range n {
		if err := o.link.Send(ctx, o.msg); err != nil {
			return err
		}
	}
	o.sent += int64(n)
	return nil
}

// Wait returns once every message sent so far was handled at the other end.
func (o *OneWay) Wait() error { return o.got.wait(o.sent, o.link.Done()) }

// Batches returns how often the receiving handler was called.
func (o *OneWay) Batches() int64 { return o.got.batches.Load() }

// Close ends both nodes and waits for their goroutines.
func (o *OneWay) Close() error { return errors.Join(o.from.close(), o.to.close()) }
