package p2p

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// backlog is how many connections may wait to be taken from a listener.
	backlog = 10
	// defaultExternalPort is the port at which others dial where ours is not
	// known.
	defaultExternalPort = 8770

	acceptPause = 100 * time.Millisecond // after a failure, for lack of descriptors perhaps
)

// Listener accepts connections for an application to add to a Switch. Whoever gives
// the Switch Config.Listen instead has it keep to limits as well.
type Listener interface {
	Connections() <-chan *net.TCPConn
	ExternalAddress() *NetAddress
	Stop()
}

// DefaultListener is a Listener on TCP.
type DefaultListener struct {
	ln       net.Listener
	external *NetAddress
	conns    chan *net.TCPConn
	quit     chan struct{}
	once     sync.Once
	wg       sync.WaitGroup
}

// NewDefaultListener listens at host:port of a protocol, "tcp". Where others can
// dial is asked of discover, if it is given and the host is any: package upnp has
// one that asks the router. Else it is the first address that is not loopback.
// It panics if it cannot listen, or finds no address.
func NewDefaultListener(protocol, lAddr string, discover ...func(port uint16) (*NetAddress, error)) Listener {
	l, err := Listen(protocol, lAddr, discover...)
	if err != nil {
		panic(fmt.Sprintf("p2p: NewDefaultListener: %v", err))
	}
	return l
}

// Listen is NewDefaultListener that returns an error.
func Listen(protocol, lAddr string, discover ...func(port uint16) (*NetAddress, error)) (*DefaultListener, error) {
	ln, err := net.Listen(protocol, lAddr)
	if err != nil {
		return nil, err
	}
	at, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen %s: not TCP", protocol), ln.Close())
	}
	l := &DefaultListener{ln: ln, conns: make(chan *net.TCPConn, backlog), quit: make(chan struct{})}
	if l.external, err = externalOf(at, discover); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	l.wg.Go(l.accept)
	return l, nil
}

// externalOf returns where others can dial.
func externalOf(at *net.TCPAddr, discover []func(uint16) (*NetAddress, error)) (*NetAddress, error) {
	port := uint16(at.Port)
	if port == 0 {
		port = defaultExternalPort
	}
	if !at.IP.IsUnspecified() {
		return NewNetAddressIPPort(at.IP, port), nil
	}
	for _, f := range discover {
		if na, err := f(port); err == nil && na != nil {
			return na, nil
		}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	return outward(all, port)
}

// outward returns the first of the addresses that another machine could dial: of
// IPv4 if there is one.
func outward(all []net.Addr, port uint16) (*NetAddress, error) {
	var six net.IP
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			return NewNetAddressIPPort(n.IP, port), nil
		}
		if six == nil {
			six = n.IP
		}
	}
	if six == nil {
		return nil, errors.New("no address but loopback")
	}
	return NewNetAddressIPPort(six, port), nil
}

// accept takes connections until Stop. While nobody takes them from Connections,
// they wait in the kernel.
func (l *DefaultListener) accept() {
	defer close(l.conns)
	for {
		c, err := l.ln.Accept()
		if err != nil {
			select {
			case <-l.quit:
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			c.Close()
			continue
		}
		select {
		case l.conns <- tcp:
		case <-l.quit:
			c.Close()
			return
		}
	}
}

// Connections returns the channel of connections. Stop closes it.
func (l *DefaultListener) Connections() <-chan *net.TCPConn { return l.conns }

// ExternalAddress returns where others can dial.
func (l *DefaultListener) ExternalAddress() *NetAddress { return l.external }

// Stop ends listening, and closes connections that nobody took.
func (l *DefaultListener) Stop() {
	l.once.Do(func() {
		close(l.quit)
		l.ln.Close()
		l.wg.Wait()
		for c := range l.conns {
			c.Close()
		}
	})
}

// String names where it listens and where others dial.
func (l *DefaultListener) String() string {
	return fmt.Sprintf("Listener(%v, %v)", l.ln.Addr(), l.external)
}
