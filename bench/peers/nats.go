package main

import (
	"errors"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// broker is an embedded NATS server between one publisher and its subscribers, each
// with a connection of its own.
func broker(subscribers int) (*pipe, error) {
	p, e := newPipe(), new(ends)
	p.each, p.close = int64(subscribers), e.close
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, err
	}
	e.wg.Go(s.Start)
	e.closes = append(e.closes, forget(func() { s.Shutdown(); s.WaitForShutdown() }))
	if !s.ReadyForConnections(patience) {
		return nil, errors.Join(errSlow, e.close())
	}
	for range subscribers {
		if err := subscribe(s, e, func(*nats.Msg) { p.got.Add(1) }); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	out, err := nats.Connect(s.ClientURL())
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.closes = append(e.closes, forget(out.Close))
	msg := body()
	p.send = func() error { return out.Publish(subject, msg) }
	p.flush = func() error { return out.FlushTimeout(patience) }
	return p, nil
}

const subject = "bench"

func subscribe(s *server.Server, e *ends, f nats.MsgHandler) error {
	c, err := nats.Connect(s.ClientURL())
	if err != nil {
		return err
	}
	e.closes = append(e.closes, forget(c.Close))
	if _, err := c.Subscribe(subject, f); err != nil {
		return err
	}
	return c.FlushTimeout(patience)
}
