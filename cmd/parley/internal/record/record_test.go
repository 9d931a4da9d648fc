package record

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, path string) (lines []Line) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var l Line
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "j")
	now := time.Now().UTC()
	for range 2 { // the second appends
		r, err := Open(path, 1<<20, 4)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Write([]Line{
			{Time: now, Link: 3, Addr: "1.2.3.4:5", Peer: "x\n", Type: 0x22, Kind: "channel 0x22", Size: 6, Body: []byte("abcdef")},
			{Time: now, Link: 4, Kind: "tx"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := r.Write([]Line{{}}); err != nil {
			t.Errorf("after the end: %v", err)
		}
	}
	lines := read(t, path)
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4", len(lines))
	}
	if l := lines[2]; !l.Time.Equal(now) || l.Link != 3 || l.Peer != "x\n" || l.Size != 6 || !bytes.Equal(l.Body, []byte("abcd")) {
		t.Errorf("read back as %+v", l)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", fi.Mode(), err)
	}
}

// TestIsBounded writes far more than fits.
func TestIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	const limit = 4096
	r, err := Open(path, limit, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 500 {
		batch := slices.Repeat([]Line{{Link: uint64(i), Body: make([]byte, 200)}}, 1+i%20)
		if err := r.Write(batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{path, path + ".1"} {
		fi, err := os.Stat(p)
		if err != nil || fi.Size() > limit || fi.Size() == 0 {
			t.Errorf("%s has %d bytes, limit %d: %v", p, fi.Size(), limit, err)
		}
		read(t, p) // whole lines alone
	}
	if lines := read(t, path); lines[len(lines)-1].Link != 499 {
		t.Errorf("the last line is of %d, want 499", lines[len(lines)-1].Link)
	}
}

// TestErrorEndsIt takes the directory away.
func TestErrorEndsIt(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(filepath.Join(dir, "d", "j"), 300, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	line := []Line{{Body: make([]byte, 100)}}
	if err := r.Write(line); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(line); err == nil {
		t.Error("a journal that can not be renamed goes on")
	}
	if err := r.Write(line); err != nil {
		t.Errorf("it complains again: %v", err)
	}
	if _, err := Open(dir, 300, 100); err == nil {
		t.Error("a directory was opened")
	}
}
