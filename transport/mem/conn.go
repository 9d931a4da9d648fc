package mem

import (
	"net"
	"syscall"
	"time"

	"parley/addr"
)

// conn is one end of a connection.
type conn struct {
	n             *Network
	in, out       *pipe
	local, remote addr.Addr
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write implements net.Conn. It blocks while the other end has Buffer bytes
// to read. Writing to an end that has closed resets the connection.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err == syscall.EPIPE {
		c.in.reset()
	}
	return n, err
}

// CloseWrite closes the writing half: the other end reads what was written and
// then the end.
func (c *conn) CloseWrite() error { return c.out.closeWrite() }

// Close implements net.Conn. If there are bytes that were not read, the
// connection is reset, and what the other end has yet to read is lost.
func (c *conn) Close() error {
	unread, err := c.in.closeRead()
	if err != nil {
		return err
	}
	if unread {
		c.out.reset()
	} else {
		c.out.closeWrite()
	}
	c.out.stop()
	c.n.mu.Lock()
	delete(c.n.conns, c)
	c.n.mu.Unlock()
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local.AddrPort()) }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote.AddrPort()) }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(&c.in.reading, t) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(&c.out.writing, t) }
