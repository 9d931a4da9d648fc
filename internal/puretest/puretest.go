// Package puretest checks that packages are deterministic by construction: no
// goroutine, channel, lock, clock, I/O or randomness of their own, and no loop
// over a map whose order could show.
package puretest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Reporter is the part of *testing.T that Check needs.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check reports, as file:line and the rule, everything in the packages in dirs
// that could make two runs differ. Test files are exempt. A loop over a map is
// excused by a comment that contains "ordered:" and ends on the line above it.
//
// Imported packages come as the go command compiled them, so Check costs
// little if they were built before; give it all packages in one call. The
// directories must belong to one module, and the packages must compile.
func Check(r Reporter, dirs ...string) {
	r.Helper()
	pkgs, err := load(dirs)
	if err != nil {
		r.Errorf("purity: %v", err)
		return
	}
	for _, p := range pkgs {
		for _, f := range p.findings() {
			r.Errorf("%s:%d: %s", f.file, f.line, f.rule)
		}
	}
}

// finding is one broken rule.
type finding struct {
	file string
	line int
	rule string
}

// listed is what the go command tells about a package.
type listed struct {
	Dir        string
	ImportPath string
	Export     string // file with the compiled declarations
	GoFiles    []string
	DepOnly    bool
}

// list asks the go command for the packages in dirs and all they import.
func list(dirs []string) ([]listed, error) {
	args := []string{"list", "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles,DepOnly", "--"}
	for _, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return nil, err
		}
		args = append(args, abs)
	}
	c := exec.Command("go", args...)
	if len(dirs) > 0 {
		c.Dir = dirs[0] // whose module decides how imports resolve
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
}

// pkg is one package with its types.
type pkg struct {
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

func load(dirs []string) ([]*pkg, error) {
	all, err := list(dirs)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, l := range all {
		exports[l.ImportPath] = l.Export
	}
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var pkgs []*pkg
	for _, l := range all {
		if l.DepOnly {
			continue
		}
		p, err := check(fset, imp, l)
		if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}

func check(fset *token.FileSet, imp types.Importer, l listed) (*pkg, error) {
	p := &pkg{fset: fset, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
	}}
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	conf := types.Config{Importer: imp}
	if _, err := conf.Check(l.ImportPath, fset, p.files, p.info); err != nil {
		return nil, err
	}
	return p, nil
}

// findings returns what breaks a rule, in the order of the source.
func (p *pkg) findings() []finding {
	var all []finding
	for _, f := range p.files {
		v := visitor{pkg: p, excused: p.excused(f)}
		v.file(f)
		slices.SortStableFunc(v.found, func(a, b finding) int { return cmp.Compare(a.line, b.line) })
		all = append(all, v.found...)
	}
	return all
}
