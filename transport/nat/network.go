package nat

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Network says where to look for gateways. Its zero value asks the system.
type Network struct {
	Local   netip.Addr     // this machine's IPv4 address towards the gateway: the one the system would use
	Gateway netip.Addr     // whom to ask with PCP and NAT-PMP: the system's default gateway
	Search  netip.AddrPort // where to search with UPnP: 239.255.255.250:1900
	Timeout time.Duration  // for one question, repetitions included: 3s
}

// Defaults of Network.
const DefaultTimeout = 3 * time.Second

// ssdp is where UPnP devices listen for searches (UPnP Device Architecture 1.1, 1.3.2).
var ssdp = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), 1900)

func (n Network) timeout() time.Duration {
	if n.Timeout > 0 {
		return n.Timeout
	}
	return DefaultTimeout
}

func (n Network) search() netip.AddrPort {
	if n.Search.IsValid() {
		return n.Search
	}
	return ssdp
}

// gateway returns whom to ask, and from which address.
func (n Network) gateway() (gw, local netip.Addr, err error) {
	gw = n.Gateway
	if !gw.IsValid() {
		if gw, err = defaultGateway(); err != nil {
			return gw, local, err
		}
	}
	local, err = n.towards(netip.AddrPortFrom(gw, 9))
	return gw, local, err
}

// towards returns this machine's address on the way to another. Nothing is sent.
func (n Network) towards(to netip.AddrPort) (netip.Addr, error) {
	if n.Local.IsValid() {
		return n.Local, nil
	}
	c, err := net.Dial("udp4", to.String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// from returns how to learn this machine's address on the way to a gateway.
func (n Network) from(gw netip.Addr) func() (netip.Addr, error) {
	return func() (netip.Addr, error) { return n.towards(netip.AddrPortFrom(gw, 9)) }
}

// routes is the table of IPv4 routes as Linux tells it. Other systems have none.
const routes = "/proc/net/route"

// defaultGateway returns the default gateway. Where the system's routes can not
// be read, that is the first address of the local network of 256, where it
// mostly is; if nobody there answers, nothing was lost.
func defaultGateway() (netip.Addr, error) {
	f, err := os.Open(routes)
	if err != nil {
		return guessGateway()
	}
	defer f.Close()
	if gw, ok := readRoutes(f); ok {
		return gw, nil
	}
	return netip.Addr{}, ErrNoRoute
}

func guessGateway() (netip.Addr, error) {
	local, err := Network{}.towards(ssdp)
	if err != nil {
		return netip.Addr{}, err
	}
	b := local.As4()
	b[3] = 1
	return netip.AddrFrom4(b), nil
}

const maxRoutes = 1024 // lines looked at

// readRoutes returns the first default route that has a gateway.
func readRoutes(r io.Reader) (netip.Addr, bool) {
	s := bufio.NewScanner(r)
	for range maxRoutes {
		if !s.Scan() {
			break
		}
		f := strings.Fields(s.Text()) // Iface Destination Gateway Flags RefCnt Use Metric Mask …
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil || len(b) != 4 {
			continue
		}
		// The kernel prints the address as a number in its own byte order.
		var ip [4]byte
		binary.NativeEndian.PutUint32(ip[:], binary.BigEndian.Uint32(b))
		if gw := netip.AddrFrom4(ip); !gw.IsUnspecified() {
			return gw, true
		}
	}
	return netip.Addr{}, false
}
