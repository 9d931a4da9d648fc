// Package nattest is a home gateway in the test's own process: it speaks PCP,
// NAT-PMP and UPnP IGD on an address of the loopback network, and can refuse,
// keep silent, answer nonsense, shorten leases, change its address and restart.
// It needs a system where all of 127.0.0.0/8 is the machine itself, as Linux.
package nattest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/transport/nat/internal/pcp"
)

// Behavior says how a gateway behaves. Its zero value answers nothing.
type Behavior struct {
	PCP, NATPMP bool
	UPnP        int // 1 or 2 for the version of IGD; 0 for none

	External  netip.Addr    // the address on the other side; the zero Addr means not connected
	Hairpin   bool          // connections to External from this side reach what is mapped
	MaxLease  time.Duration // longest lifetime given: 0 for what is asked
	Shift     uint16        // is added to the external port asked for (PCP, NAT-PMP)
	Taken     uint16        // an external port that is somebody else's (UPnP)
	Permanent bool          // refuse lifetimes but 0 (UPnP)
	Refuse    int           // result code for every mapping asked for; 0 for none
	Nonsense  bool          // answer with bytes that mean nothing
	Elsewhere bool          // describe oneself under another address (UPnP)
}

// Mapping is a mapping that stands.
type Mapping struct {
	External uint16
	UDP      bool
	Client   netip.Addr
	Port     uint16
	Lifetime time.Duration
	Name     string // UPnP
	nonce    pcp.Nonce
}

// maxMappings bounds the table.
const maxMappings = 64

// Gateway is a running gateway. Its methods may be called on any goroutine.
type Gateway struct {
	// Immutable.
	addr netip.Addr
	udp  *net.UDPConn // PCP and NAT-PMP
	ssdp *net.UDPConn
	http net.Listener
	wg   sync.WaitGroup

	mu       sync.Mutex
	behavior Behavior
	start    time.Time // what epochs count from
	mappings []Mapping
	doors    map[uint16]*door
	asked    int // requests for a mapping or a removal
	closed   bool
}

// New starts a gateway that ends with the test.
func New(t testing.TB, b Behavior) *Gateway {
	t.Helper()
	g, err := Start(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Start starts a gateway that ends with Close. If the behavior has no External,
// it is given an address of the loopback network; use Set for a gateway without.
func Start(b Behavior) (*Gateway, error) {
	if !b.External.IsValid() {
		b.External = loopback()
	}
	g := &Gateway{behavior: b, start: time.Now().Add(-time.Hour), doors: map[uint16]*door{}}
	if err := g.listen(); err != nil {
		g.closeSockets()
		return nil, fmt.Errorf("nattest: %w", err)
	}
	g.wg.Go(g.serveUDP)
	g.wg.Go(g.serveSSDP)
	g.wg.Go(g.serveHTTP)
	return g, nil
}

// loopback returns an address that hardly anybody uses.
func loopback() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(64 + rand.N(128)), byte(rand.N(256)), byte(1 + rand.N(254))})
}

// listen finds an address whose ports are free: that of PCP and NAT-PMP is fixed.
func (g *Gateway) listen() (err error) {
	for range 32 {
		g.addr = loopback()
		g.udp, err = net.ListenUDP("udp4", &net.UDPAddr{IP: g.addr.AsSlice(), Port: pcp.Port})
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if err != nil {
		return err
	}
	if g.ssdp, err = net.ListenUDP("udp4", &net.UDPAddr{IP: g.addr.AsSlice()}); err != nil {
		return err
	}
	g.http, err = net.Listen("tcp4", netip.AddrPortFrom(g.addr, 0).String())
	return err
}

// Close ends the gateway and waits for it. It may be called once.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closed = true
	g.clear()
	g.mu.Unlock()
	g.closeSockets()
	g.wg.Wait()
}

func (g *Gateway) closeSockets() {
	for _, c := range []*net.UDPConn{g.udp, g.ssdp} {
		if c != nil {
			c.Close()
		}
	}
	if g.http != nil {
		g.http.Close()
	}
}

// Addr returns the address to ask with PCP and NAT-PMP.
func (g *Gateway) Addr() netip.Addr { return g.addr }

// Search returns the address to search at with UPnP.
func (g *Gateway) Search() netip.AddrPort {
	return g.ssdp.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Set changes the behavior.
func (g *Gateway) Set(change func(*Behavior)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.behavior)
}

// Restart forgets every mapping and starts the epoch anew.
func (g *Gateway) Restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.start = time.Now()
	g.clear()
}

// Mappings returns the mappings that stand.
func (g *Gateway) Mappings() []Mapping {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Mapping(nil), g.mappings...)
}

// Asked returns how many requests for a mapping or a removal arrived.
func (g *Gateway) Asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// The methods below are called with mu held.

func (g *Gateway) clear() {
	for _, d := range g.doors {
		d.close()
	}
	clear(g.doors)
	g.mappings = nil
}

// put makes a mapping, in the place of one of the same external port. It
// reports whether there was room.
func (g *Gateway) put(m Mapping) bool {
	g.drop(m.External, m.UDP)
	if len(g.mappings) == maxMappings || g.closed {
		return false
	}
	g.mappings = append(g.mappings, m)
	if g.behavior.Hairpin && !m.UDP {
		g.open(m)
	}
	return true
}

func (g *Gateway) drop(external uint16, udp bool) bool {
	for i, m := range g.mappings {
		if m.External == external && m.UDP == udp {
			g.mappings = append(g.mappings[:i:i], g.mappings[i+1:]...)
			if d := g.doors[external]; d != nil && !udp {
				d.close()
				delete(g.doors, external)
			}
			return true
		}
	}
	return false
}

// granted returns the lifetime that is given for one asked for.
func (g *Gateway) granted(asked time.Duration) time.Duration {
	if most := g.behavior.MaxLease; most > 0 {
		return min(asked, most)
	}
	return asked
}

func (g *Gateway) epoch() uint32 { return uint32(time.Since(g.start) / time.Second) }
