// Package structure holds the shape of this repository as code: which package
// may import which, how long files and functions may grow, what must be
// documented, which habits are banned and which modules may be required. Its
// tests walk the tree and fail with file, line and rule.
package structure

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Finding is one place where the tree breaks a rule.
type Finding struct {
	File string // slash-separated, from the root of the module
	Line int    // 0 if it is the whole file or package
	Rule string
}

// String returns file:line: rule.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Rule
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Rule)
}

// Tree is the source of one module, read once. It is not changed by the checks.
type Tree struct {
	fset  *token.FileSet
	files []*file
	texts []text
}

// file is one Go file.
type file struct {
	path  string
	dir   string // of the file, "." for the root
	test  bool
	lines int
	ast   *ast.File
}

// text is any file without NUL bytes, Go files included.
type text struct {
	path string
	data []byte
}

// skipped are directories that hold nothing of ours: tool state, build output,
// recorded bytes, and programs in other languages or of other projects.
var skipped = []string{".git", "bin", "bridge", "interop", "node_modules", "runs", "testdata"}

// Load reads the module at the root of fsys. Modules nested in it are not part
// of it.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(skipped, d.Name()) || p != "." && isModule(fsys, p)):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		return t.add(p, data)
	})
	return t, err
}

func isModule(fsys fs.FS, dir string) bool {
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func (t *Tree) add(p string, data []byte) error {
	t.texts = append(t.texts, text{p, data})
	if path.Ext(p) != ".go" {
		return nil
	}
	parsed, err := parser.ParseFile(t.fset, p, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.files = append(t.files, &file{
		path:  p,
		dir:   path.Dir(p),
		test:  strings.HasSuffix(p, "_test.go"),
		lines: bytes.Count(data, []byte("\n")),
		ast:   parsed,
	})
	return nil
}

// Packages returns the directories that hold Go files other than tests, sorted.
func (t *Tree) Packages() []string {
	var dirs []string
	for _, f := range t.files {
		if !f.test {
			dirs = append(dirs, f.dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// at makes a finding about a place in a file.
func (t *Tree) at(f *file, pos token.Pos, format string, args ...any) Finding {
	return Finding{f.path, t.fset.Position(pos).Line, fmt.Sprintf(format, args...)}
}

// lines returns how many lines n takes.
func (t *Tree) lines(n ast.Node) int {
	return t.fset.Position(n.End()).Line - t.fset.Position(n.Pos()).Line + 1
}

// under reports whether the slash-separated dir is one of the roots or below one.
func under(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return dir == r || strings.HasPrefix(dir, r+"/") })
}

// sorted orders findings by file and line.
func sorted(all []Finding) []Finding {
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return all
}
