package up

import (
	"context"
	"fmt"
	"net"
	"sync"

	"parley/addr"
	"parley/dialect"
	"parley/transport"
)

// lines knows which member made the connection that comes from a port. Not every
// language lets nodes say who they are. It is safe for concurrent use, and its
// zero value knows nobody.
type lines struct {
	mu     sync.Mutex
	makers map[ends]int // as last used
}

// ends are the ports of a connection. The dialer's alone does not tell who it is:
// the system may give two dialers the same port if they dial different ones.
type ends struct {
	from, to uint16
}

// maker returns who made the connection that came from a port to a listener's.
func (l *lines) maker(from, to addr.Addr) (member int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	member, ok = l.makers[ends{from.Port, to.Port}]
	return member, ok
}

// made notes that a member has connected to a listener.
func (l *lines) made(member int, from, to addr.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.makers == nil {
		l.makers = make(map[ends]int)
	}
	l.makers[ends{from.Port, to.Port}] = member
}

// line makes the connections of one member: over TCP, and never to itself, which
// in some languages it would not notice.
type line struct {
	transport.TCP
	m *member
}

// Dial implements [transport.Transport].
func (l line) Dial(ctx context.Context, to addr.Addr) (net.Conn, error) {
	if to == l.m.address() {
		return nil, fmt.Errorf("dial %v: %w", to, dialect.ErrSelf)
	}
	c, err := l.TCP.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	if from, err := addr.Parse(c.LocalAddr().String()); err == nil {
		l.m.net.lines.made(l.m.index, from, to)
	}
	return c, nil
}
