// Package seedsrv serves and fetches seed files: lists of addresses, one on a
// line, from which a node of a network without fixed links starts.
package seedsrv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"parley/addr"
)

// Limits of a fetched seed file and of the server's requests.
const (
	maxFile   = 64 << 10 // bytes of a file that are read
	maxSeeds  = 256      // addresses taken from it
	maxHeader = 4 << 10  // bytes of a request's header
	patience  = 5 * time.Second
)

// Server serves a seed file on loopback. Its methods are safe for concurrent
// use.
type Server struct {
	l net.Listener // immutable

	mu    sync.Mutex
	seeds []addr.Addr // guarded by mu
}

// Listen returns a server on a free port of 127.0.0.1. Connections wait until
// Serve is called.
func Listen() (*Server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("seed server: %w", err)
	}
	return &Server{l: l}, nil
}

// URL returns where the file is.
func (s *Server) URL() string { return "http://" + s.l.Addr().String() + "/seeds.txt" }

// Add appends an address to the file.
func (s *Server) Add(a addr.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeds = append(s.seeds, a)
}

// Serve answers requests until ctx is done, and closes the listener.
func (s *Server) Serve(ctx context.Context) error {
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.file),
		ReadHeaderTimeout: patience,
		WriteTimeout:      patience,
		IdleTimeout:       patience,
		MaxHeaderBytes:    maxHeader,
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(s.l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("seed server: %w", err)
	}
	return nil
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/seeds.txt" {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	var text strings.Builder
	for _, a := range s.seeds {
		fmt.Fprintln(&text, a)
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, text.String())
}

// Fetch reads a seed file: at most 256 addresses from its first 64 KiB. Blank
// lines and lines that are no address are passed over, as every reader of such
// files does.
func Fetch(ctx context.Context, url string) ([]addr.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("seed file: %w", err)
	}
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("seed file: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("seed file %s: %s", url, resp.Status)
	}
	return parse(io.LimitReader(resp.Body, maxFile))
}

func parse(r io.Reader) ([]addr.Addr, error) {
	var seeds []addr.Addr
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(seeds) < maxSeeds {
		if a, err := addr.Parse(strings.TrimSpace(lines.Text())); err == nil {
			seeds = append(seeds, a)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("seed file: %w", err)
	}
	return seeds, nil
}
