package structure

import (
	"fmt"
	"strings"
)

// lib is a module that go.mod may require.
type lib struct {
	path string // the module, or what its path begins with if it ends in a slash
	why  string
}

// libs is the allow-list. Whoever adds a line says what for; lint tools are in a
// module of their own, tools.
var libs = []lib{
	{"golang.org/x/", "maintained with the language: SOCKS5, terminals, cryptography"},
	{"github.com/urfave/cli/v3", "the command line of cmd/parley"},
	{"github.com/BurntSushi/toml", "reads configuration files in TOML"},
	{"github.com/huin/goupnp", "speaks UPnP with gateways, for transport/nat"},
	{"github.com/jackpal/go-nat-pmp", "speaks NAT-PMP with gateways, for transport/nat"},
}

// Deps checks every requirement of go.mod, direct or not, against the allow-list.
func (t *Tree) Deps() []Finding {
	var found []Finding
	for _, x := range t.texts {
		if x.path == "go.mod" {
			found = append(found, deps(x)...)
		}
	}
	return found
}

func deps(mod text) (found []Finding) {
	block := ""
	n := 0
	for line := range strings.Lines(string(mod.data)) {
		n++
		line, _, _ = strings.Cut(line, "//")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
			continue
		case f[0] == ")":
			block = ""
			continue
		case len(f) == 2 && f[1] == "(":
			block = f[0]
			continue
		case block == "":
			block, f = f[0], f[1:]
			found = append(found, directive(mod.path, n, block, f)...)
			block = ""
			continue
		}
		found = append(found, directive(mod.path, n, block, f)...)
	}
	return found
}

func directive(file string, line int, verb string, args []string) []Finding {
	switch {
	case verb == "replace":
		return []Finding{{file, line, "go.mod replaces nothing: what others build must be what we test"}}
	case verb == "require" && len(args) > 0 && !allowed(args[0]):
		return []Finding{{file, line, fmt.Sprintf("module %s is not on the list of allowed dependencies", args[0])}}
	}
	return nil
}

func allowed(path string) bool {
	for _, l := range libs {
		if path == l.path || strings.HasSuffix(l.path, "/") && strings.HasPrefix(path, l.path) {
			return true
		}
	}
	return false
}
