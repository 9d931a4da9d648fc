package puretest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recorder is a Reporter that remembers what it was told.
type recorder struct{ lines []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

// wanted reads the comments that say what is wrong with a line.
func wanted(t *testing.T, path string) (lines []string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		n++
		_, list, _ := strings.Cut(s.Text(), "// want ")
		for _, m := range quoted.FindAllStringSubmatch(list, -1) {
			lines = append(lines, fmt.Sprintf("%s:%d: %s", filepath.Base(path), n, m[1]))
		}
	}
	return lines
}

func TestFindsEveryPlantedFault(t *testing.T) {
	var r recorder
	Check(&r, "testdata/bad")
	var got []string
	for _, l := range r.lines {
		got = append(got, strings.TrimPrefix(l, filepath.Dir(l[:strings.Index(l, ":")])+"/"))
	}
	want := wanted(t, "testdata/bad/bad.go")
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAcceptsWhatIsPure(t *testing.T) {
	Check(t, "testdata/good")
}

func TestSaysWhatItCannotRead(t *testing.T) {
	for _, dir := range []string{"testdata/broken", "testdata/none"} {
		var r recorder
		Check(&r, dir)
		if len(r.lines) != 1 || !strings.HasPrefix(r.lines[0], "purity: go list") {
			t.Errorf("%s gives %q, want one complaint of the go command", dir, r.lines)
		}
	}
}
