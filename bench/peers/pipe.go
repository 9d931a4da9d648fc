package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	bodySize = 1 << 10
	fanPeers = 32
	window   = 1 << 10 // messages that may be on their way before the sender waits for half of them
)

// pipe is a connection, or several, through which messages go one way.
type pipe struct {
	send  func() error // one message of bodySize bytes to every receiver
	flush func() error // nil if nothing is held back
	got   *measure.Tally
	each  int64 // receivers
	most  int64 // messages in one turn; 0 if as many as the time allows
	close func() error

	sent int64
}

// newPipe returns a pipe with one receiver that has yet to learn how to send.
func newPipe() *pipe { return &pipe{got: measure.NewTally(), each: 1} }

// run sends n messages, with never more than a window on their way, and returns
// once they have arrived.
func (p *pipe) run(ctx context.Context, n int) error {
	for range n {
		if err := p.send(); err != nil {
			return err
		}
		p.sent += p.each
		if p.sent-p.got.Got() < window*p.each {
			continue
		}
		if err := p.await(p.sent - window*p.each/2); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return p.await(p.sent)
}

func (p *pipe) await(n int64) error {
	if p.flush != nil {
		if err := p.flush(); err != nil {
			return err
		}
	}
	return p.got.Wait(n, nil)
}

// rate runs for about d and returns arrivals a second.
func (p *pipe) rate(ctx context.Context, d time.Duration) (float64, error) {
	begin, before := time.Now(), p.sent
	for n := 64; ; n *= 2 {
		if err := p.run(ctx, n); err != nil {
			return 0, err
		}
		enough := p.most > 0 && p.sent-before >= p.most
		if took := time.Since(begin); took >= d || enough {
			return float64(p.sent-before) / took.Seconds(), nil
		}
		n = min(n, 8*window)
	}
}

// body returns what is sent.
func body() []byte {
	b := make([]byte, bodySize)
	for i := range b {
		b[i] = byte(i * 131 >> 3)
	}
	return b
}

// ends are goroutines and connections that end together.
type ends struct {
	wg     sync.WaitGroup
	closes []func() error
}

func (e *ends) close() error {
	var errs []error
	for i := len(e.closes) - 1; i >= 0; i-- {
		errs = append(errs, e.closes[i]())
	}
	e.wg.Wait()
	return errors.Join(errs...)
}

// tcp returns the two ends of a connection, which close with the others.
func (e *ends) tcp() (dialed, accepted net.Conn, err error) {
	a, b, err := raw.Pair()
	if err != nil {
		return nil, nil, err
	}
	e.closes = append(e.closes, a.Close, b.Close)
	return a, b, nil
}

// forget makes of a method without an error one that never has any.
func forget(f func()) func() error { return func() error { f(); return nil } }

// flow makes a pipe of what sends many at once and waits for all.
func flow(each int64, send func(context.Context, int) error, wait, close func() error) *pipe {
	p := newPipe()
	p.each, p.close = each, close
	held := 0
	p.send = func() error { held++; return nil }
	p.flush = func() error {
		n := held
		held = 0
		if err := send(context.Background(), n); err != nil {
			return err
		}
		if err := wait(); err != nil {
			return err
		}
		p.got.Add(int64(n) * each)
		return nil
	}
	return p
}
