package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"parley/addr"
)

// maxList is the most entries of a list setting.
const maxList = 1000

var errList = errors.New("at most 1000 entries")

// units are the suffixes of sizes, longest first, so that none hides another.
var units = []struct {
	suffix string
	bytes  int
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

// parseSize reads a number of bytes, bare or with a unit.
func parseSize(s string) (int, error) {
	factor := 1
	for _, u := range units {
		if t, ok := strings.CutSuffix(s, u.suffix); ok {
			s, factor = strings.TrimSpace(t), u.bytes
			break
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > math.MaxInt32/factor {
		return 0, strconv.ErrRange
	}
	return n * factor, nil
}

// formatSize writes n with the largest binary unit that divides it.
func formatSize(n int) string {
	for i := 2; i >= 0; i-- {
		if u := units[i]; n != 0 && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.suffix
		}
	}
	return strconv.Itoa(n)
}

// formatSpan is Duration.String without the zero minutes and seconds at the end.
func formatSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// split cuts a list at commas and blanks, and at the other characters that
// factomd separated special peers with (factomd 1.1).
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n;|+", r) })
}

func parseList[T any](s string, one func(string) (T, error)) ([]T, error) {
	words := split(s)
	if len(words) > maxList {
		return nil, errList
	}
	list := make([]T, 0, len(words))
	for _, w := range words {
		a, err := one(w)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// parsePeer reads an address that can be dialed.
func parsePeer(s string) (addr.Addr, error) {
	a, err := addr.Parse(s)
	if err == nil && !a.Dialable() {
		return a, errors.New("not an address to dial")
	}
	return a, err
}

// formatListen writes a listener so that it can be read back: port 0 has a
// meaning there.
func formatListen(a addr.Addr) string {
	if a.Port != 0 {
		return a.String()
	}
	return strings.TrimSuffix(a.WithPort(1).String(), "1") + "0"
}

// ParseMachine reads what can be banned: an address, or a host without port.
func ParseMachine(s string) (addr.Addr, error) {
	var a addr.Addr
	if err := a.UnmarshalText([]byte(s)); err == nil {
		return a, nil
	}
	a, err := addr.Join(s, "1") // a host name alone
	return a.HostOnly(), err
}

// parseListen reads host:port, or :port for every interface. Port 0 chooses one.
func parseListen(s string) (addr.Addr, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return addr.Addr{}, addr.ErrNoPort
	}
	port, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil {
		return addr.Addr{}, addr.ErrBadPort
	}
	if i == 0 {
		return addr.Addr{Port: uint16(port)}, nil
	}
	a, err := addr.Parse(s[:i] + ":1")
	return a.WithPort(uint16(port)), err
}

// parseAdvertise reads host:port, host, or :port.
func parseAdvertise(s string) (addr.Addr, error) {
	if port, ok := strings.CutPrefix(s, ":"); ok {
		a, err := addr.Join("host", port)
		return addr.Addr{Port: a.Port}, err
	}
	a, err := ParseMachine(s)
	if err == nil && a.IP.IsValid() && (a.IP.IsUnspecified() || a.IP.IsMulticast()) {
		err = errors.New("not an address to dial")
	}
	return a, err
}

// parseMetrics reads a loopback endpoint: an IP and port, or a port alone.
func parseMetrics(s string) (addr.Addr, error) {
	if !strings.Contains(s, ":") {
		s = "127.0.0.1:" + s
	}
	a, err := parseListen(s)
	if err == nil && !a.IP.IsLoopback() {
		err = errors.New("not a loopback address")
	}
	return a, err
}
