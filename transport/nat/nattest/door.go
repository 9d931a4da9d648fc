package nattest

import (
	"io"
	"net"
	"net/netip"
	"sync"
)

// maxGuests bounds the connections through one door at a time.
const maxGuests = 16

// door lets connections to an external port through to what is mapped.
type door struct {
	ln net.Listener
	to string

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// open opens the door of a mapping. A port that something else uses stays
// closed, as on a gateway without hairpin.
func (g *Gateway) open(m Mapping) {
	ln, err := net.Listen("tcp4", netip.AddrPortFrom(g.behavior.External, m.External).String())
	if err != nil {
		return
	}
	d := &door{ln: ln, to: netip.AddrPortFrom(m.Client, m.Port).String(), conns: map[net.Conn]struct{}{}}
	g.doors[m.External] = d
	g.wg.Go(d.serve)
}

func (d *door) close() {
	d.ln.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.conns {
		c.Close()
	}
}

// hold keeps c to be closed with the door, and reports whether it may stay.
func (d *door) hold(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.conns) >= 2*maxGuests {
		c.Close()
		return false
	}
	d.conns[c] = struct{}{}
	return true
}

func (d *door) release(c net.Conn) {
	c.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

func (d *door) serve() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := d.ln.Accept()
		if err != nil {
			return
		}
		if d.hold(c) {
			wg.Go(func() { d.lead(c) })
		}
	}
}

// lead copies both ways until either side ends.
func (d *door) lead(outer net.Conn) {
	defer d.release(outer)
	inner, err := net.Dial("tcp4", d.to)
	if err != nil || !d.hold(inner) {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(outer, inner)
		outer.Close()
	})
	io.Copy(inner, outer)
	d.release(inner)
	wg.Wait()
}
