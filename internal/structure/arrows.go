package structure

import (
	"strconv"
	"strings"
)

// module is the path that our imports begin with.
const module = "parley"

// arrow says what a package may import besides the standard library and what
// lies in an internal directory below it. Names end in /... to mean everything
// below.
type arrow struct {
	pkg  string
	ours string // packages of this module
	libs string // packages of other modules, or what their paths begin with
}

// all stands for every package.
const all = "all"

// arrows is the picture in docs/architecture.md. The first row that fits a
// package counts. Note what follows from it: core, node and sim know no concrete
// dialect, and node and sim do not know each other.
var arrows = []arrow{
	{pkg: "addr"},
	{pkg: "fault"},
	{pkg: "wire"},
	{pkg: "stats"},
	{pkg: "internal/..."},
	{pkg: "dialect", ours: "addr fault"},
	{pkg: "dialect/dialecttest", ours: "dialect wire addr fault internal/..."},
	{pkg: "dialect/factom", ours: "dialect dialect/factom/... wire addr fault"},
	{pkg: "dialect/tendermint", ours: "dialect dialect/tendermint/... wire addr fault"},
	{pkg: "dialect/tendermint/internal/secret", ours: "dialect/tendermint/... wire fault", libs: "golang.org/x/crypto/chacha20poly1305"},
	{pkg: "dialect/...", ours: "dialect wire addr fault"},
	{pkg: "core/book", ours: "addr internal/..."},
	{pkg: "core", ours: "dialect core/book addr fault internal/..."},
	{pkg: "route", ours: "dialect addr"},
	{pkg: "transport", ours: "addr", libs: "golang.org/x/net/proxy"},
	{pkg: "transport/mem", ours: "transport addr internal/..."},
	{pkg: "transport/nat", ours: "addr fault", libs: "github.com/huin/goupnp github.com/jackpal/go-nat-pmp"},
	{pkg: "transport/nat/nattest", ours: "transport/nat/internal/pcp"},
	{pkg: "transport/nat/internal/pcp"},
	{pkg: "node/internal/press", ours: "dialect"},
	{pkg: "node", ours: "core route dialect transport stats addr fault internal/..."},
	{pkg: "sim", ours: "core route dialect addr fault internal/..."},
	{pkg: "sim/internal/agenda"},
	{pkg: "api", ours: "node stats addr fault internal/..."},
	{pkg: "config", ours: "node core dialect dialect/bitcoin dialect/tendermint transport addr fault", libs: "github.com/BurntSushi/toml"},
	{pkg: "compat/soter/chainhash"},
	{pkg: "compat/soter/wire", ours: "compat/soter/chainhash dialect/bitcoin wire fault"},
	{pkg: "compat/soter/chaincfg", ours: "compat/soter/chainhash compat/soter/wire dialect/bitcoin"},
	{pkg: "compat/soter/peer", ours: "compat/soter/... dialect dialect/bitcoin addr fault internal/nowait"},
	{pkg: "compat/tendermint", ours: "compat/tendermint/binary core node transport dialect dialect/tendermint addr fault"},
	{pkg: "compat/tendermint/binary"},
	{pkg: "compat/tendermint/internal/bucket", ours: "dialect/tendermint addr"},
	{pkg: "compat/tendermint/mempool/blocks", ours: "compat/tendermint/binary"},
	{pkg: "compat/tendermint/upnp", ours: "compat/tendermint transport/nat"},
	{pkg: "bench/raw", ours: all, libs: "golang.org/x/crypto/chacha20poly1305"},
	{pkg: "bench/...", ours: all},
	{pkg: "bench", ours: all},
	{pkg: "cmd/...", ours: all, libs: all},
	{pkg: "examples/...", ours: all},
}

// forTests are packages that tests import and programs do not.
const forTests = "dialect/dialecttest internal/e2e internal/freeport internal/golden internal/puretest internal/structure transport/nat/nattest"

// Arrows checks the imports of every file that is not a test against the table.
func (t *Tree) Arrows() []Finding {
	var found []Finding
	for _, f := range t.files {
		if f.test {
			continue
		}
		a, ok := arrowOf(f.dir)
		if !ok {
			found = append(found, t.at(f, f.ast.Name.Pos(), "package %s has no row in the table of arrows", f.dir))
			continue
		}
		for _, im := range f.ast.Imports {
			to, _ := strconv.Unquote(im.Path.Value)
			if !a.allows(f.dir, to) {
				found = append(found, t.at(f, im.Pos(), "package %s must not import %s", f.dir, to))
			}
		}
	}
	return sorted(found)
}

func arrowOf(dir string) (arrow, bool) {
	for _, a := range arrows {
		if fits(a.pkg, dir) {
			return a, true
		}
	}
	return arrow{}, false
}

// fits reports whether a name of the table means the package in dir.
func fits(name, dir string) bool {
	if root, ok := strings.CutSuffix(name, "/..."); ok {
		return strings.HasPrefix(dir, root+"/")
	}
	return name == dir || name == all
}

func (a arrow) allows(from, to string) bool {
	first, _, _ := strings.Cut(to, "/")
	switch {
	case first == module:
		to = strings.TrimPrefix(to, module+"/")
		if anyFits(forTests, to) {
			return anyFits(forTests, from)
		}
		return strings.HasPrefix(to, from+"/internal/") || anyFits(a.ours, to)
	case !strings.Contains(first, "."):
		return true // the standard library
	}
	return a.libs == all || under(to, strings.Fields(a.libs)...)
}

func anyFits(names, dir string) bool {
	for name := range strings.FieldsSeq(names) {
		if fits(name, dir) {
			return true
		}
	}
	return false
}
