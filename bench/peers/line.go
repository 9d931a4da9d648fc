package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"parley/bench/measure"
	"parley/bench/raw"
)

const (
	fanPeers = 32
	// windowBytes is how much may be on its way to the slowest receiver where nothing
	// else holds the sender back.
	windowBytes = 4 << 20
)

// pipe is what messages of one size go through, to one receiver or several. One
// goroutine uses it.
type pipe interface {
	// Send sends n messages to every receiver; the last may be held back.
	Send(ctx context.Context, n int) error
	// Wait returns once every receiver has counted every message sent so far.
	Wait() error
	// Close ends all that was opened for it.
	Close() error
}

// line is a pipe made of what a library has for one message.
type line struct {
	ends
	body []byte

	send  func() error // one message to every receiver
	flush func() error // nil if nothing is held back
	// window is how many messages may be on their way where the library would drop,
	// or hold without limit, what a receiver is too slow for; 0 where it blocks.
	window int64
	most   int              // messages in one turn; 0 if as many as time allows
	got    []*measure.Tally // for each receiver

	sent, floor int64 // floor is what every receiver is known to have
}

// newLine returns a line that has yet to learn how to send.
func newLine(size, receivers int) *line {
	l := &line{body: body(size)}
	for range receivers {
		l.got = append(l.got, measure.NewTally())
	}
	return l
}

// hold sets a window of windowBytes.
func (l *line) hold() { l.window = int64(max(2, windowBytes/len(l.body))) }

// fail ends what was opened so far.
func (l *line) fail(err error) (pipe, error) { return nil, errors.Join(err, l.Close()) }

// Send implements pipe.
func (l *line) Send(ctx context.Context, n int) error {
	for range n {
		if err := l.room(); err != nil {
			return err
		}
		if err := l.send(); err != nil {
			return err
		}
		l.sent++
	}
	return ctx.Err()
}

// room returns once the window is open. It waits for half of it, so that the
// sender is not woken for every message.
func (l *line) room() error {
	if l.window == 0 || l.sent-l.floor < l.window {
		return nil
	}
	return l.await(l.sent - l.window/2)
}

func (l *line) await(n int64) error {
	if l.flush != nil {
		if err := l.flush(); err != nil {
			return err
		}
	}
	for _, t := range l.got {
		if err := t.Wait(n, nil); err != nil {
			return err
		}
	}
	l.floor = n
	return nil
}

// Wait implements pipe. More arrivals than messages are an error too.
func (l *line) Wait() error {
	if err := l.await(l.sent); err != nil {
		return err
	}
	for _, t := range l.got {
		if n := t.Got(); n != l.sent {
			return fmt.Errorf("%d messages arrived, %d were sent", n, l.sent)
		}
	}
	return nil
}

// count is what a receiver does with a message: it looks at its size.
func (l *line) count(receiver, size int) {
	if size == len(l.body) {
		l.got[receiver].Add(1)
	}
}

// ends are goroutines and connections that end together, the youngest first.
type ends struct {
	wg     sync.WaitGroup
	closes []func() error
}

// Close ends all. What several libraries report of connections that the other end
// has just closed is not passed on.
func (e *ends) Close() error {
	for i := len(e.closes) - 1; i >= 0; i-- {
		e.closes[i]()
	}
	e.closes = nil
	e.wg.Wait()
	return nil
}

// last adds what is to be closed.
func (e *ends) last(f func() error) { e.closes = append(e.closes, f) }

// lastly adds what is to be ended and cannot fail.
func (e *ends) lastly(f func()) { e.last(func() error { f(); return nil }) }

// tcp returns the two ends of a connection, which close with the others.
func (e *ends) tcp() (dialed, accepted net.Conn, err error) {
	a, b, err := raw.Pair()
	if err != nil {
		return nil, nil, err
	}
	e.last(a.Close)
	e.last(b.Close)
	return a, b, nil
}

// body returns size bytes that are neither equal nor random.
func body(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 131 >> 3)
	}
	return b
}

// each does the same to all, up to the first error.
func each[T any](all []T, do func(T) error) error {
	for _, v := range all {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}
