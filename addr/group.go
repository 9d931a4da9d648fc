package addr

import (
	"hash/fnv"
	"net/netip"
)

// Group identifies a network neighborhood. Two addresses of one group are
// likely to be run by one party; outbound links are spread over groups.
type Group [10]byte

// What the first byte of a Group says.
const (
	groupNone byte = iota
	groupLocal
	group4
	group6
	groupName
)

var (
	broadcast4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})

	// Ranges that never reach the public internet: RFC 6890 and its updates,
	// less those that netip's own predicates cover.
	reserved = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, RFC 6598
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), // documentation, RFC 5737
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001:db8::/32"), // documentation, RFC 3849
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("3fff::/20"),
		netip.MustParsePrefix("5f00::/16"),
		netip.MustParsePrefix("64:ff9b:1::/48"),
	}
)

// Group returns the neighborhood of a: its /16 for IPv4 (also inside 6to4 and
// NAT64 addresses, whose IPv4 part is what an attacker has to own), its /32 for
// IPv6, one group for everything on loopback, and a hash of the name for hosts known
// by name only.
func (a Addr) Group() Group {
	var g Group
	switch ip := embedded4(a.IP); {
	case !ip.IsValid() && a.Host == "":
	case !ip.IsValid():
		g[0] = groupName
		h := fnv.New64a()
		h.Write([]byte(a.Host))
		h.Sum(g[1:1])
	case ip.IsLoopback():
		g[0] = groupLocal
	case ip.Is4():
		b := ip.As4()
		g[0] = group4
		copy(g[1:], b[:2])
	default:
		b := ip.As16()
		g[0] = group6
		copy(g[1:], b[:4])
	}
	return g
}

// embedded4 returns the IPv4 address inside a 6to4 (RFC 3056) or NAT64
// (RFC 6052) address, and any other address as it is.
func embedded4(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}:
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return ip
}

// Routable reports whether a could be reached from the public internet. Names
// count as routable, because only a lookup could tell.
func (a Addr) Routable() bool {
	if !a.Dialable() {
		return false
	}
	ip := a.IP
	if !ip.IsValid() {
		return a.Host != "localhost"
	}
	if ip.Zone() != "" || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsInterfaceLocalMulticast() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
