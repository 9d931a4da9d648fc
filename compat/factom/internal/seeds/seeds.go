// Package seeds reads lists of addresses, one host:port a line, from the web or
// from a file.
package seeds

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"parley/addr"
)

// Limits of lists, which are somebody else's files.
const (
	Timeout  = 30 * time.Second // for all of a list from the web
	MaxBytes = 1 << 20
	MaxSeeds = 10000 // addresses taken from one list
)

// ErrLong means that a list is over MaxBytes.
var ErrLong = errors.New("list is too long")

// Bad is a line that is no address.
type Bad struct {
	Line int // from 1
	Err  error
}

// Fetch reads a list from an http, https or file URL, or a path.
func Fetch(ctx context.Context, from string) ([]addr.Addr, []Bad, error) {
	var all []addr.Addr
	var bad []Bad
	seen := map[addr.Addr]bool{}
	n := 0
	err := Lines(ctx, from, func(line string) {
		n++
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		a, ok, err := parse(line)
		switch {
		case err != nil:
			bad = append(bad, Bad{n, err})
		case ok && !seen[a] && len(all) < MaxSeeds:
			seen[a] = true
			all = append(all, a)
		}
	})
	return all, bad, err
}

// parse reads a line. What follows # is a comment.
func parse(line string) (a addr.Addr, ok bool, err error) {
	line, _, _ = strings.Cut(line, "#")
	if line = strings.TrimSpace(line); line == "" {
		return a, false, nil
	}
	if a, err = addr.Parse(line); err == nil && !a.Dialable() {
		err = fmt.Errorf("address %s can not be dialed", a)
	}
	return a, err == nil, err
}

// Lines calls f with every line of a list.
func Lines(ctx context.Context, from string, f func(line string)) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r, err := open(ctx, from)
	if err != nil {
		return err
	}
	defer r.Close()
	in := &io.LimitedReader{R: r, N: MaxBytes + 1}
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, MaxBytes)
	for sc.Scan() {
		f(sc.Text())
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("list %s: %w", from, err)
	}
	if in.N == 0 {
		return fmt.Errorf("list %s: %w: limit %d bytes", from, ErrLong, MaxBytes)
	}
	return nil
}

func open(ctx context.Context, from string) (io.ReadCloser, error) {
	if path, ok := strings.CutPrefix(from, "file://"); ok {
		return os.Open(path)
	}
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		return os.Open(from)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("list %s: %s", from, resp.Status)
	}
	return resp.Body, nil
}
