package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"parley/addr"
	"parley/bench/load"
	"parley/bench/raw"
	"parley/core"
	"parley/dialect"
	"parley/dialect/factom"
	"parley/dialect/tendermint"
	"parley/node"
	"parley/route"
)

// bare is bare TCP, as a pipe.
type bare struct {
	send func(int) error
	wait func() error
	end  func() error
}

func (b bare) Send(ctx context.Context, n int) error { return errors.Join(b.send(n), ctx.Err()) }
func (b bare) Wait() error                           { return b.wait() }
func (b bare) Close() error                          { return b.end() }

// bareStream is the baseline: frames written in batches.
func bareStream(size int) (pipe, error) {
	s, err := raw.NewStream(size)
	if err != nil {
		return nil, err
	}
	return bare{s.Send, s.Wait, s.Close}, nil
}

// bareFan is the baseline of one to many: a goroutine for each connection, and
// receivers that only count bytes.
func bareFan(size int) (pipe, error) {
	f, err := raw.NewFan(fanPeers, size)
	if err != nil {
		return nil, err
	}
	return bare{f.Send, f.Wait, f.Close}, nil
}

// factom11 returns the plainest dialect there is.
func factom11() (load.Language, error) {
	d, err := factom.New(factom.Config{Version: factom.V11})
	return load.Language{Name: "factom-11", Dialect: d, Type: factom.TypeMessage}, err
}

// ours makes a pipe from one node to another.
func ours(language func() (load.Language, error)) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l, err := language()
		if err != nil {
			return nil, err
		}
		return load.NewOneWay(context.Background(), l, size)
	}
}

// app counts what its node receives.
type app struct {
	l    *line
	self int
}

func (a app) Peer(*node.Link, bool, error) {}
func (a app) Note(*node.Link, any)         {}

func (a app) Receive(_ *node.Link, ms []dialect.Message) {
	for i := range ms {
		a.l.count(a.self, len(ms[i].Body))
	}
}

// oursFan is one node that broadcasts to nodes. A broadcast does not wait for
// those that are behind, so there is a window.
func oursFan(fresh func() (dialect.Dialect, uint32, error)) func(int) (pipe, error) {
	return func(size int) (pipe, error) {
		l := newLine(size, fanPeers)
		l.hold()
		from, kind, err := l.node(fresh, nil)
		if err != nil {
			return l.fail(err)
		}
		for i := range fanPeers {
			to, _, err := l.node(fresh, app{l, i})
			if err == nil {
				err = attach(from, to)
			}
			if err != nil {
				return l.fail(err)
			}
		}
		m := dialect.Message{Type: kind, For: dialect.ToApp, Body: l.body}
		l.send = func() error {
			if n := from.Broadcast(m, route.All(), nil); n != fanPeers {
				return fmt.Errorf("%d of %d peers took a broadcast", n, fanPeers)
			}
			return nil
		}
		return l, nil
	}
}

func plainNode() (dialect.Dialect, uint32, error) {
	l, err := factom11()
	return l.Dialect, l.Type, err
}

func sealedNode() (dialect.Dialect, uint32, error) {
	key, err := tendermint.NewKey(rand.Reader)
	if err != nil {
		return nil, 0, err
	}
	d, err := tendermint.New(tendermint.Config{Key: key, Network: "bench", Channels: tendermint.NodeChannels()})
	return d, channel, err
}

// node runs a node until the line ends. It dials nobody by itself.
func (l *line) node(fresh func() (dialect.Dialect, uint32, error), h node.Handler) (*node.Node, uint32, error) {
	d, kind, err := fresh()
	if err != nil {
		return nil, 0, err
	}
	const network = 0x7061726c
	n, err := node.New(node.Config{
		Dialect: d, Handler: h,
		Self:       dialect.Self{Network: network, Agent: "bench"},
		Listen:     []addr.Addr{{IP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}},
		Core:       core.Config{Outbound: -1, Inbound: fanPeers, Opening: fanPeers, PerHost: -1},
		AcceptRate: -1,
	})
	if err != nil {
		return nil, 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	l.wg.Go(func() { ended <- n.Run(ctx) })
	l.lastly(stop)
	select {
	case <-n.Ready():
		return n, kind, nil
	case err := <-ended:
		return nil, 0, errors.Join(errors.New("the node ended before it was ready"), err)
	}
}

// attach links one node to another.
func attach(from, to *node.Node) error {
	for _, a := range to.Listening() {
		c, err := raw.Dial(net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.IP, a.Port)))
		if err != nil {
			return err
		}
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		if _, err := from.Attach(ctx, c, true); err != nil {
			return errors.Join(err, c.Close())
		}
		return nil
	}
	return errors.New("the node listens nowhere")
}
