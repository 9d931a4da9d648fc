//go:build unix

package api

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks the file at path for as long as it is open, or says that
// another process has it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
