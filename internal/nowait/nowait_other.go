//go:build !unix

package nowait

import "errors"

const works = false

func write(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func read(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }
