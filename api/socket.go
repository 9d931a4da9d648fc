package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrInUse is in the tree of the error of [Listen] when another process serves
// the socket.
var ErrInUse = errors.New("another node is running")

// Listen makes the control socket at path, with mode 0600 from the first moment
// that it can be found there. A socket left by a process that is gone is
// replaced. The directory is made, with mode 0700, if it does not exist. While the
// listener is open, a lock beside the socket keeps others out; closing it
// removes the socket.
func Listen(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	ln, err := listenAt(dir, path)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	return &listener{Listener: ln, path: path, lock: lock}, nil
}

// listenAt binds in a directory that nobody else can enter, and moves the
// socket out once its mode is right: between bind and chmod the mode is whatever
// the process's umask left.
func listenAt(dir, path string) (net.Listener, error) {
	if err := stale(path); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp(dir, "p")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	at := filepath.Join(private, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err = os.Chmod(at, 0o600); err == nil {
		err = os.Rename(at, path)
	}
	if err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// stale returns an error unless path is free or a socket that nobody serves.
func stale(path string) error {
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case fi.Mode().Type() != fs.ModeSocket:
		return errors.New("a file that is no socket is in its place")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		c.Close()
		return ErrInUse
	case refused(err):
		return nil
	}
	return err
}

// listener removes what it made when it is closed.
type listener struct {
	net.Listener
	path string
	lock *os.File
}

// Close stops listening and removes the socket, if it is still ours; under the
// lock nobody else can have replaced it. The file of the lock stays, because
// removing it would let two processes lock two files of one name.
func (l *listener) Close() error {
	err := l.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return errors.Join(err, os.Remove(l.path), l.lock.Close())
}
