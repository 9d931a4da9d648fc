package structure

import (
	"fmt"
	"go/ast"
)

// The limits of size, in lines but for maxFiles.
const (
	maxFile     = 400
	maxTestFile = 600
	maxFunc     = 60
	maxSwitch   = 80 // of a function that is one flat switch
	maxFiles    = 15 // in a package, tests not counted
	besides     = 8  // lines that such a function may have around its switch
)

// Sizes checks the length of files and functions and the number of files in a
// package.
func (t *Tree) Sizes() []Finding {
	var found []Finding
	count := map[string]int{}
	for _, f := range t.files {
		limit := maxTestFile
		if !f.test {
			limit = maxFile
			count[f.dir]++
		}
		if f.lines > limit {
			found = append(found, Finding{f.path, f.lines, fmt.Sprintf("file has %d lines, limit %d", f.lines, limit)})
		}
		found = append(found, t.funcSizes(f)...)
	}
	// ordered: findings are sorted below.
	for dir, n := range count {
		if n > maxFiles {
			found = append(found, Finding{File: dir, Rule: fmt.Sprintf("package has %d files, limit %d", n, maxFiles)})
		}
	}
	return sorted(found)
}

func (t *Tree) funcSizes(f *file) (found []Finding) {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body == nil {
				continue
			}
			limit := maxFunc
			if t.isFlatSwitch(d.Body) {
				limit = maxSwitch
			}
			if n := t.lines(d); n > limit {
				found = append(found, t.at(f, d.Pos(), "function %s has %d lines, limit %d", d.Name.Name, n, limit))
			}
		case *ast.GenDecl:
			found = append(found, t.literalSizes(f, d)...)
		}
	}
	return found
}

// literalSizes checks functions that are values of package variables.
func (t *Tree) literalSizes(f *file, d *ast.GenDecl) (found []Finding) {
	ast.Inspect(d, func(n ast.Node) bool {
		l, ok := n.(*ast.FuncLit)
		if !ok {
			return true
		}
		if n := t.lines(l); n > maxFunc {
			found = append(found, t.at(f, l.Pos(), "function literal has %d lines, limit %d", n, maxFunc))
		}
		return false
	})
	return found
}

// isFlatSwitch reports whether a function is one switch without loops or
// switches inside, and little else.
func (t *Tree) isFlatSwitch(b *ast.BlockStmt) bool {
	for _, s := range b.List {
		var body *ast.BlockStmt
		switch s := s.(type) {
		case *ast.SwitchStmt:
			body = s.Body
		case *ast.TypeSwitchStmt:
			body = s.Body
		default:
			continue
		}
		if t.lines(b)-t.lines(s) <= besides {
			return isFlat(body)
		}
	}
	return false
}

func isFlat(b *ast.BlockStmt) bool {
	flat := true
	ast.Inspect(b, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			flat = false
		}
		return flat
	})
	return flat
}
