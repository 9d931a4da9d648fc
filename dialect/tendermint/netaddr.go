package tendermint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"parley/addr"
)

// NetAddress is where a node with a known identity can be dialed. It is
// comparable. Unlike an [addr.Addr] to be dialed its port may be 0, which nodes
// that listen nowhere announce.
type NetAddress struct {
	ID   string // in hexadecimal; empty in 2014
	Addr addr.Addr
}

var (
	errNoID   = errors.New("no identity")
	errNoHost = errors.New("no host")
)

// ParseNetAddress reads id@host:port, with anything:// before it. The host is
// an IP address or a name, which is not looked up.
func ParseNetAddress(s string) (NetAddress, error) {
	id, host, ok := strings.Cut(bare(s), "@")
	if !ok {
		return NetAddress{}, fmt.Errorf("address %.80q: %w", s, errNoID)
	}
	if err := checkID(id); err != nil {
		return NetAddress{}, fmt.Errorf("address %.80q: %w", s, err)
	}
	a, err := parseHostPort(host)
	return NetAddress{id, a}, err
}

// bare returns s without the protocol in front of it.
func bare(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		return rest
	}
	return s
}

// parseHostPort reads host:port. The port may be 0.
func parseHostPort(s string) (addr.Addr, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return addr.Addr{}, fmt.Errorf("address %.80q: %w", s, addr.ErrNoPort)
	}
	if i == 0 {
		return addr.Addr{}, fmt.Errorf("address %.80q: %w", s, errNoHost)
	}
	port, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil {
		return addr.Addr{}, fmt.Errorf("address %.80q: %w", s, addr.ErrBadPort)
	}
	a, err := addr.Parse(s[:i] + ":1")
	return a.WithPort(uint16(port)), err
}

// String returns what ParseNetAddress reads, or host:port without an identity.
func (n NetAddress) String() string {
	s := hostPort(n.Addr)
	if n.ID == "" {
		return s
	}
	return n.ID + "@" + s
}

// hostPort returns a as host:port, even if the port is 0.
func hostPort(a addr.Addr) string {
	if a.Port != 0 {
		return a.String()
	}
	return strings.TrimSuffix(a.WithPort(1).String(), "1") + "0"
}
