package load

import (
	"errors"
	"net"

	"parley/addr"
	"parley/bench/raw"
	"parley/dialect"
)

// peer is a remote that speaks a dialect without a node around it, so that a
// measurement sees the node at the other end alone.
type peer struct {
	conn *net.TCPConn
	link *dialect.Link
}

// meet dials a node and opens a link with it. Peers that are to be linked to one
// node at once need different numbers, from 1 on.
func meet(l Language, at net.Addr, number int) (*peer, error) {
	d, err := l.dialect()
	if err != nil {
		return nil, err
	}
	c, err := raw.Dial(at)
	if err != nil {
		return nil, err
	}
	o := opening(number, true)
	o.Remote = addr.FromAddrPort(c.RemoteAddr().(*net.TCPAddr).AddrPort())
	link, err := d.Open(c, o)
	if err == nil && len(link.Prelude) > 0 {
		_, err = c.Write(link.Prelude)
	}
	if err != nil {
		return nil, errors.Join(err, raw.Reset(c))
	}
	return &peer{c, link}, nil
}
