package puretest_test

import (
	"fmt"
	"path/filepath"

	"parley/internal/puretest"
)

// printer shows what a test would report.
type printer struct{}

func (printer) Helper() {}

func (printer) Errorf(format string, args ...any) {
	fmt.Println(filepath.Base(fmt.Sprintf(format, args...)))
}

// A test of a pure package passes its *testing.T.
func ExampleCheck() {
	puretest.Check(printer{}, "testdata/one")
	// Output: one.go:7: uses time.Now
}
