// Package raw is the baseline that the engine is compared with: frames with a
// length of four bytes, big endian, through a bare TCP connection on loopback, as well as
// plain Go can. It knows nothing of the engine.
package raw

import (
	"errors"
	"net"
)

const (
	headSize   = 4
	bufferSize = 64 << 10
)

// Pair returns the two ends of a new TCP connection on loopback.
func Pair() (dialed, accepted *net.TCPConn, err error) {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if dialed, err = Dial(ln.Addr()); err != nil {
		return nil, nil, err
	}
	if accepted, err = ln.AcceptTCP(); err != nil {
		return nil, nil, errors.Join(err, dialed.Close())
	}
	return dialed, accepted, nil
}

// Dial connects to a listener of this machine.
func Dial(to net.Addr) (*net.TCPConn, error) {
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// Reset closes c without the wait state that would keep its port in use, so
// that thousands of connections can be made and closed in a row. What is on the
// way is lost.
func Reset(c *net.TCPConn) error {
	return errors.Join(c.SetLinger(0), c.Close())
}
