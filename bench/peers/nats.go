package main

import (
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const subject = "bench"

// broker is an embedded NATS server between one publisher and its subscribers, each
// with a connection of its own. It hangs up on subscribers that are far behind.
func broker(subscribers int) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, subscribers)
		l.hold()
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
		if err != nil {
			return l.fail(err)
		}
		l.wg.Go(s.Start)
		l.lastly(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(patience) {
			return l.fail(errSlow)
		}
		for i := range subscribers {
			if err := l.subscribe(s.ClientURL(), i); err != nil {
				return l.fail(err)
			}
		}
		out, err := nats.Connect(s.ClientURL())
		if err != nil {
			return l.fail(err)
		}
		l.lastly(out.Close)
		l.send = func() error { return out.Publish(subject, l.body) }
		return l, nil
	}
}

func (l *line) subscribe(url string, receiver int) error {
	c, err := nats.Connect(url)
	if err != nil {
		return err
	}
	l.lastly(c.Close)
	if _, err := c.Subscribe(subject, func(m *nats.Msg) { l.count(receiver, len(m.Data)) }); err != nil {
		return err
	}
	return c.FlushTimeout(patience)
}
