package main

import (
	"errors"
	"net"
	"sync"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p/conn"
)

// channel is that of transactions.
const channel = 0x30

// comet is pairs of CometBFT's multiplexed connections, with the limit on the rate
// as high as it goes and the queue of its mempool's size. Sending blocks.
func comet(pairs int, sealed bool) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, pairs)
		var outs []*conn.MConnection
		for i := range pairs {
			out, err := l.cometPair(i, sealed)
			if err != nil {
				return l.fail(err)
			}
			outs = append(outs, out)
		}
		l.send = func() error {
			return each(outs, func(c *conn.MConnection) error {
				if !c.Send(channel, l.body) {
					return errors.New("not queued in time")
				}
				return nil
			})
		}
		return l, nil
	}
}

func (l *line) cometPair(receiver int, sealed bool) (*conn.MConnection, error) {
	a, b, err := l.tcp()
	if err == nil && sealed {
		a, b, err = seal(a, b)
	}
	if err != nil {
		return nil, err
	}
	cfg := conn.DefaultMConnConfig()
	cfg.SendRate, cfg.RecvRate = 1<<40, 1<<40
	channels := []*conn.ChannelDescriptor{{ID: channel, Priority: 5, SendQueueCapacity: 1000, RecvMessageCapacity: 1 << 20}}
	failed := func(any) {}
	out := conn.NewMConnectionWithConfig(a, channels, func(byte, []byte) {}, failed, cfg)
	in := conn.NewMConnectionWithConfig(b, channels, func(_ byte, m []byte) { l.count(receiver, len(m)) }, failed, cfg)
	for _, m := range []*conn.MConnection{in, out} {
		m.SetLogger(log.NewNopLogger()) // its channels panic without one
		if err := m.Start(); err != nil {
			return nil, err
		}
		l.last(m.Stop)
	}
	return out, nil
}

// seal makes secret connections of both ends.
func seal(a, b net.Conn) (net.Conn, net.Conn, error) {
	var sealed [2]net.Conn
	var errs [2]error
	var wg sync.WaitGroup
	for i, c := range []net.Conn{a, b} {
		wg.Go(func() { sealed[i], errs[i] = conn.MakeSecretConnection(c, ed25519.GenPrivKey()) })
	}
	wg.Wait()
	return sealed[0], sealed[1], errors.Join(errs[:]...)
}
