package load

import (
	"context"
	"errors"
	"time"

	"parley/bench/raw"
)

// Traffic is a node whose many peers each send it a message a hundred times a
// second.
type Traffic struct {
	raw.Pacer
	node *host
	got  *counter
	sent int64
}

// NewTraffic links peers to a node.
func NewTraffic(l Language, peers, size int) (*Traffic, error) {
	t := &Traffic{got: newCounter(size)}
	var err error
	if t.node, err = start(l, t.got); err != nil {
		return nil, err
	}
	at, err := t.node.at()
	for i := 0; i < peers && err == nil; i++ {
		var p *peer
		if p, err = meet(l, at, i+1); err == nil {
			t.Conns = append(t.Conns, p.conn)
			t.Wire, err = p.link.Encoder.Append(nil, l.message(body(size)))
		}
	}
	if err == nil {
		err = t.got.up.Wait(int64(peers), nil)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Run is that of the pacer. It returns once everything was handled.
func (t *Traffic) Run(ctx context.Context, d time.Duration) (n int64, took, cpu time.Duration, err error) {
	n, took, cpu, err = t.Pacer.Run(ctx, d)
	t.sent += n
	if err == nil {
		err = t.got.wait(t.sent, nil)
	}
	return n, took, cpu, err
}

// Close ends the node and the peers.
func (t *Traffic) Close() error {
	var errs []error
	for _, c := range t.Conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, t.node.close())...)
}
