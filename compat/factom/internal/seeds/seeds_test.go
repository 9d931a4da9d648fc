package seeds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const list = "\ufeff52.17.183.121:8108\r\n\n  # a comment\nexample.org:8108 # and another\n[2001:db8::1]:1\n52.17.183.121:8108\nno port\n1.2.3.4:0\n0.0.0.0:1"

func TestFetch(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list":
			fmt.Fprint(w, list)
		case "/long":
			w.Write(make([]byte, MaxBytes+1))
		case "/lines":
			for range MaxBytes/2 + 1 {
				w.Write([]byte("#\n"))
			}
		case "/many":
			for i := range MaxSeeds + 5 {
				fmt.Fprintf(w, "10.0.%d.%d:1\n", i>>8, i&255)
			}
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{srv.URL + "/list", path, "file://" + path} {
		all, bad, err := Fetch(t.Context(), from)
		if err != nil || fmt.Sprint(all) != "[52.17.183.121:8108 example.org:8108 [2001:db8::1]:1]" {
			t.Errorf("%s: %v, %v", from, all, err)
		}
		var where []int
		for _, b := range bad {
			where = append(where, b.Line)
		}
		if fmt.Sprint(where) != "[7 8 9]" {
			t.Errorf("%s: bad lines %v", from, bad)
		}
	}
	if all, _, err := Fetch(t.Context(), srv.URL+"/many"); len(all) != MaxSeeds || err != nil {
		t.Errorf("%d of too many, %v", len(all), err)
	}
	if _, _, err := Fetch(t.Context(), srv.URL+"/lines"); !errors.Is(err, ErrLong) {
		t.Errorf("too many lines: %v", err)
	}
	for _, from := range []string{srv.URL + "/none", srv.URL + "/long", path + "x", "http://", "https://127.0.0.1:1/", "http://[bad"} {
		if _, _, err := Fetch(t.Context(), from); err == nil {
			t.Errorf("%s was read", from)
		}
	}
}

// A server that never answers is left when the context is done.
func TestFetchGivesUp(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	if err := Lines(ctx, srv.URL, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1.2.3.4:5 # x")
	f.Fuzz(func(t *testing.T, line string) {
		a, ok, err := parse(line)
		if ok == (err != nil) && ok {
			t.Errorf("%q is %v and an error, %v", line, a, err)
		}
		if ok && !a.Dialable() {
			t.Errorf("%q is %v, which nobody can dial", line, a)
		}
		if ok && strings.HasPrefix(strings.TrimSpace(line), "#") {
			t.Errorf("the comment %q is an address", line)
		}
	})
}
