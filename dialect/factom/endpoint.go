package factom

import (
	"fmt"
	"net/netip"
	"strconv"

	"parley/addr"
)

// Endpoint is an address as the protocol carries it: two texts.
type Endpoint struct {
	Host string // IP address without brackets, or host name
	Port string // decimal
}

// EndpointOf returns a as the protocol carries it.
func EndpointOf(a addr.Addr) Endpoint {
	return Endpoint{a.HostText(), strconv.Itoa(int(a.Port))}
}

// Addr returns e as an address. It is an error if the host is neither an IP
// address nor a host name or has a zone, which means nothing to others, or if
// the port is not a number from 1 to 65535.
func (e Endpoint) Addr() (addr.Addr, error) {
	port, err := parsePort(e.Port)
	if err != nil {
		return addr.Addr{}, fmt.Errorf("endpoint host %.80q: %w", e.Host, err)
	}
	ip, err := netip.ParseAddr(e.Host)
	switch {
	case err == nil && ip.Zone() == "":
		return addr.FromAddrPort(netip.AddrPortFrom(ip, port)), nil
	case err == nil:
		return addr.Addr{}, fmt.Errorf("endpoint host %.80q has a zone", e.Host)
	}
	a, err := addr.Join(e.Host, strconv.Itoa(int(port)))
	if err != nil {
		return addr.Addr{}, fmt.Errorf("endpoint: %w", err)
	}
	return a, nil
}

// parsePort reads a port as the original does: a sign and leading zeros are
// allowed, because an honest peer passes on a "+08108" that it was told.
func parsePort(s string) (uint16, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 || len(s) > maxPort {
		return 0, fmt.Errorf("port %.20q is not a number from 1 to 65535", s)
	}
	return uint16(n), nil
}

// PeerHash returns the name that a peer goes by: host:port and its node ID in
// hexadecimal. An IPv6 host has no brackets. The host is the dialed one or the
// remote IP; the port is the dialed one or, of a peer that dialed us, the one it
// says it listens on, as it wrote it.
func PeerHash(host, port string, nodeID uint32) string {
	return fmt.Sprintf("%s:%s %08x", host, port, nodeID)
}
