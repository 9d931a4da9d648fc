package p2p

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/golden"
)

// page reads the documentation of the package.
func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/factom.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testsIn lists the tests of a directory.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	all := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
			all[string(m[1])] = true
		}
	}
	return all
}

// Every hazard of the original has a row in the documentation, and every test
// named there exists; where it can be, it is named after the hazard.
func TestEveryHazardHasItsTest(t *testing.T) {
	here := testsIn(t, "compat/factom")
	rows := regexp.MustCompile(`(?m)^\| (H\d+) \|.*\| (.*) \|$`).FindAllStringSubmatch(page(t), -1)
	for i, r := range rows {
		hazard := fmt.Sprint("H", i+1)
		if r[1] != hazard {
			t.Fatalf("row %d is of %s, want %s", i+1, r[1], hazard)
		}
		names := regexp.MustCompile("Test\\w+").FindAllString(r[2], -1)
		after := func(name string) bool {
			rest, ok := strings.CutPrefix(name, "Test"+hazard)
			return ok && rest != "" && (rest[0] < '0' || rest[0] > '9')
		}
		if !slices.ContainsFunc(names, after) {
			t.Errorf("%s has the tests %q, none of which is named after it", hazard, names)
		}
		for name := range here {
			if after(name) && !slices.Contains(names, name) {
				t.Errorf("%s has no mention of %s", hazard, name)
			}
		}
	}
	if len(rows) != 26 {
		t.Errorf("%d hazards, want 26", len(rows))
	}
}

// Every test that the documentation names exists, and every recording that
// tests have is named there.
func TestDocumentedTestsExist(t *testing.T) {
	all := map[string]bool{}
	for _, dir := range []string{"compat/factom", "dialect/factom", "internal/e2e", "core", "node", "sim"} {
		for name := range testsIn(t, dir) {
			all[name] = true
		}
	}
	text := page(t)
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(text, -1) {
		if !all[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
	for _, path := range golden.Match(t, "../../dialect/factom/testdata/legacy/*", 18) {
		name := filepath.Base(path)
		if !strings.Contains(text, "`"+name+"`") && !strings.HasPrefix(name, "stream_v9") {
			t.Errorf("the recording %s is not named", name)
		}
	}
}
