package seedsrv

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"parley/addr"
)

func mustParse(t *testing.T, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serve(t *testing.T) *Server {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return s
}

func TestFetch(t *testing.T) {
	s := serve(t)
	if got, err := Fetch(t.Context(), s.URL()); err != nil || len(got) != 0 {
		t.Errorf("an empty file gives %v, %v", got, err)
	}
	want := []addr.Addr{mustParse(t, "127.0.0.1:7001"), mustParse(t, "[::1]:7002"), mustParse(t, "host.example:7003")}
	for _, a := range want {
		s.Add(a)
	}
	if got, err := Fetch(t.Context(), s.URL()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	_, err := Fetch(t.Context(), strings.Replace(s.URL(), "seeds", "other", 1))
	if err == nil || !strings.Contains(err.Error(), http.StatusText(http.StatusNotFound)) {
		t.Errorf("another file: %v, want not found", err)
	}
}

func TestFetchStopped(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if _, err := Fetch(t.Context(), s.URL()); err == nil {
		t.Error("fetched from a server that is gone")
	}
}

func TestParse(t *testing.T) {
	got, err := parse(strings.NewReader("1.2.3.4:5\r\n\n# comment\n1.2.3.4\n:0\n[fe80::1]:6\n"))
	if err != nil || len(got) != 2 {
		t.Errorf("got %v, %v, want the two addresses", got, err)
	}
	got, err = parse(strings.NewReader(strings.Repeat("1.2.3.4:5\n", 1000)))
	if err != nil || len(got) != maxSeeds {
		t.Errorf("%d seeds, %v, limit %d", len(got), err, maxSeeds)
	}
	if _, err := parse(strings.NewReader(strings.Repeat("x", 1<<17))); err == nil {
		t.Error("a line of 128 KiB is accepted")
	}
}
