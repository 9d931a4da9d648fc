package puretest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// badImports need no further look: nothing in them is deterministic, or they
// reach outside the process. An entry that ends in a slash stands for all below it.
var badImports = []string{
	"context", "crypto/rand", "hash/maphash", "io/ioutil", "log", "log/", "math/rand",
	"net", "net/http", "net/http/", "net/rpc", "net/rpc/", "net/smtp", "os", "os/", "path/filepath", "plugin",
	"reflect", "runtime", "runtime/", "sync", "sync/", "syscall", "testing/synctest", "unique", "weak",
}

// badNames are the names of otherwise useful packages that read a clock or a
// generator that nobody seeded.
var badNames = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
		"Timer", "Ticker", "Local", "LoadLocation"},
	"crypto/dsa":     {"GenerateKey", "GenerateParameters", "Sign"},
	"crypto/ecdh":    {"GenerateKey"}, // ignores the generator it is given
	"crypto/ecdsa":   {"GenerateKey", "Sign", "SignASN1"},
	"crypto/ed25519": {"GenerateKey"},
	"crypto/mlkem":   {"GenerateKey768", "GenerateKey1024", "Encapsulate"},
	"crypto/rsa":     {"GenerateKey", "GenerateMultiPrimeKey"},
}

// goodRand are the only functions of math/rand/v2 that do not use the runtime's
// generator.
var goodRand = []string{"New", "NewChaCha8", "NewPCG", "NewZipf"}

// mapOrder are the functions of package maps whose result has the order of a map.
var mapOrder = []string{"All", "Keys", "Values"}

// sorters are the functions of package slices that undo that order.
var sorters = []string{"Sorted", "SortedFunc"}

// visitor looks at one file.
type visitor struct {
	*pkg
	excused map[int]bool        // lines on which the order of a map may show
	sorted  map[*ast.Ident]bool // names whose order a call around them undoes
	found   []finding
}

func (v *visitor) bad(n ast.Node, rule string) {
	at := v.fset.Position(n.Pos())
	v.found = append(v.found, finding{at.Filename, at.Line, rule})
}

// excused returns the lines just below comments that claim "ordered:".
func (p *pkg) excused(f *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, g := range f.Comments {
		if strings.Contains(g.Text(), "ordered:") {
			lines[p.fset.Position(g.End()).Line+1] = true
		}
	}
	return lines
}

func (v *visitor) file(f *ast.File) {
	v.sorted = map[*ast.Ident]bool{}
	for _, im := range f.Imports {
		path, _ := strconv.Unquote(im.Path.Value)
		if badImport(path) {
			v.bad(im, "imports "+path)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v.node(n)
		return true
	})
}

func badImport(path string) bool {
	return slices.ContainsFunc(badImports, func(b string) bool {
		return path == b || strings.HasSuffix(b, "/") && strings.HasPrefix(path, b)
	})
}

func (v *visitor) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		v.bad(n, "starts a goroutine")
	case *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
		v.bad(n, "uses a channel")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			v.bad(n, "uses a channel")
		}
	case *ast.RangeStmt:
		v.loop(n)
	case *ast.CallExpr:
		v.call(n)
	case *ast.Ident:
		v.name(n)
	}
}

func (v *visitor) loop(n *ast.RangeStmt) {
	switch under(v.info.TypeOf(n.X)).(type) {
	case *types.Chan:
		v.bad(n, "uses a channel")
	case *types.Map:
		if !v.excused[v.fset.Position(n.Pos()).Line] {
			v.bad(n, "ranges over a map")
		}
	}
}

// under returns what a loop over t runs over: for a type parameter, the
// underlying type of the first member of its constraint, as all have the same.
func under(t types.Type) types.Type {
	if p, ok := t.(*types.TypeParam); ok {
		t = p.Constraint().Underlying()
	}
	u := t.Underlying()
	if i, ok := u.(*types.Interface); ok && i.NumEmbeddeds() > 0 {
		if un, ok := i.EmbeddedType(0).(*types.Union); ok && un.Len() > 0 {
			return un.Term(0).Type().Underlying()
		}
		return i.EmbeddedType(0).Underlying()
	}
	return u
}

// call remembers the argument of a sorting function. Inspect visits it later.
func (v *visitor) call(n *ast.CallExpr) {
	if len(n.Args) == 0 || !v.isFrom(nameOf(n.Fun), "slices", sorters) {
		return
	}
	if inner, ok := n.Args[0].(*ast.CallExpr); ok {
		if id := nameOf(inner.Fun); id != nil {
			v.sorted[id] = true
		}
	}
}

// nameOf returns the last name in f, or nil: Keys of maps.Keys and of
// maps.Keys[M].
func nameOf(f ast.Expr) *ast.Ident {
	switch f := f.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	case *ast.IndexExpr:
		return nameOf(f.X)
	case *ast.IndexListExpr:
		return nameOf(f.X)
	}
	return nil
}

// isFrom reports whether id means one of the names of the package at path.
func (v *visitor) isFrom(id *ast.Ident, path string, names []string) bool {
	o := v.info.Uses[id]
	return o != nil && o.Pkg() != nil && o.Pkg().Path() == path && slices.Contains(names, o.Name())
}

func (v *visitor) name(id *ast.Ident) {
	o := v.info.Uses[id]
	if o == nil || o.Pkg() == nil {
		return
	}
	path := o.Pkg().Path()
	switch {
	case v.isFrom(id, "maps", mapOrder):
		if !v.sorted[id] && !v.excused[v.fset.Position(id.Pos()).Line] {
			v.bad(id, "uses the order of a map")
		}
	case path == "math/rand/v2":
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() == nil && !slices.Contains(goodRand, f.Name()) {
			v.bad(id, "uses global randomness: rand."+f.Name())
		}
	case slices.Contains(badNames[path], o.Name()) && !isTimeMethod(o):
		v.bad(id, "uses "+path+"."+o.Name())
	}
}

// isTimeMethod reports whether o is a method of a time value, such as After,
// which shares its name with a function that starts a timer. Local is none: it
// reads the machine's time zone.
func isTimeMethod(o types.Object) bool {
	f, ok := o.(*types.Func)
	return ok && o.Pkg().Path() == "time" && f.Signature().Recv() != nil && o.Name() != "Local"
}
