package p2p

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"parley/addr"
	"parley/dialect/tendermint"
)

// NetAddress is where a node can be dialed: an IP address and a port, and in
// CometBFT the identity that has to answer.
type NetAddress struct {
	ID   string
	IP   net.IP
	Port uint16
}

// NewNetAddress returns the address of a TCP endpoint. It panics if it is not
// one.
func NewNetAddress(a net.Addr) *NetAddress {
	if _, ok := a.(*net.TCPAddr); !ok {
		panic(fmt.Sprintf("p2p: NewNetAddress: %T is not a TCP address", a))
	}
	return addressOf(a)
}

// NewNetAddressString reads ip:port, or id@ip:port. It panics if it is neither, and
// looks up no names.
func NewNetAddressString(s string) *NetAddress {
	n, err := ParseNetAddress(s)
	if err != nil {
		panic(fmt.Sprintf("p2p: NewNetAddressString: %v", err))
	}
	return n
}

// ParseNetAddress is NewNetAddressString that returns an error.
func ParseNetAddress(s string) (*NetAddress, error) {
	t, err := parseAddress(s)
	if err != nil {
		return nil, err
	}
	if !t.Addr.IP.IsValid() {
		return nil, fmt.Errorf("address %.80q: the host is a name", s)
	}
	return netAddress(t.Addr, t.ID), nil
}

// parseAddress reads host:port, with an identity and a protocol before it or not.
// The host may be a name.
func parseAddress(s string) (tendermint.NetAddress, error) {
	if strings.Contains(s, "@") {
		return tendermint.ParseNetAddress(s)
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	a, err := addr.Parse(s)
	return tendermint.NetAddress{Addr: a}, err
}

// NewNetAddressIPPort returns an address.
func NewNetAddressIPPort(ip net.IP, port uint16) *NetAddress { return &NetAddress{IP: ip, Port: port} }

// addressOf returns what is known of an endpoint.
func addressOf(a net.Addr) *NetAddress {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return &NetAddress{}
	}
	return netAddress(addr.FromAddrPort(ap), "")
}

// netAddress is the address as the API has it. One known by name has no IP.
func netAddress(a addr.Addr, id string) *NetAddress {
	n := &NetAddress{ID: id, Port: a.Port}
	if a.IP.IsValid() {
		n.IP = a.IP.AsSlice()
	}
	return n
}

// engine is the address as the engine has it.
func (na *NetAddress) engine() addr.Addr {
	ip, _ := netip.AddrFromSlice(na.IP)
	return addr.Addr{IP: ip.Unmap(), Port: na.Port}
}

func (na *NetAddress) tcp() *net.TCPAddr { return &net.TCPAddr{IP: na.IP, Port: int(na.Port)} }

// Equals reports whether other is the same address as a *NetAddress, whoever is
// there.
func (na *NetAddress) Equals(other interface{}) bool {
	o, ok := other.(*NetAddress)
	return ok && o != nil && na.engine() == o.engine()
}

// Less orders addresses by IP, then by port. It is false if other is not a
// *NetAddress.
func (na *NetAddress) Less(other interface{}) bool {
	o, ok := other.(*NetAddress)
	if !ok || o == nil {
		return false
	}
	if c := bytes.Compare(na.IP.To16(), o.IP.To16()); c != 0 {
		return c < 0
	}
	return na.Port < o.Port
}

// String returns ip:port, and the identity before it if there is one.
func (na *NetAddress) String() string {
	s := na.DialString()
	if na.ID != "" {
		return na.ID + "@" + s
	}
	return s
}

// DialString returns ip:port.
func (na *NetAddress) DialString() string {
	return net.JoinHostPort(na.IP.String(), fmt.Sprint(na.Port))
}

// Dial connects to the address.
func (na *NetAddress) Dial() (net.Conn, error) { return net.Dial("tcp", na.DialString()) }

// DialTimeout connects to the address within a time.
func (na *NetAddress) DialTimeout(d time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", na.DialString(), d)
}

// Valid reports whether it is an address that a host may have.
func (na *NetAddress) Valid() bool {
	a := na.engine()
	return a.IP.IsValid() && !a.IP.IsUnspecified() && !na.RFC3849() && !a.IP.IsMulticast() && !na.IP.Equal(net.IPv4bcast)
}

// Local reports whether it is this machine: loopback or 0.0.0.0/8.
func (na *NetAddress) Local() bool { return na.IP.IsLoopback() || na.in("0.0.0.0/8") }

// Routable reports whether the public internet knows the way there.
func (na *NetAddress) Routable() bool {
	return na.Valid() && !na.Local() && !na.RFC1918() && !na.RFC3927() && !na.RFC4862() && !na.RFC4193() && !na.RFC4843()
}

// in reports whether the address is in a range.
func (na *NetAddress) in(prefix string) bool {
	a := na.engine()
	return a.IP.IsValid() && netip.MustParsePrefix(prefix).Contains(a.IP)
}

// RFC1918 reports whether the address is a private one.
func (na *NetAddress) RFC1918() bool {
	return na.in("10.0.0.0/8") || na.in("172.16.0.0/12") || na.in("192.168.0.0/16")
}

// RFC3849 reports whether the address is for documentation (2001:db8::/32).
func (na *NetAddress) RFC3849() bool { return na.in("2001:db8::/32") }

// RFC3927 reports whether the address is link-local (169.254.0.0/16).
func (na *NetAddress) RFC3927() bool { return na.in("169.254.0.0/16") }

// RFC3964 reports whether the address is a 6to4 one (2002::/16).
func (na *NetAddress) RFC3964() bool { return na.in("2002::/16") }

// RFC4193 reports whether the address is a unique local one (fc00::/7).
func (na *NetAddress) RFC4193() bool { return na.in("fc00::/7") }

// RFC4380 reports whether the address is a Teredo one (2001::/32).
func (na *NetAddress) RFC4380() bool { return na.in("2001::/32") }

// RFC4843 reports whether the address is an ORCHID one (2001:10::/28).
func (na *NetAddress) RFC4843() bool { return na.in("2001:10::/28") }

// RFC4862 reports whether the address is link-local (fe80::/64).
func (na *NetAddress) RFC4862() bool { return na.in("fe80::/64") }

// RFC6052 reports whether the address is of the well-known NAT64 prefix
// (64:ff9b::/96).
func (na *NetAddress) RFC6052() bool { return na.in("64:ff9b::/96") }

// RFC6145 reports whether the address is an IPv4-translated one
// (::ffff:0:0:0/96).
func (na *NetAddress) RFC6145() bool { return na.in("::ffff:0:0:0/96") }

// What ReachabilityTo returns, from none to best.
const (
	Unreachable = iota
	Default
	Teredo
	Ipv6_weak
	Ipv4
	Ipv6_strong
)

// ReachabilityTo says how well somebody at o may expect to reach this address.
func (na *NetAddress) ReachabilityTo(o *NetAddress) int {
	switch four := na.IP.To4() != nil; {
	case !na.Routable():
		return Unreachable
	case four && o.Routable() && o.IP.To4() != nil:
		return Ipv4
	case four:
		return Unreachable
	case !o.Routable():
		return Default
	case o.RFC4380():
		return Teredo
	case o.IP.To4() != nil:
		return Ipv4
	case na.RFC4380(), na.RFC3964(), na.RFC6052(), na.RFC6145():
		return Ipv6_weak
	}
	return Ipv6_strong
}
