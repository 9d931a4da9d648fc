package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"parley/internal/freeport"
)

// What in the README's program has to do with the machine it runs on: where it listens,
// which is the port of simnet, and how long it waits.
const (
	portOfReadme = "18555"
	waitOfReadme = "time.After(time.Second * 1)"
)

// TestProgram runs the README's program and sees it print what the README means it
// to, and no timeout. It is built with another port in place of the README's, which
// may be somebody else's, and with more patience. Nothing else is changed.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-o", bin, "-overlay", overlay(t, dir), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(bin).CombinedOutput()
	if want := "outbound: received version\n"; err != nil || string(out) != want {
		t.Errorf("it printed %q, %v, want %q", out, err, want)
	}
}

// overlay has the compiler read the program with a free port and a longer wait.
func overlay(t *testing.T, dir string) (path string) {
	t.Helper()
	code, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	for old, now := range map[string]struct {
		text  string
		times int
	}{portOfReadme: {port, 2}, waitOfReadme: {"time.After(time.Minute)", 1}} {
		if n := bytes.Count(code, []byte(old)); n != now.times {
			t.Fatalf("%q is in the program %d times, want %d", old, n, now.times)
		}
		code = bytes.ReplaceAll(code, []byte(old), []byte(now.text))
	}
	original, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, "main.go")
	files, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "overlay.json")
	for name, b := range map[string][]byte{changed: code, path: files} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
