package raw

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// helloSize is how many bytes each end of a new connection says to the other.
const helloSize = 64

// Crowd is many connections to one listener that have greeted each other and
// then fall silent, each with one goroutine blocked in Read at the accepting
// end and none at the other.
type Crowd struct {
	dialed []*net.TCPConn
	wg     sync.WaitGroup
}

// NewCrowd opens n connections, dialers of them at a time.
func NewCrowd(n, dialers int) (*Crowd, error) {
	if n < 1 || dialers < 1 {
		return nil, fmt.Errorf("connections: %d by %d dialers, at least 1", n, dialers)
	}
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	c := &Crowd{dialed: make([]*net.TCPConn, n)}
	c.wg.Go(func() { c.accept(ln) })
	err = c.dial(ln.Addr(), dialers)
	if err = errors.Join(err, ln.Close()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Crowd) dial(to net.Addr, dialers int) error {
	errs := make([]error, dialers)
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for i := d; i < len(c.dialed) && errs[d] == nil; i += dialers {
				c.dialed[i], errs[d] = greet(to)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func greet(to net.Addr) (*net.TCPConn, error) {
	conn, err := Dial(to)
	if err != nil {
		return nil, err
	}
	var hello [helloSize]byte
	if _, err = conn.Write(hello[:]); err == nil {
		_, err = io.ReadFull(conn, hello[:])
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (c *Crowd) accept(ln *net.TCPListener) {
	for {
		conn, err := ln.AcceptTCP()
		if err != nil {
			return
		}
		c.wg.Go(func() { hold(conn) })
	}
}

// hold answers the greeting and then waits for an end.
func hold(conn *net.TCPConn) {
	defer conn.Close()
	var buf [helloSize]byte
	if _, err := io.ReadFull(conn, buf[:]); err != nil {
		return
	}
	if _, err := conn.Write(buf[:]); err != nil {
		return
	}
	for {
		if _, err := conn.Read(buf[:]); err != nil {
			return
		}
	}
}

// Close ends every connection and waits for the goroutines.
func (c *Crowd) Close() error {
	var errs []error
	for _, conn := range c.dialed {
		if conn != nil {
			errs = append(errs, Reset(conn))
		}
	}
	c.wg.Wait()
	return errors.Join(errs...)
}
