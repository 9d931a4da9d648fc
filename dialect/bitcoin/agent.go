package bitcoin

import (
	"fmt"
	"strings"
)

// product is one entry of a user agent, /name:version(comments)/ in BIP14.
type product struct{ name, version string }

// products returns the entries of a user agent in their order.
func products(agent string) (ps []product) {
	for entry := range strings.SplitSeq(agent, "/") {
		entry, _, _ = strings.Cut(entry, "(")
		if name, version, _ := strings.Cut(entry, ":"); name != "" {
			ps = append(ps, product{name, version})
		}
	}
	return ps
}

// agentOf returns a user agent as it is written: with slashes around it.
func agentOf(s string) string {
	switch {
	case s == "":
		return defaultAgent
	case strings.HasPrefix(s, "/"):
		return s
	}
	return "/" + s + "/"
}

// clash returns why two user agents do not go together, or "". They do not if the
// program that wrote ours, its last entry, is in theirs with another major
// version (soter.md 1.5, check 5). A version that cannot be read is ignored.
func clash(ours, theirs string) string {
	ps := products(ours)
	if len(ps) == 0 {
		return ""
	}
	own := ps[len(ps)-1]
	want, ok := major(own.version)
	if !ok {
		return ""
	}
	for _, p := range products(theirs) {
		if p.name != own.name {
			continue
		}
		if got, ok := major(p.version); ok && got != want {
			return fmt.Sprintf("peer version %s is incompatible with our version %s", p.version, own.version)
		}
	}
	return ""
}

// major returns the first number of a semantic version.
func major(version string) (n string, ok bool) {
	core, _, _ := strings.Cut(version, "+")
	core, _, _ = strings.Cut(core, "-")
	parts := strings.SplitN(core, ".", 4)
	if len(parts) != 3 {
		return "", false
	}
	for _, p := range parts {
		if p == "" || len(p) > 1 && p[0] == '0' || strings.Trim(p, "0123456789") != "" {
			return "", false
		}
	}
	return parts[0], true
}
