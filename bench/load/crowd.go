package load

import (
	"context"
	"errors"
	"net"
	"sync"

	"parley/bench/raw"
)

// Crowd is one node with many links that do nothing. The other ends are bare
// connections without a goroutine, so what the process holds is what the node
// holds and a little more.
type Crowd struct {
	node  *host
	conns []*net.TCPConn
}

// NewCrowd opens n links to one node, dialers of them at a time, and waits
// until all are up.
func NewCrowd(ctx context.Context, l Language, n, dialers int) (*Crowd, error) {
	h := newCounter(0)
	host, err := start(l, h)
	if err != nil {
		return nil, err
	}
	c := &Crowd{node: host, conns: make([]*net.TCPConn, n)}
	if err = c.dial(ctx, l, dialers); err == nil {
		err = h.up.Wait(int64(n), ctx.Done())
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Crowd) dial(ctx context.Context, l Language, dialers int) error {
	at, err := c.node.at()
	if err != nil {
		return err
	}
	errs := make([]error, dialers)
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for i := d; i < len(c.conns) && errs[d] == nil; i += dialers {
				if errs[d] = ctx.Err(); errs[d] == nil {
					c.conns[i], errs[d] = join(l, at, i+1)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// join opens a link and keeps nothing of it but the connection.
func join(l Language, at net.Addr, number int) (*net.TCPConn, error) {
	p, err := meet(l, at, number)
	if err != nil {
		return nil, err
	}
	return p.conn, nil
}

// Close ends the node and the links.
func (c *Crowd) Close() error {
	var errs []error
	for _, conn := range c.conns {
		if conn != nil {
			errs = append(errs, raw.Reset(conn))
		}
	}
	return errors.Join(append(errs, c.node.close())...)
}
