package speed

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"parley/addr"
	"parley/bench/raw"
	"parley/core"
	"parley/dialect"
	"parley/dialect/tendermint"
	"parley/node"
	"parley/route"
)

const chain = "speed-1"

func key(n int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	binary.LittleEndian.PutUint32(seed, uint32(n))
	return ed25519.NewKeyFromSeed(seed)
}

// speaker returns the dialect of node n.
func speaker(n int, pings time.Duration, channels ...tendermint.Channel) (*tendermint.Dialect, error) {
	if channels == nil {
		channels = []tendermint.Channel{{ID: channel, Priority: 1}}
	}
	return tendermint.New(tendermint.Config{Key: key(n), Network: chain, NoPEX: true, Channels: channels, Ping: pings, Pong: time.Hour})
}

// host is a node of ours that runs until it is closed.
type host struct {
	*node.Node
	receive func(l *node.Link, ms []dialect.Message)
	linked  chan struct{}
	stop    context.CancelFunc
	wg      sync.WaitGroup
	err     error
}

func newHost(n int, receive func(l *node.Link, ms []dialect.Message)) (*host, error) {
	d, err := speaker(n, time.Hour)
	if err != nil {
		return nil, err
	}
	return runHost(d, receive)
}

func runHost(d *tendermint.Dialect, receive func(l *node.Link, ms []dialect.Message)) (h *host, err error) {
	h = &host{receive: receive, linked: make(chan struct{}, 1<<10)}
	h.Node, err = node.New(node.Config{
		Dialect: d, Handler: h, AcceptRate: -1,
		Listen: []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
		Core:   core.Config{Outbound: -1, Inbound: 1 << 14, Opening: 1 << 14, PerHost: -1},
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	ended := make(chan struct{})
	h.wg.Go(func() {
		defer close(ended)
		h.err = h.Run(ctx)
	})
	select {
	case <-h.Ready():
		return h, nil
	case <-ended:
		return nil, h.close()
	}
}

// Peer implements node.Handler.
func (h *host) Peer(_ *node.Link, up bool, _ error) {
	if up {
		h.linked <- struct{}{}
	}
}

// Note implements node.Handler.
func (h *host) Note(*node.Link, any) {}

// Receive implements node.Handler.
func (h *host) Receive(l *node.Link, ms []dialect.Message) { h.receive(l, ms) }

func (h *host) close() error {
	h.stop()
	h.wg.Wait()
	return h.err
}

// attach links h to another node.
func (h *host) attach(to *host) (*node.Link, error) {
	at := to.Listening()[0]
	c, err := raw.Dial(net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.IP, at.Port)))
	if err != nil {
		return nil, err
	}
	return h.Attach(context.Background(), c, true)
}

// ourLines returns two nodes and the link between them.
func ourLines(here, there func(l *node.Link, ms []dialect.Message)) (l *node.Link, end func() error, err error) {
	a, err := newHost(1, here)
	if err != nil {
		return nil, nil, err
	}
	b, err := newHost(2, there)
	if err != nil {
		return nil, nil, errors.Join(err, a.close())
	}
	end = func() error { return errors.Join(a.close(), b.close()) }
	if l, err = a.attach(b); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return l, end, nil
}

func nothing(*node.Link, []dialect.Message) {}

// ourOneWay is one node sending to another.
func ourOneWay(size int) (Work, error) {
	f := newFlow(size, 1)
	l, end, err := ourLines(nothing, func(_ *node.Link, ms []dialect.Message) { f.got.Add(int64(len(ms))) })
	if err != nil {
		return nil, err
	}
	m := dialect.Message{Type: channel, Body: body(size)}
	f.send = func() error { return l.Send(context.Background(), m) }
	f.end, f.close = l.Done(), end
	return f, nil
}

// ourEcho is one node sending back what another sends.
func ourEcho(size int) (Work, error) {
	e := &echo{back: make(chan struct{}, 1)}
	l, end, err := ourLines(
		func(*node.Link, []dialect.Message) { e.back <- struct{}{} },
		func(l *node.Link, ms []dialect.Message) { l.Queue(ms[0], nil) },
	)
	if err != nil {
		return nil, err
	}
	m := dialect.Message{Type: channel, Body: body(size)}
	e.send = func() error { return l.Send(context.Background(), m) }
	e.close = end
	return e, nil
}

// ourFan is a node that broadcasts to others, with at most window broadcasts under
// way.
func ourFan(peers, size int) (Work, error) {
	f := newFlow(size, peers)
	f.lump = 1
	hub, err := newHost(1, nothing)
	if err != nil {
		return nil, err
	}
	all := []*host{hub}
	f.close = func() (err error) {
		for _, h := range all {
			err = errors.Join(err, h.close())
		}
		return err
	}
	for i := range peers {
		p, err := newHost(100+i, func(_ *node.Link, ms []dialect.Message) { f.got.Add(int64(len(ms))) })
		if err == nil {
			all = append(all, p)
			_, err = p.attach(hub)
		}
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		<-hub.linked
	}
	m := dialect.Message{Type: channel, Body: body(size)}
	f.send = f.windowed(window, func() error {
		if hub.Broadcast(m, route.All(), nil) != peers {
			return errors.New("a peer did not take a broadcast")
		}
		return nil
	})
	return f, nil
}

// ourCrowd is a node with links that do nothing but being pinged.
func ourCrowd(links int) (held func() error, err error) {
	d, err := speaker(1, 10*time.Second, tendermint.NodeChannels()...)
	if err != nil {
		return nil, err
	}
	h, err := runHost(d, nothing)
	if err != nil {
		return nil, err
	}
	at := tendermint.NetAddress{ID: d.ID(), Addr: h.Listening()[0]}
	conns, err := crowd(at.String(), links)
	for range conns {
		<-h.linked
	}
	return func() error { return errors.Join(drop(conns), h.close()) }, err
}

// crowd opens links to a node of either kind and keeps nothing of them but the
// connections.
func crowd(to string, links int) (conns []*net.TCPConn, err error) {
	a, err := tendermint.ParseNetAddress(to)
	if err != nil {
		return nil, err
	}
	at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.Addr.IP, a.Addr.Port))
	for i := range links {
		d, err := speaker(1000+i, time.Hour, tendermint.NodeChannels()...)
		if err != nil {
			return conns, err
		}
		c, err := raw.Dial(at)
		if err != nil {
			return conns, err
		}
		_, err = d.Open(c, &dialect.Opening{
			Dialing: true, Remote: a.Addr, Now: time.Now(), Rand: rand.Reader,
			Admit: func(dialect.Intro) error { return nil },
		})
		if err != nil {
			return conns, errors.Join(err, raw.Reset(c))
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func drop(conns []*net.TCPConn) (err error) {
	for _, c := range conns {
		err = errors.Join(err, raw.Reset(c))
	}
	return err
}

// nodeChannels are the identities of a node's channels.
func nodeChannels() (ids []byte) {
	for _, c := range tendermint.NodeChannels() {
		ids = append(ids, c.ID)
	}
	return ids
}
