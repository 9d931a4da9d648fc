package main

import (
	"errors"
	"net"
	"sync"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p/conn"
)

// comet is a pair of CometBFT's multiplexed connections, with the limit on its rate
// as high as it goes.
func comet(sealed bool) (*pipe, error) {
	const channel = 0x30
	p, e := newPipe(), new(ends)
	p.close = e.close
	a, b, err := e.tcp()
	if err == nil && sealed {
		a, b, err = seal(a, b)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	cfg := conn.DefaultMConnConfig()
	cfg.SendRate, cfg.RecvRate = 1<<40, 1<<40
	channels := []*conn.ChannelDescriptor{{ID: channel, Priority: 5, SendQueueCapacity: 1000, RecvMessageCapacity: 1 << 20}}
	nothing := func(byte, []byte) {}
	failed := func(any) {}
	out := conn.NewMConnectionWithConfig(a, channels, nothing, failed, cfg)
	in := conn.NewMConnectionWithConfig(b, channels, func(byte, []byte) { p.got.Add(1) }, failed, cfg)
	for _, m := range []*conn.MConnection{in, out} {
		m.SetLogger(log.NewNopLogger())
		if err := m.Start(); err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.closes = append(e.closes, m.Stop)
	}
	msg := body()
	p.send = func() error {
		if !out.Send(channel, msg) {
			return errors.New("not queued")
		}
		return nil
	}
	return p, nil
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
