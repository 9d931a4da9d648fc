package p2p

import (
	"go/build"
	"os"
	"slices"
	"strings"
	"testing"

	"parley/internal/structure"
)

// This module is checked like the one around it, which does not look inside.
func TestStructure(t *testing.T) {
	tree, err := structure.Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages()) < 3 {
		t.Fatalf("only %v was read", tree.Packages())
	}
	for _, found := range [][]structure.Finding{tree.Sizes(), tree.Docs(), tree.Habits(), tree.Words()} {
		for _, f := range found {
			t.Error(f)
		}
	}
}

// arrows are the packages of the engine that this facade may import: it owns no
// networking.
var arrows = strings.Fields("addr core dialect dialect/factom dialect/factom/gobwire fault node route stats transport wire")

func TestArrows(t *testing.T) {
	for _, dir := range []string{".", "internal/recent", "internal/reserve", "internal/seeds"} {
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range p.Imports {
			ours, is := strings.CutPrefix(path, "parley/")
			switch {
			case strings.HasPrefix(ours, "compat/factom/internal/"):
			case is && !slices.Contains(arrows, ours):
				t.Errorf("%s imports %s", dir, path)
			case strings.Contains(path, ".") && !strings.HasPrefix(path, "github.com/prometheus/"):
				t.Errorf("%s imports %s", dir, path)
			}
		}
	}
}
