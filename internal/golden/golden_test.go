package golden

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// write puts compressed text into a file.
func write(t *testing.T, path, text string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ends notes that a test was ended.
type ends struct {
	testing.TB
	ended bool
}

func (e *ends) end() {
	e.ended = true
	runtime.Goexit()
}

func (e *ends) Fatal(...any)          { e.end() }
func (e *ends) Fatalf(string, ...any) { e.end() }

// wantEnd calls f with a test that it is to end.
func wantEnd(t *testing.T, what string, f func(testing.TB)) {
	t.Helper()
	e, done := &ends{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		f(e)
	}()
	if <-done; !e.ended {
		t.Errorf("%s: the test goes on", what)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("good.json.gz"), `{"Frames": ["00 ff"]}`)
	write(t, at("cut.json.gz"), `{"Frames": [`)
	if err := os.WriteFile(at("plain.json.gz"), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var got struct{ Frames []string }
	if Load(t, at("good"), &got); !slices.Equal(got.Frames, []string{"00 ff"}) {
		t.Errorf("loaded %q", got.Frames)
	}
	for _, name := range []string{"cut", "plain", "absent", "good.json.gz"} {
		wantEnd(t, name, func(t testing.TB) { Load(t, at(name), &got) })
	}
}

func TestMatch(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"b_two.json.gz", "b_one.json.gz", "a.json.gz", "b_three.json"} {
		write(t, at(name), "{}")
	}
	if got, want := Match(t, at("b_*"), 2), []string{at("b_one"), at("b_two")}; !slices.Equal(got, want) {
		t.Errorf("matches are %q, want %q", got, want)
	}
	wantEnd(t, "more than there are", func(t testing.TB) { Match(t, at("b_*"), 3) })
	wantEnd(t, "fewer than there are", func(t testing.TB) { Match(t, at("*"), 2) })
	wantEnd(t, "no pattern", func(t testing.TB) { Match(t, at("["), 0) })
}

func TestBytes(t *testing.T) {
	for digits, want := range map[string][]byte{"": {}, "00fF": {0, 255}, "0 1 02 03": {1, 2, 3}} {
		if got := Bytes(t, digits); !bytes.Equal(got, want) {
			t.Errorf("%q is % x, want % x", digits, got, want)
		}
	}
	for _, digits := range []string{"0", "0x", "zz"} {
		wantEnd(t, digits, func(t testing.TB) { Bytes(t, digits) })
	}
}
