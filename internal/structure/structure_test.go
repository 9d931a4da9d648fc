package structure

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"parley/internal/puretest"
)

// root finds the directory of this module.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err = os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if up := filepath.Dir(dir); up != dir {
			dir, err = up, nil
		}
	}
	return "", err
}

// parse reads the module once for all tests.
var parse = sync.OnceValues(func() (*Tree, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	return Load(os.DirFS(dir))
})

func tree(t *testing.T) *Tree {
	t.Helper()
	tr, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func report(t *testing.T, found []Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func TestArrows(t *testing.T) { report(t, tree(t).Arrows()) }
func TestSizes(t *testing.T)  { report(t, tree(t).Sizes()) }
func TestDocs(t *testing.T)   { report(t, tree(t).Docs()) }
func TestHabits(t *testing.T) { report(t, tree(t).Habits()) }
func TestDeps(t *testing.T)   { report(t, tree(t).Deps()) }
func TestWords(t *testing.T)  { report(t, tree(t).Words()) }

func TestPurity(t *testing.T) {
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, dir := range tree(t).Pure() {
		dirs = append(dirs, filepath.Join(top, filepath.FromSlash(dir)))
	}
	puretest.Check(t, dirs...)
}

// A check that looks at nothing finds nothing, so make sure of what it looks at.
func TestWholeTreeIsRead(t *testing.T) {
	for _, dir := range []string{"addr", "core", "dialect", "dialect/toy", "route"} {
		if !slices.Contains(tree(t).Pure(), dir) {
			t.Errorf("package %s is not among the pure ones", dir)
		}
	}
	for _, dir := range []string{"node", "internal/puretest"} {
		if !slices.Contains(tree(t).Packages(), dir) {
			t.Errorf("package %s was not read", dir)
		}
	}
	for _, path := range []string{"go.mod", ".ci/run", "README.md"} {
		if !slices.ContainsFunc(tree(t).texts, func(x text) bool { return x.path == path }) {
			t.Errorf("%s was not read", path)
		}
	}
}
