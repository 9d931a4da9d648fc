package structure

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// plant makes a tree of files given as alternating paths and contents.
func plant(t *testing.T, files ...string) *Tree {
	t.Helper()
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module parley\n")}}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	tr, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// wantFound compares findings with the lines they should be, in order.
func wantFound(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	var lines []string
	for _, f := range got {
		lines = append(lines, f.String())
	}
	if g, w := strings.Join(lines, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("found\n%s\nwant\n%s", g, w)
	}
}

// body returns a function of n lines.
func body(name string, n int) string {
	return "func " + name + "() {\n" + strings.Repeat("\tprintln()\n", n-2) + "}\n"
}

// flat returns a function of n lines, an odd number, that is one switch with
// inner in its last case.
func flat(name string, n int, inner string) string {
	cases := strings.Repeat("\tcase 1:\n\t\tprintln()\n", (n-7)/2)
	return "func " + name + "(x int) {\n\tprintln()\n\tswitch x {\n" + cases + "\tdefault:\n\t\t" + inner + "\n\t}\n}\n"
}

func TestArrowsFindsPlanted(t *testing.T) {
	tr := plant(t,
		"addr/a.go", "package addr\n\nimport (\n\t\"net/netip\"\n\t\"parley/fault\"\n)\n",
		"core/c.go", "package core\n\nimport \"parley/dialect/toy\"\nimport \"parley/internal/x\"\nimport \"parley/core/internal/y\"\n",
		"core/c_test.go", "package core\n\nimport \"parley/sim\"\n",
		"node/n.go", "package node\n\nimport \"parley/sim\"\nimport \"golang.org/x/net/proxy\"\n",
		"transport/t.go", "package transport\n\nimport \"golang.org/x/net/proxy\"\nimport \"golang.org/x/net/html\"\n",
		"dialect/new/d.go", "package new\n\nimport \"parley/dialect/toy\"\nimport \"parley/wire\"\n",
		"cmd/x/main.go", "package main\n\nimport \"example.org/y\"\nimport \"parley/node\"\n",
		"cmd/x/test.go", "package main\n\nimport \"parley/internal/golden\"\n",
		"cmd/x/x_test.go", "package main\n\nimport \"parley/internal/golden\"\n",
		"internal/golden/g.go", "package golden\n\nimport \"parley/dialect\"\n",
		"odd/o.go", "package odd\n",
		"node/testdata/t.go", "package broken here\n",
		"bridge/b.go", "package bridge\n\nimport \"parley/odd\"\n",
		"nested/go.mod", "module nested\n",
		"nested/n.go", "package nested\n",
	)
	wantFound(t, tr.Arrows(),
		"addr/a.go:5: package addr must not import parley/fault",
		"cmd/x/test.go:3: package cmd/x must not import parley/internal/golden",
		"core/c.go:3: package core must not import parley/dialect/toy",
		"dialect/new/d.go:3: package dialect/new must not import parley/dialect/toy",
		"internal/golden/g.go:3: package internal/golden must not import parley/dialect",
		"node/n.go:3: package node must not import parley/sim",
		"node/n.go:4: package node must not import golang.org/x/net/proxy",
		"odd/o.go:1: package odd has no row in the table of arrows",
		"transport/t.go:4: package transport must not import golang.org/x/net/html",
	)
}

func TestSizesFindsPlanted(t *testing.T) {
	head := "package p\n"
	lines := func(n int) string { return head + strings.Repeat("\n", n-1) }
	files := []string{
		"p/exact.go", lines(400),
		"p/long.go", lines(401),
		"p/exact_test.go", lines(600),
		"p/long_test.go", lines(601),
		"q/func.go", head + body("short", 60) + body("long", 61),
		"q/func_test.go", head + body("long", 61),
		"q/switch.go", head + flat("fine", 79, "println()") + flat("long", 81, "println()") + flat("deep", 69, "for {}"),
		"q/value.go", head + "var f = " + strings.Replace(body("", 61), " ()", "()", 1),
	}
	for i := range 16 {
		files = append(files, fmt.Sprintf("r/%02d.go", i), head, fmt.Sprintf("s/%02d_test.go", i), head)
	}
	wantFound(t, plant(t, files...).Sizes(),
		"p/long.go:401: file has 401 lines, limit 400",
		"p/long_test.go:601: file has 601 lines, limit 600",
		"q/func.go:62: function long has 61 lines, limit 60",
		"q/func_test.go:2: function long has 61 lines, limit 60",
		"q/switch.go:81: function long has 81 lines, limit 80",
		"q/switch.go:162: function deep has 69 lines, limit 60",
		"q/value.go:2: function literal has 61 lines, limit 60",
		"r: package has 16 files, limit 15",
	)
}

func TestDocsFindsPlanted(t *testing.T) {
	tr := plant(t,
		"p/doc.go", "// Package p has a comment.\npackage p\n",
		"p/p.go", `package p

type Bare struct{ Field int }

// Fine has a comment.
type Fine[T any] struct{}

func (f *Fine[T]) Method() {}
func (hidden) Method()     {}

type hidden int

func Func() {}

// The numbers.
const (
	One = 1
	Two = 2
)

const Three = 3

var (
	Four = 4 // with a comment
	Five, six = 5, 6
)

// These are grouped types.
type (
	In int
	Out int // with a comment
)

//go:generate true
func Directive() {}
`,
		"q/q.go", "package q\n",
		"q/q_test.go", "// Package q has a comment in a test only.\npackage q\n\nfunc TestX() {}\n",
	)
	wantFound(t, tr.Docs(),
		"p/p.go:3: exported type Bare has no comment",
		"p/p.go:8: exported function Method has no comment",
		"p/p.go:13: exported function Func has no comment",
		"p/p.go:21: exported constant Three has no comment",
		"p/p.go:25: exported variable Five has no comment",
		"p/p.go:30: exported type In has no comment",
		"p/p.go:35: exported function Directive has no comment",
		"q/q.go:1: package q has no comment",
	)
}

func TestHabitsFindsPlanted(t *testing.T) {
	bad := "func f() {\n\tgo f()\n\ttime.Sleep(1)\n\tt.Skip()\n}\n"
	tr := plant(t,
		"p/p.go", "package p\n\nimport \"time\"\n\nfunc init() {}\n"+bad,
		"p/p_test.go", "package p\n\nimport \"time\"\n"+bad,
		"p/bubble_test.go", "package p\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nvar _ = synctest.Test\n\nfunc g() { time.Sleep(1) }\n",
		"cmd/c/main.go", "package main\n\nimport \"time\"\n"+bad,
	)
	wantFound(t, tr.Habits(),
		"cmd/c/main.go:6: no time.Sleep, except in tests with testing/synctest",
		"p/p.go:5: no init functions",
		"p/p.go:7: goroutines are started with WaitGroup.Go, not with go",
		"p/p.go:8: no time.Sleep, except in tests with testing/synctest",
		"p/p_test.go:6: no time.Sleep, except in tests with testing/synctest",
		"p/p_test.go:7: tests do not skip",
	)
}

func TestDepsFindsPlanted(t *testing.T) {
	mod := `module parley

go 1.26

require golang.org/x/net v0.1.0

require (
	github.com/BurntSushi/toml v1.6.0
	example.org/evil v1.0.0 // indirect
	// example.org/comment v1.0.0
	golang.org/xy/net v0.1.0
	github.com/urfave/cli v1.0.0
)

require example.org/single v1.0.0

replace golang.org/x/net => ../net
`
	wantFound(t, plant(t, "go.mod", mod, "sub/go.mod", mod).Deps(),
		"go.mod:9: module example.org/evil is not on the list of allowed dependencies",
		"go.mod:11: module golang.org/xy/net is not on the list of allowed dependencies",
		"go.mod:12: module github.com/urfave/cli is not on the list of allowed dependencies",
		"go.mod:15: module example.org/single is not on the list of allowed dependencies",
		"go.mod:17: go.mod replaces nothing: what others build must be what we test",
	)
}

func TestWordsFindsPlanted(t *testing.T) {
	later, broken := "TO"+"DO", "FIX"+"ME"
	tr := plant(t,
		"README.md", "All done.\n"+later+": the rest\n",
		"p/p.go", "package p\n\n// "+broken+"\nvar mas"+later+"n = 1\n",
		"p/testdata/x", later,
		"p/image", "\x00"+later,
	)
	wantFound(t, tr.Words(),
		"README.md:2: no "+later+" in the tree: do it or leave it out",
		"p/p.go:3: no "+broken+" in the tree: do it or leave it out",
	)
}

func TestBrokenSourceIsAnError(t *testing.T) {
	_, err := Load(fstest.MapFS{"p/p.go": {Data: []byte("package")}})
	if err == nil {
		t.Error("a file that is not Go was read without an error")
	}
}

func TestPureFindsAllBelow(t *testing.T) {
	tr := plant(t, "core/book/b.go", "package book\n", "dialect/x/y/y.go", "package y\n",
		"addrs/a.go", "package addrs\n", "core/only_test.go", "package core\n")
	if got := strings.Join(tr.Pure(), " "); got != "core/book dialect/x/y" {
		t.Errorf("pure packages are %s, want core/book dialect/x/y", got)
	}
}
