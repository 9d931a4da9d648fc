// Package seeds finds the first peers of a node: in lists on the web and in files,
// and by names of hosts.
package seeds

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"parley/addr"
)

// Limits of seed lists, which are somebody else's files.
const (
	Timeout     = 10 * time.Second
	maxSeedList = 1 << 20 // bytes
	maxSeeds    = 10000   // addresses taken from one list
	maxBadLines = 10      // told one by one; more are counted

	seedRefresh  = 4 * time.Hour // factom-p2p 2.2, PeerReseedInterval
	seedRetry    = 5 * time.Second
	seedRetryMax = 10 * time.Minute
)

// Bad is a line of a list that is no address.
type Bad struct {
	Line int
	Err  error
}

// parse reads a list of addresses, one host:port a line. What follows # or
// ; is a comment; factomd's own lists have none (factomd 2).
func parse(text []byte) (seeds []addr.Addr, bad []Bad) {
	seen := map[addr.Addr]bool{}
	sc := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	sc.Buffer(nil, maxSeedList+1)
	for n := 1; sc.Scan() && len(seeds) < maxSeeds; n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		line, _, _ = strings.Cut(line, ";")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		a, err := addr.Parse(line)
		if err == nil && !a.Dialable() {
			err = fmt.Errorf("address %s can not be dialed", a)
		}
		switch {
		case err != nil:
			bad = append(bad, Bad{n, err})
		case !seen[a]:
			seen[a] = true
			seeds = append(seeds, a)
		}
	}
	return seeds, bad
}

// ReadFile reads a list from a file of at most 1 MiB. Lines that are no addresses
// are returned beside those that are.
func ReadFile(path string) ([]addr.Addr, []Bad, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return read(f)
}

func read(r io.Reader) ([]addr.Addr, []Bad, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSeedList+1))
	if err != nil {
		return nil, nil, err
	}
	if len(b) > maxSeedList {
		return nil, nil, fmt.Errorf("list: over the limit of %d bytes", maxSeedList)
	}
	seeds, bad := parse(b)
	return seeds, bad, nil
}

// Fetch gets a list from the web, all of it within timeout.
func Fetch(ctx context.Context, url string, timeout time.Duration) ([]addr.Addr, []Bad, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("get %s: %s", url, resp.Status)
	}
	return read(resp.Body)
}

// Source keeps a node supplied with the addresses of one list.
type Source struct {
	Name  string // of the list, for people
	Fetch func(context.Context) ([]addr.Addr, []Bad, error)
	Learn func([]addr.Addr) error
	Log   *slog.Logger
	Say   func(format string, args ...any) // tells people what came of it; may be nil
}

// Run fetches until ctx is done: again after seedRefresh when there were
// addresses, and sooner, with growing pauses, when there were none.
func (s *Source) Run(ctx context.Context) {
	retry := seedRetry
	for {
		pause := seedRefresh
		if s.once(ctx) {
			retry = seedRetry
		} else {
			pause = retry/2 + rand.N(retry)
			retry = min(2*retry, seedRetryMax)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Source) once(ctx context.Context) bool {
	seeds, bad, err := s.Fetch(ctx)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		s.Log.Warn("seeds could not be fetched", "from", s.Name, "err", err)
		return false
	}
	LogBad(s.Log, s.Name, bad)
	if err := s.Learn(seeds); err != nil {
		s.Log.Warn("seeds were not taken", "err", err)
		return false
	}
	s.Log.Info("seeds fetched", "from", s.Name, "addresses", len(seeds), "bad", len(bad))
	if s.Say != nil {
		s.Say("seeds %.120q: %d addresses, %d bad lines", s.Name, len(seeds), len(bad))
	}
	return len(seeds) > 0
}

// LogBad reports lines that are no addresses, the first few by number.
func LogBad(log *slog.Logger, what string, bad []Bad) {
	for _, b := range bad[:min(len(bad), maxBadLines)] {
		log.Warn("bad line", "list", what, "line", b.Line, "err", b.Err)
	}
	if more := len(bad) - maxBadLines; more > 0 {
		log.Warn("more bad lines", "list", what, "lines", more)
	}
}
