package speed

import (
	"errors"
	"net"
	"sync"
	"time"

	cometkey "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/libs/service"
	"github.com/cometbft/cometbft/p2p/conn"

	"parley/bench/raw"
	"parley/interop/cometbft/real"
)

const channel = 0x21

// line is one end of a sealed connection of theirs.
type line = conn.MConnection

// theirLines returns both ends of a connection, with what each is to do with a
// message.
func theirLines(queue int, flush time.Duration, here, there func([]byte)) (a, b *line, err error) {
	x, y, err := raw.Pair()
	if err != nil {
		return nil, nil, err
	}
	var wg sync.WaitGroup
	var errA, errB error
	wg.Go(func() { a, errA = theirLine(x, 1, queue, flush, here) })
	wg.Go(func() { b, errB = theirLine(y, 2, queue, flush, there) })
	wg.Wait()
	return a, b, errors.Join(errA, errB)
}

// longestQueue is how many messages the longest of a node's queues holds.
const longestQueue = 1000

// theirLine seals a connection and runs it without limits of rate, and with a queue
// of so many messages.
func theirLine(c net.Conn, n, queue int, flush time.Duration, receive func([]byte)) (*line, error) {
	sealed, err := conn.MakeSecretConnection(c, cometkey.PrivKey(key(n)))
	if err != nil {
		return nil, err
	}
	cfg := conn.DefaultMConnConfig()
	cfg.SendRate, cfg.RecvRate = real.Unlimited, real.Unlimited
	cfg.PingInterval, cfg.PongTimeout = time.Hour, time.Minute
	if flush > 0 {
		cfg.FlushThrottle = flush
	}
	m := conn.NewMConnectionWithConfig(sealed, []*conn.ChannelDescriptor{{
		ID: channel, Priority: 1, SendQueueCapacity: queue, RecvMessageCapacity: 22_020_096,
	}}, func(_ byte, b []byte) { receive(b) }, func(any) {}, cfg)
	m.SetLogger(log.NewNopLogger())
	return m, m.Start()
}

// stop ends both ends. The second may have noticed that the first is gone.
func stop(a, b *line) func() error {
	return func() error {
		err := a.Stop()
		if late := b.Stop(); !errors.Is(late, service.ErrAlreadyStopped) {
			err = errors.Join(err, late)
		}
		return err
	}
}

var errUnsent = errors.New("theirs does not send")

// theirOneWay is one end sending to the other.
func theirOneWay(size int) (Work, error) {
	f := newFlow(size, 1)
	queue := min(longestQueue, 64<<20/size) // a gigabyte would take longer than all else
	a, b, err := theirLines(queue, 0, func([]byte) {}, func([]byte) { f.got.Add(1) })
	if err != nil {
		return nil, err
	}
	m := body(size)
	f.send = func() error {
		if !a.Send(channel, m) {
			return errUnsent
		}
		return nil
	}
	f.close = stop(a, b)
	return f, nil
}

// theirEcho is one end sending back what the other sends, with their own pause
// before a lone message leaves, or another one.
func theirEcho(size int, flush time.Duration) (Work, error) {
	e := &echo{back: make(chan struct{}, 1)}
	m := body(size)
	var b *line
	var ready sync.WaitGroup
	ready.Add(1)
	answer := func(msg []byte) { ready.Wait(); b.Send(channel, msg) }
	a, there, err := theirLines(longestQueue, flush, func([]byte) { e.back <- struct{}{} }, answer)
	if err != nil {
		return nil, err
	}
	b = there
	ready.Done()
	e.send = func() error {
		if !a.Send(channel, m) {
			return errUnsent
		}
		return nil
	}
	e.close = stop(a, b)
	return e, nil
}

// theirFan is a switch that broadcasts to others, with at most window broadcasts
// under way.
func theirFan(peers, size int) (Work, error) {
	f := newFlow(size, peers)
	f.lump = 1
	var all []*real.Switch
	f.close = func() (err error) {
		for _, s := range all {
			err = errors.Join(err, s.Close())
		}
		return err
	}
	hub, err := real.Run(real.Config{Key: key(1), Network: chain, Channels: []byte{channel}}, "")
	if err != nil {
		return nil, err
	}
	all = append(all, hub)
	for i := range peers {
		p, err := real.Run(real.Config{
			Key: key(100 + i), Network: chain, Channels: []byte{channel},
			Receive: func(byte, []byte) { f.got.Add(1) },
		}, "")
		if err == nil {
			all = append(all, p)
			err = p.Dial(hub.Address())
		}
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		<-hub.Events // that the peer is there
	}
	m := body(size)
	f.send = f.windowed(window, func() error {
		hub.Spread(channel, m)
		return nil
	})
	return f, nil
}

// window is how many broadcasts may be under way.
const window = 64

// windowed waits for the slowest peer before it sends too far ahead.
func (f *flow) windowed(window int64, send func() error) func() error {
	n := int64(0)
	return func() error {
		if ahead := n - window; ahead > 0 {
			if err := f.got.Wait(ahead*int64(f.each), f.end); err != nil {
				return err
			}
		}
		n++
		return send()
	}
}

// theirCrowd is a switch with links that do nothing.
func theirCrowd(links int) (held func() error, err error) {
	hub, err := real.Run(real.Config{Key: key(1), Network: chain, Channels: nodeChannels()}, "")
	if err != nil {
		return nil, err
	}
	conns, err := crowd(hub.Address(), links)
	for range conns {
		<-hub.Events
	}
	return func() error { return errors.Join(drop(conns), hub.Close()) }, err
}
