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
	makers map[uint16]int // by local port of the dialer, as last used
}

// maker returns who made the connection that an accepted link is on.
func (l *lines) maker(from addr.Addr) (member int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	member, ok = l.makers[from.Port]
	return member, ok
}

func (l *lines) made(member int, c net.Conn) {
	at, err := addr.Parse(c.LocalAddr().String())
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.makers == nil {
		l.makers = make(map[uint16]int)
	}
	l.makers[at.Port] = member
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
	if err == nil {
		l.m.net.lines.made(l.m.index, c)
	}
	return c, err
}
