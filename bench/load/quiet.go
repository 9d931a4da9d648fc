package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"parley/bench/raw"
	"parley/dialect"
	"parley/dialect/factom"
)

// quietPing is after which silence of its own a node of Factom's pings.
const quietPing = 15 * time.Second

// Quiet is a node with many links on which nothing happens but its pings, which
// the peers answer. Both ends are in this process.
type Quiet struct {
	node  *host
	peers []*peer
	wg    sync.WaitGroup
	pings atomic.Int64
	late  atomic.Int64 // nanoseconds, of the latest ping
}

// NewQuiet opens the links. The language must be one of Factom's.
func NewQuiet(l Language, links int) (*Quiet, error) {
	q := new(Quiet)
	up := newCounter(0)
	var err error
	if q.node, err = start(l, up); err != nil {
		return nil, err
	}
	at, err := q.node.at()
	for i := 0; i < links && err == nil; i++ {
		var p *peer
		if p, err = meet(l, at, i+1); err == nil {
			q.peers = append(q.peers, p)
			q.wg.Go(func() { q.answer(p) })
		}
	}
	if err == nil {
		err = up.up.Wait(int64(links), nil)
	}
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// answer answers pings, and notes how much later they come than they are due.
func (q *Quiet) answer(p *peer) {
	var last time.Time
	buf, have := make([]byte, 256), 0
	for {
		k, err := p.conn.Read(buf[have:])
		if err != nil {
			return
		}
		for have += k; have > 0; {
			m, n, err := p.link.Decoder.Next(buf[:have])
			if err != nil || n > len(buf) {
				return
			}
			if n > have {
				break
			}
			have = copy(buf, buf[n:have])
			if m.Type == factom.TypePing && !q.pong(p, &last) {
				return
			}
		}
	}
}

// pong answers one ping and reports whether that went well.
func (q *Quiet) pong(p *peer, last *time.Time) bool {
	q.pinged(last)
	out, err := p.link.Encoder.Append(nil, dialect.Message{Type: factom.TypePong, Body: []byte("Pong")})
	if err == nil {
		_, err = p.conn.Write(out)
	}
	return err == nil
}

// pinged notes a ping. The first after opening is due at once.
func (q *Quiet) pinged(last *time.Time) {
	now := time.Now()
	if !last.IsZero() {
		late := int64(now.Sub(*last) - quietPing)
		for old := q.late.Load(); late > old && !q.late.CompareAndSwap(old, late); old = q.late.Load() {
		}
	}
	*last = now
	q.pings.Add(1)
}

// Rest does nothing for d and returns how many pings came meanwhile and how much
// later than due the latest of them was.
func (q *Quiet) Rest(ctx context.Context, d time.Duration) (pings int64, late time.Duration, err error) {
	before := q.pings.Load()
	q.late.Store(0)
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	return q.pings.Load() - before, time.Duration(q.late.Load()), nil
}

// Close ends the node and the peers.
func (q *Quiet) Close() error {
	var errs []error
	for _, p := range q.peers {
		errs = append(errs, raw.Reset(p.conn))
	}
	q.wg.Wait()
	return errors.Join(append(errs, q.node.close())...)
}
