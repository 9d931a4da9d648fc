package dialecttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"parley/dialect"
	"parley/dialect/toy"
)

// recorder is a reporter that remembers what it was told.
type recorder struct{ lines []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// complaints runs one check on a dialect.
func complaints(t *testing.T, name string, d dialect.Dialect, opts Options) string {
	t.Helper()
	i := slices.IndexFunc(checks, func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("no check is called %s", name)
	}
	var r recorder
	checks[i].run(&suite{reporter: &r, d: d, opts: opts})
	return strings.Join(r.lines, "\n")
}

var toyOptions = Options{App: toy.App, MaxBody: 100_000}

func TestToyPasses(t *testing.T) {
	Run(t, newToy(), toyOptions)
}

func TestPackerPasses(t *testing.T) {
	if got := complaints(t, "codec/pack", withPacker(0), toyOptions); got != "" {
		t.Errorf("a packer that keeps all messages: %s", got)
	}
}

// planted is a dialect with one fault, the check that must find it, and a part
// of what that says.
type planted struct {
	check, wants string
	d            broken
}

func finds(t *testing.T, all []planted) {
	for _, p := range all {
		t.Run(p.wants, func(t *testing.T) {
			if got := complaints(t, p.check, p.d, toyOptions); !strings.Contains(got, p.wants) {
				t.Errorf("%s complains:\n%.500s\nwant %q", p.check, got, p.wants)
			}
		})
	}
}
