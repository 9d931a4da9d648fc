// Package addr says where a peer can be dialed: an IP address and port, or a
// host name and port. Addresses are small comparable values; everything in
// Parley that names a place on a network uses them.
//
// IPv4-mapped IPv6 addresses are unmapped wherever they enter, so one place has
// one name.
package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Addr says where a peer can be dialed: an IP and port, or a host name and
// port for peers that are only known by name. It is comparable, so it can be a
// map key, and its zero value means "nowhere".
type Addr struct {
	IP   netip.Addr
	Port uint16
	Host string // set only when IP is not; lower case
}

// Errors of Parse and Join. Callers that need to know which rule an address
// broke test for them with errors.Is.
var (
	ErrNoPort  = errors.New("no port")
	ErrBadPort = errors.New("port is not a number from 1 to 65535")
	ErrNoHost  = errors.New("no host")
	ErrBadHost = errors.New("host is neither an IP address nor a host name")
)

// Parse reads host:port in any of the forms String writes. The host is an IPv4
// address, an IPv6 address in brackets (with a zone if it has one), or a host
// name of at most 253 characters (RFC 1123 section 2.1). The port is 1 to 65535.
func Parse(s string) (Addr, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return Addr{}, fmt.Errorf("address %.80q: %w", s, ErrNoPort)
	}
	host, port := s[:i], s[i+1:]
	if strings.HasPrefix(host, "[") {
		if !strings.HasSuffix(host, "]") || !strings.Contains(host, ":") {
			return Addr{}, fmt.Errorf("address %.80q: %w", s, ErrBadHost)
		}
		host = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return Addr{}, fmt.Errorf("address %.80q: %w: IPv6 needs brackets", s, ErrBadHost)
	}
	return Join(host, port)
}

// Join makes an address from a host and a port in decimal, as several wire
// formats carry them: the host without brackets.
func Join(host, port string) (Addr, error) {
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || p == 0 || port[0] == '+' {
		return Addr{}, fmt.Errorf("address %.80q port %.20q: %w", host, port, ErrBadPort)
	}
	if host == "" {
		return Addr{}, fmt.Errorf("address with port %s: %w", port, ErrNoHost)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return Addr{IP: ip.Unmap(), Port: uint16(p)}, nil
	}
	if !validName(host) {
		return Addr{}, fmt.Errorf("address %.80q: %w", host, ErrBadHost)
	}
	return Addr{Host: strings.ToLower(host), Port: uint16(p)}, nil
}

// FromAddrPort returns the address of an IP endpoint, with 4-in-6 undone.
func FromAddrPort(ap netip.AddrPort) Addr {
	return Addr{IP: ap.Addr().Unmap(), Port: ap.Port()}
}

// AddrPort returns a as an IP endpoint. It is invalid if a has no IP.
func (a Addr) AddrPort() netip.AddrPort { return netip.AddrPortFrom(a.IP, a.Port) }

// IsZero reports whether a names no place at all.
func (a Addr) IsZero() bool { return a == Addr{} }

// HostText returns the host without brackets or port: the form in which several
// wire formats carry it. It is empty if a has no host.
func (a Addr) HostText() string {
	if a.IP.IsValid() {
		return a.IP.String()
	}
	return a.Host
}

// HostOnly returns a without its port: the name of a machine, as bans and
// per-host limits use it.
func (a Addr) HostOnly() Addr { return Addr{IP: a.IP, Host: a.Host} }

// WithPort returns a with another port.
func (a Addr) WithPort(port uint16) Addr {
	a.Port = port
	return a
}

// Dialable reports whether a names a place one could try to dial: a port, and
// a host that is a name or a unicast address.
func (a Addr) Dialable() bool {
	if a.Port == 0 {
		return false
	}
	if !a.IP.IsValid() {
		return a.Host != ""
	}
	return !a.IP.IsUnspecified() && !a.IP.IsMulticast() && a.IP != broadcast4
}

// String returns host:port, with IPv6 in brackets; only the host if the port is
// zero; "nowhere" for the zero value.
func (a Addr) String() string {
	if a.IsZero() {
		return "nowhere"
	}
	return string(a.AppendTo(nil))
}

// AppendTo appends what String returns, but nothing for the zero value.
func (a Addr) AppendTo(dst []byte) []byte {
	switch {
	case !a.IP.IsValid():
		dst = append(dst, a.Host...)
	case a.IP.Is6() && a.Port != 0:
		dst = append(dst, '[')
		dst = a.IP.AppendTo(dst)
		dst = append(dst, ']')
	default:
		dst = a.IP.AppendTo(dst)
	}
	if a.Port == 0 {
		return dst
	}
	dst = append(dst, ':')
	return strconv.AppendUint(dst, uint64(a.Port), 10)
}

// MarshalText writes a for JSON and configuration files.
func (a Addr) MarshalText() ([]byte, error) { return a.AppendTo(nil), nil }

// UnmarshalText reads what MarshalText writes: host:port, a bare IP address, or
// nothing.
func (a *Addr) UnmarshalText(b []byte) error {
	s := string(b)
	if s == "" {
		*a = Addr{}
		return nil
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		*a = Addr{IP: ip.Unmap()}
		return nil
	}
	p, err := Parse(s)
	if err == nil {
		*a = p
	}
	return err
}

// Compare orders addresses: IPs before names, then by host, then by port.
func (a Addr) Compare(b Addr) int {
	if c := strings.Compare(a.Host, b.Host); c != 0 {
		return c
	}
	if c := a.IP.Compare(b.IP); c != 0 {
		return c
	}
	return int(a.Port) - int(b.Port)
}
