package seeds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/addr"
)

func place(t *testing.T, s string) addr.Addr {
	t.Helper()
	var a addr.Addr
	if err := a.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestParseSeeds(t *testing.T) {
	const list = "\ufeff# seeds of the network\r\n" +
		"1.2.3.4:5678\r\n" +
		"\n" +
		"  seed.example:8108   ; the first\n" +
		"nonsense\n" +
		"[2001:db8::1]:8108 # IPv6\n" +
		"1.2.3.4:5678\n" +
		"0.0.0.0:1\n" +
		"1.2.3.4:70000\n" +
		"5.6.7.8:1" // no newline at the end
	seeds, bad := parse([]byte(list))
	want := []addr.Addr{place(t, "1.2.3.4:5678"), place(t, "seed.example:8108"), place(t, "[2001:db8::1]:8108"), place(t, "5.6.7.8:1")}
	if !slices.Equal(seeds, want) {
		t.Errorf("seeds are %v, want %v", seeds, want)
	}
	var lines []int
	for _, b := range bad {
		lines = append(lines, b.Line)
	}
	if !slices.Equal(lines, []int{5, 8, 9}) {
		t.Errorf("bad lines are %v (%v), want 5, 8 and 9", lines, bad)
	}
}

func TestSeedsAreLimited(t *testing.T) {
	var b bytes.Buffer
	for i := range maxSeeds + 10 {
		fmt.Fprintf(&b, "10.%d.%d.1:1\n", i>>8&255, i&255)
	}
	if seeds, _ := parse(b.Bytes()); len(seeds) != maxSeeds {
		t.Errorf("%d seeds were taken, want %d", len(seeds), maxSeeds)
	}
}

func TestFetchSeeds(t *testing.T) {
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "# x\n1.2.3.4:5\nbad\n") })
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "1.2.3.4:5", 500) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		for range maxSeedList/10 + 1 {
			if _, err := fmt.Fprint(w, "1.2.3.4:5\n"); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/stall", func(http.ResponseWriter, *http.Request) { <-release })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "1.2.3.4:5\n")
		w.(http.Flusher).Flush()
		<-release
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer close(release)
	for _, tt := range []struct {
		path, want string
		timeout    time.Duration
	}{
		{"/good", "", time.Minute},
		{"/500", "500 Internal Server Error", time.Minute},
		{"/missing", "404 Not Found", time.Minute},
		{"/huge", "over the limit of 1048576 bytes", time.Minute},
		{"/loop", "stopped after 10 redirects", time.Minute},
		{"/stall", "deadline exceeded", 10 * time.Millisecond},
		{"/half", "deadline exceeded", 50 * time.Millisecond},
	} {
		seeds, bad, err := Fetch(t.Context(), srv.URL+tt.path, tt.timeout)
		switch {
		case tt.want == "" && (err != nil || len(seeds) != 1 || len(bad) != 1 || bad[0].Line != 3):
			t.Errorf("%s: %v, %v, %v; want one seed and line 3 bad", tt.path, seeds, bad, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || seeds != nil):
			t.Errorf("%s: %v, %v; want the error %q", tt.path, seeds, err, tt.want)
		}
	}
	srv.Client().CloseIdleConnections()
}

func TestReadSeedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seeds")
	if err := os.WriteFile(path, []byte("1.2.3.4:5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if seeds, bad, err := ReadFile(path); err != nil || len(seeds) != 1 || bad != nil {
		t.Errorf("%v, %v, %v; want one seed", seeds, bad, err)
	}
	if _, _, err := ReadFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want that the file does not exist", err)
	}
}

// TestSeeder lets the list fail, be empty, be there, and fail again, and looks at
// when it is asked for.
func TestSeeder(t *testing.T) { synctest.Test(t, testSeeder) }

func testSeeder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	one := []addr.Addr{place(t, "1.2.3.4:5")}
	fail := errors.New("down")
	answers := []struct {
		seeds []addr.Addr
		err   error
		pause [2]time.Duration // least and most until the next
	}{
		{nil, fail, [2]time.Duration{seedRetry / 2, seedRetry * 3 / 2}},
		{nil, fail, [2]time.Duration{seedRetry, 3 * seedRetry}},
		{nil, nil, [2]time.Duration{2 * seedRetry, 6 * seedRetry}}, // an empty list is not worth keeping
		{one, nil, [2]time.Duration{seedRefresh, seedRefresh}},
		{one, nil, [2]time.Duration{seedRefresh, seedRefresh}},
		{nil, fail, [2]time.Duration{seedRetry / 2, seedRetry * 3 / 2}}, // the pause starts over
	}
	n, learned := 0, 0
	last := time.Now()
	s := Source{Log: slog.New(slog.DiscardHandler)}
	s.Fetch = func(context.Context) ([]addr.Addr, []Bad, error) {
		if n > 0 {
			p := answers[n-1].pause
			if waited := time.Since(last); waited < p[0] || waited > p[1] {
				t.Errorf("after answer %d it waits %s, want %s to %s", n-1, waited, p[0], p[1])
			}
		}
		last = time.Now()
		n++
		if n > len(answers) {
			cancel()
			return nil, nil, ctx.Err()
		}
		return answers[n-1].seeds, nil, answers[n-1].err
	}
	s.Learn = func(as []addr.Addr) error { learned += len(as); return nil }
	s.Run(ctx)
	if learned != 2 || n != len(answers)+1 {
		t.Errorf("%d addresses learned in %d fetches, want 2 in %d", learned, n, len(answers)+1)
	}
}

func TestSeederRetriesForEver(t *testing.T) { synctest.Test(t, testSeederRetriesForEver) }

func testSeederRetriesForEver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	n := 0
	s := Source{Log: slog.New(slog.DiscardHandler), Fetch: func(context.Context) ([]addr.Addr, []Bad, error) {
		n++
		return nil, nil, errors.New("down")
	}}
	s.Run(ctx)
	if n < 24*60/15 || n > 24*60/5+20 {
		t.Errorf("%d fetches in a day, want one in about ten minutes", n)
	}
}

func TestBadLinesAreReported(t *testing.T) {
	var b bytes.Buffer
	bad := make([]Bad, maxBadLines+3)
	for i := range bad {
		bad[i] = Bad{i + 1, addr.ErrNoPort}
	}
	LogBad(slog.New(slog.NewTextHandler(&b, nil)), "x", bad)
	if got := strings.Count(b.String(), "line="); got != maxBadLines {
		t.Errorf("%d lines are told one by one, want %d", got, maxBadLines)
	}
	if !strings.Contains(b.String(), "lines=3") {
		t.Errorf("the rest is not counted:\n%s", &b)
	}
}

// FuzzSeeds checks that whatever is taken from a list could be dialed and would
// be taken again, and that nothing is counted twice.
func FuzzSeeds(f *testing.F) {
	f.Add([]byte("# x\n1.2.3.4:5\n[::1]:6 ; y\nhost:7\nbad\n"))
	f.Fuzz(func(t *testing.T, list []byte) {
		seeds, bad := parse(list)
		if lines := bytes.Count(list, []byte("\n")) + 1; len(seeds)+len(bad) > lines {
			t.Errorf("%d seeds and %d bad lines in %d lines", len(seeds), len(bad), lines)
		}
		var again bytes.Buffer
		for _, a := range seeds {
			if !a.Dialable() {
				t.Errorf("%s can not be dialed", a)
			}
			fmt.Fprintln(&again, a)
		}
		if got, bad := parse(again.Bytes()); !slices.Equal(got, seeds) || bad != nil {
			t.Errorf("%v reads back as %v, with %v bad", seeds, got, bad)
		}
	})
}
