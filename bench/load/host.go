package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"parley/addr"
	"parley/bench/raw"
	"parley/core"
	"parley/dialect"
	"parley/node"
)

const (
	network = 0x7061726c
	// maxLinks is more than any load opens to one node.
	maxLinks = 1 << 14
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// host is a node that runs until it is closed.
type host struct {
	*node.Node
	stop context.CancelFunc
	wg   sync.WaitGroup
	err  error // what Run returned, once wg is done
}

// start runs a node that accepts whoever comes and dials nobody.
func start(l Language, h node.Handler) (*host, error) {
	d, err := l.dialect()
	if err != nil {
		return nil, err
	}
	n, err := node.New(node.Config{
		Dialect: d,
		Self:    dialect.Self{Network: network, Agent: "bench"},
		Handler: h,
		Listen:  []addr.Addr{{IP: loopback}},
		Core: core.Config{
			Outbound: -1,
			Inbound:  maxLinks,
			Opening:  maxLinks,
			PerHost:  -1,
		},
		AcceptRate: -1,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &host{Node: n, stop: stop}
	ended := make(chan struct{})
	r.wg.Go(func() {
		defer close(ended)
		r.err = n.Run(ctx)
	})
	select {
	case <-n.Ready():
		return r, nil
	case <-ended:
		return nil, errors.Join(errors.New("the node ended before it was ready"), r.close())
	}
}

// close ends the node and waits for its goroutines.
func (h *host) close() error {
	h.stop()
	h.wg.Wait()
	return h.err
}

// at is where the node accepts connections.
func (h *host) at() (net.Addr, error) {
	for _, a := range h.Listening() {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.IP, a.Port)), nil
	}
	return nil, errors.New("the node listens nowhere")
}

// attach links h to another node.
func (h *host) attach(ctx context.Context, to *host) (*node.Link, error) {
	at, err := to.at()
	if err != nil {
		return nil, err
	}
	c, err := raw.Dial(at)
	if err != nil {
		return nil, err
	}
	l, err := h.Attach(ctx, c, true)
	if err != nil {
		return nil, fmt.Errorf("attach: %w", errors.Join(err, c.Close()))
	}
	return l, nil
}
