package p2p

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The lists in testdata. api.txt is made from the documentation of the original;
// absent.txt is what of it is not there on purpose, and extra.txt what is there
// besides.
func TestDocumentedAPI(t *testing.T) {
	api, absent, extra := lines(t, "api.txt"), lines(t, "absent.txt"), lines(t, "extra.txt")
	got := exported(t)
	for _, x := range absent {
		if !slices.Contains(api, x) {
			t.Errorf("absent.txt: %q is not documented", x)
		}
		if slices.Contains(got, x) {
			t.Errorf("absent.txt: %q is there", x)
		}
	}
	for _, x := range api {
		if !slices.Contains(got, x) && !slices.Contains(absent, x) {
			t.Errorf("documented, but not there: %s", x)
		}
	}
	for _, x := range extra {
		if !slices.Contains(got, x) {
			t.Errorf("extra.txt: %q is not there", x)
		}
		if slices.Contains(api, x) {
			t.Errorf("extra.txt: %q is documented", x)
		}
	}
	for _, x := range got {
		if !slices.Contains(api, x) && !slices.Contains(extra, x) {
			t.Errorf("there, but not documented nor an extra: %s", x)
		}
	}
}

func lines(t *testing.T, name string) (all []string) {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return all
}

// exported lists everything that this package exports.
func exported(t *testing.T) []string {
	fset := token.NewFileSet()
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range names {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	c := types.Config{Importer: importer.ForCompiler(fset, "gc", exports(t))}
	pkg, err := c.Check("p2p", fset, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return describe(pkg)
}

// exports returns what opens the export data of this package's dependencies.
func exports(t *testing.T) importer.Lookup {
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		at[p.ImportPath] = p.Export
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(at[path]) }
}

// describe returns a line for every exported constant, variable, function, type,
// field and method.
func describe(pkg *types.Package) (all []string) {
	short := func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Name()
	}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, name := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Const:
			add("const %s %s = %s", name, types.TypeString(o.Type(), short), o.Val().ExactString())
		case *types.Var:
			add("var %s %s", name, types.TypeString(o.Type(), short))
		case *types.Func:
			add("func %s%s", name, signature(o, short))
		case *types.TypeName:
			describeType(o, short, add)
		}
	}
	slices.Sort(all)
	return all
}

func describeType(o *types.TypeName, short types.Qualifier, add func(string, ...any)) {
	name := o.Name()
	switch u := o.Type().Underlying().(type) {
	case *types.Struct:
		add("type %s struct", name)
		for i := range u.NumFields() {
			if f := u.Field(i); f.Exported() {
				tag := cmp.Or(u.Tag(i), "-")
				add("field %s.%s %s `%s`", name, f.Name(), types.TypeString(f.Type(), short), tag)
			}
		}
	case *types.Interface:
		add("type %s interface", name)
		for i := range u.NumMethods() {
			add("method %s.%s%s", name, u.Method(i).Name(), signature(u.Method(i), short))
		}
		return
	default:
		add("type %s %s", name, types.TypeString(u, short))
	}
	set := types.NewMethodSet(types.NewPointer(o.Type()))
	for i := range set.Len() {
		f := set.At(i).Obj().(*types.Func)
		if !f.Exported() || len(set.At(i).Index()) > 1 {
			continue
		}
		recv := types.TypeString(f.Signature().Recv().Type(), short)
		add("method (%s) %s%s", recv, f.Name(), signature(f, short))
	}
}

// signature returns the types of parameters and results, without their names.
func signature(f *types.Func, short types.Qualifier) string {
	bare := func(t *types.Tuple) *types.Tuple {
		var vs []*types.Var
		for v := range t.Variables() {
			vs = append(vs, types.NewParam(0, nil, "", v.Type()))
		}
		return types.NewTuple(vs...)
	}
	s := f.Signature()
	s = types.NewSignatureType(nil, nil, nil, bare(s.Params()), bare(s.Results()), s.Variadic())
	return strings.TrimPrefix(types.TypeString(s, short), "func")
}
