package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"parley/addr"
	"parley/dialect/factom"
)

// Endpoint is where a node can be dialed: an IP address without brackets or a
// host name, and a port in decimal.
type Endpoint struct {
	IP   string `json:"ip"`
	Port string `json:"port"`
}

// NewEndpoint returns the endpoint of a host and a port. It is an error if the
// host is neither an IP address nor a host name, or the port is not from 1 to
// 65535. Names are not looked up.
func NewEndpoint(ip, port string) (Endpoint, error) {
	if _, err := (factom.Endpoint{Host: ip, Port: port}).Addr(); err != nil {
		return Endpoint{}, err
	}
	return Endpoint{IP: ip, Port: port}, nil
}

// ParseEndpoint reads host:port, with an IPv6 address in brackets.
func ParseEndpoint(s string) (Endpoint, error) {
	host, port, err := net.SplitHostPort(strings.TrimSpace(s))
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %.80q: %w", s, err)
	}
	return NewEndpoint(host, port)
}

// Equal reports whether both endpoints are the same.
func (ep Endpoint) Equal(o Endpoint) bool { return ep == o }

// String returns host:port, with an IPv6 address in brackets.
func (ep Endpoint) String() string { return net.JoinHostPort(ep.IP, ep.Port) }

// Valid reports whether the endpoint could be dialed, as far as its form tells.
func (ep Endpoint) Valid() bool {
	_, err := ep.addr()
	return err == nil
}

// addr returns the engine's form of the endpoint.
func (ep Endpoint) addr() (addr.Addr, error) {
	return factom.Endpoint{Host: ep.IP, Port: ep.Port}.Addr()
}

// endpointOf returns the documented form of an address.
func endpointOf(a addr.Addr) Endpoint {
	return Endpoint{IP: a.HostText(), Port: strconv.Itoa(int(a.Port))}
}

// lookupTimeout is how long IP2Location waits for the name service.
const lookupTimeout = 10 * time.Second

var errNoAddress = errors.New("the name has no address")

// IP2Location returns the last four bytes of an IP address as a number, most
// significant first. A host name is looked up, for at most 10 seconds, and the
// first answer counts.
func IP2Location(addr string) (uint32, error) {
	if ip := net.ParseIP(addr); ip != nil {
		return location(ip), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, addr)
	if err != nil {
		return 0, fmt.Errorf("location: %w", err)
	}
	for _, ip := range ips {
		return location(ip.IP), nil
	}
	return 0, fmt.Errorf("location of %.80q: %w", addr, errNoAddress)
}

// IP2LocationQuick is IP2Location without a look-up: it returns 0 for what is
// no IP address.
func IP2LocationQuick(addr string) uint32 {
	if ip := net.ParseIP(addr); ip != nil {
		return location(ip)
	}
	return 0
}

func location(ip net.IP) uint32 {
	b := ip[len(ip)-4:]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
