package structure

import (
	"go/ast"
	"go/token"
)

// Docs checks that every package and every exported type, function, method,
// constant and variable has a comment. A comment on a group of constants or
// variables stands for its members.
func (t *Tree) Docs() []Finding {
	var found []Finding
	documented := map[string]bool{}
	first := map[string]*file{}
	for _, f := range t.files {
		if f.test {
			continue
		}
		if first[f.dir] == nil {
			first[f.dir] = f
		}
		if f.ast.Doc.Text() != "" {
			documented[f.dir] = true
		}
		for _, d := range f.ast.Decls {
			found = append(found, t.undocumented(f, d)...)
		}
	}
	// ordered: findings are sorted below.
	for dir, f := range first {
		if !documented[dir] {
			found = append(found, t.at(f, f.ast.Name.Pos(), "package %s has no comment", dir))
		}
	}
	return sorted(found)
}

func (t *Tree) undocumented(f *file, d ast.Decl) (found []Finding) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc.Text() == "" && d.Name.IsExported() && exportedReceiver(d) {
			found = append(found, t.at(f, d.Pos(), "exported function %s has no comment", d.Name.Name))
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			found = append(found, t.undocumentedSpec(f, d, s)...)
		}
	}
	return found
}

// exportedReceiver reports whether d is a function, or a method that others can
// see.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.ParenExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func (t *Tree) undocumentedSpec(f *file, d *ast.GenDecl, s ast.Spec) (found []Finding) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		own := s.Doc.Text() != "" || s.Comment.Text() != "" || !d.Lparen.IsValid() && d.Doc.Text() != ""
		if s.Name.IsExported() && !own {
			found = append(found, t.at(f, s.Pos(), "exported type %s has no comment", s.Name.Name))
		}
	case *ast.ValueSpec:
		if d.Doc.Text() != "" || s.Doc.Text() != "" || s.Comment.Text() != "" {
			return nil
		}
		kind := "variable"
		if d.Tok == token.CONST {
			kind = "constant"
		}
		for _, n := range s.Names {
			if n.IsExported() {
				found = append(found, t.at(f, n.Pos(), "exported %s %s has no comment", kind, n.Name))
			}
		}
	}
	return found
}
