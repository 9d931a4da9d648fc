// Package golden reads recorded files: JSON, compressed with gzip, of what real
// nodes wrote and did. It is for tests and fuzz targets, which it ends at the first
// thing that is not as it should be.
package golden

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ending = ".json.gz"

// Load decodes a file into v, which is what json.Unmarshal takes. The path lacks
// the ending .json.gz.
func Load(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path + ending)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(path, err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatal(path, err)
	}
}

// Match returns the paths that a pattern of filepath.Match fits, as Load takes them
// and in their order. There must be so many of them: a file that no test reads, or
// that is gone, is an error.
func Match(t testing.TB, pattern string, want int) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern + ending)
	if err != nil || len(paths) != want {
		t.Fatalf("%d files match %s, want %d; error %v", len(paths), pattern, want, err)
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(p, ending)
	}
	return paths
}

// Bytes returns what hexadecimal digits stand for. Spaces between them say nothing.
func Bytes(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", digits, err)
	}
	return b
}
