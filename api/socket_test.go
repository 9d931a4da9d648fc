package api

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode()
}

func TestSocketMode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(dir, "control.sock")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != fs.ModeSocket|0o600 {
		t.Errorf("mode of the socket is %s, want that its owner alone can use it", got)
	}
	if got := mode(t, dir); got != fs.ModeDir|0o700 {
		t.Errorf("mode of the directory is %s, want that its owner alone can enter it", got)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "control.sock.lock" {
		t.Errorf("%v is left (%v), want the lock alone", left, err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	for range 2 { // the second time there is nothing to replace
		ln, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLiveSocketIsKept(t *testing.T) {
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours")
	ln, err := Listen(ours)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := Listen(ours); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one gets %v, want that another node is running", err)
	}
	foreign := filepath.Join(dir, "foreign") // served, but without our lock
	other, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := Listen(foreign); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one gets %v, want that another node is running", err)
	}
	if c, err := net.Dial("unix", foreign); err != nil {
		t.Errorf("the one that was there answers no more: %v", err)
	} else {
		c.Close()
	}
}

func TestOtherFilesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a file was replaced by a socket, want an error")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q (%v), want what was in it", b, err)
	}
}

func TestTooLongPath(t *testing.T) {
	dir := t.TempDir()
	for len(dir) < 120 {
		dir = filepath.Join(dir, "deeper")
	}
	if _, err := Listen(filepath.Join(dir, "s")); err == nil {
		t.Error("a path longer than a socket can have was taken")
	}
}
