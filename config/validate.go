package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxSocket is the longest path of a Unix socket that every system takes.
const maxSocket = 100

// validate checks what reading the fields one by one could not.
func (s *Settings) validate() error {
	var errs []error
	bad := func(key, want string) {
		errs = append(errs, s.wrong(key, want))
	}
	if s.Network == netTable[Custom].name && s.CustomNetwork == "" {
		bad("custom-network", "a name, because network is CUSTOM")
	}
	if s.SeedURL != "" && !isWebURL(s.SeedURL) {
		bad("seed-url", "a URL with http or https")
	}
	if len(s.Socket) > maxSocket {
		bad("socket", fmt.Sprintf("a path of at most %d bytes", maxSocket))
	}
	if strings.ContainsFunc(s.NodeName, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(s.NodeName) > 64 {
		bad("node-name", "at most 64 bytes without control characters")
	}
	if !isPlain(s.Moniker, 64) || s.Moniker == "" {
		bad("moniker", "1 to 64 printable ASCII characters")
	}
	if !isPlain(s.UserAgent, maxAgent) {
		bad("user-agent", fmt.Sprintf("at most %d printable ASCII characters", maxAgent))
	}
	if s.Max > 0 {
		for key, v := range s.capped() {
			if *v > s.Max {
				bad(key, fmt.Sprintf("at most max, %d", s.Max))
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (s *Settings) wrong(key, want string) error {
	fs := Fields()
	i := slices.IndexFunc(fs, func(f Field) bool { return f.Key == key })
	return &Error{Field: key, Value: fs[i].Text(s), Want: want, Origin: s.Origins[key]}
}

// maxAgent is the longest user agent: what Bitcoin's version message allows, less
// the slashes around it.
const maxAgent = 240

// isPlain reports whether a text is printable ASCII and not longer than it may be.
func isPlain(text string, longest int) bool {
	return len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
