package daemon

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
	seedTimeout = 10 * time.Second
	maxSeedList = 1 << 20 // bytes
	maxSeeds    = 10000   // addresses taken from one list
	maxBadLines = 10      // told one by one; more are counted

	seedRefresh  = 4 * time.Hour // factom-p2p 2.2, PeerReseedInterval
	seedRetry    = 5 * time.Second
	seedRetryMax = 10 * time.Minute
)

// badLine is a line of a list that is no address.
type badLine struct {
	Line int
	Err  error
}

// parseSeeds reads a list of addresses, one host:port a line. What follows # or
// ; is a comment; factomd's own lists have none (factomd 2).
func parseSeeds(text []byte) (seeds []addr.Addr, bad []badLine) {
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
			bad = append(bad, badLine{n, err})
		case !seen[a]:
			seen[a] = true
			seeds = append(seeds, a)
		}
	}
	return seeds, bad
}

// readSeedFile reads a list from a file.
func readSeedFile(path string) ([]addr.Addr, []badLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readSeeds(f)
}

func readSeeds(r io.Reader) ([]addr.Addr, []badLine, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSeedList+1))
	if err != nil {
		return nil, nil, err
	}
	if len(b) > maxSeedList {
		return nil, nil, fmt.Errorf("list: over the limit of %d bytes", maxSeedList)
	}
	seeds, bad := parseSeeds(b)
	return seeds, bad, nil
}

// fetchSeeds gets a list from the web, all of it within timeout.
func fetchSeeds(ctx context.Context, url string, timeout time.Duration) ([]addr.Addr, []badLine, error) {
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
	return readSeeds(resp.Body)
}

// seeder keeps a node supplied with the addresses of one list.
type seeder struct {
	name  string // of the list, for the log
	fetch func(context.Context) ([]addr.Addr, []badLine, error)
	learn func([]addr.Addr) error
	log   *slog.Logger
}

// run fetches until ctx is done: again after seedRefresh when there were
// addresses, and sooner, with growing pauses, when there were none.
func (s *seeder) run(ctx context.Context) {
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

func (s *seeder) once(ctx context.Context) bool {
	seeds, bad, err := s.fetch(ctx)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		s.log.Warn("seeds could not be fetched", "err", err)
		return false
	}
	logBad(s.log, s.name, bad)
	if err := s.learn(seeds); err != nil {
		s.log.Warn("seeds were not taken", "err", err)
		return false
	}
	s.log.Info("seeds fetched", "addresses", len(seeds), "bad", len(bad))
	return len(seeds) > 0
}

// logBad reports lines that are no addresses, the first few by number.
func logBad(log *slog.Logger, what string, bad []badLine) {
	for _, b := range bad[:min(len(bad), maxBadLines)] {
		log.Warn("bad line", "list", what, "line", b.Line, "err", b.Err)
	}
	if more := len(bad) - maxBadLines; more > 0 {
		log.Warn("more bad lines", "list", what, "lines", more)
	}
}
