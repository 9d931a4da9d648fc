package structure

import (
	"go/ast"
	"slices"
	"strconv"
)

// free are the directories whose programs may start goroutines as they like:
// nobody embeds them.
var free = []string{"cmd", "examples"}

// Habits checks what the compiler allows and we do not: goroutines nobody waits
// for, init functions, sleeping, and tests that skip themselves.
func (t *Tree) Habits() []Finding {
	var found []Finding
	for _, f := range t.files {
		v := habits{Tree: t, file: f, bubbles: imports(f, "testing/synctest")}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			v.node(n)
			return true
		})
		found = append(found, v.found...)
	}
	return sorted(found)
}

func imports(f *file, path string) bool {
	return slices.ContainsFunc(f.ast.Imports, func(im *ast.ImportSpec) bool {
		p, _ := strconv.Unquote(im.Path.Value)
		return p == path
	})
}

// habits looks at one file.
type habits struct {
	*Tree
	file    *file
	bubbles bool // sleeping may be virtual
	found   []Finding
}

func (h *habits) bad(n ast.Node, rule string) {
	h.found = append(h.found, h.at(h.file, n.Pos(), "%s", rule))
}

func (h *habits) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		if !h.file.test && !under(h.file.dir, free...) {
			h.bad(n, "goroutines are started with WaitGroup.Go, not with go")
		}
	case *ast.FuncDecl:
		if n.Name.Name == "init" && n.Recv == nil {
			h.bad(n, "no init functions")
		}
	case *ast.CallExpr:
		h.call(n)
	}
}

func (h *habits) call(n *ast.CallExpr) {
	s, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return
	}
	switch {
	case x.Name == "time" && s.Sel.Name == "Sleep" && !(h.file.test && h.bubbles):
		h.bad(n, "no time.Sleep, except in tests with testing/synctest")
	case h.file.test && slices.Contains([]string{"t", "tb", "b", "f"}, x.Name) &&
		slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name):
		h.bad(n, "tests do not skip")
	}
}
