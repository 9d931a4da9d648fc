package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestProgram runs the README's program and sees it print what the README means it
// to, and no timeout. Its port is the README's: this is the one test that cannot
// choose another.
func TestProgram(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(bin).CombinedOutput()
	if want := "outbound: received version\n"; err != nil || string(out) != want {
		t.Errorf("it printed %q, %v, want %q", out, err, want)
	}
}
