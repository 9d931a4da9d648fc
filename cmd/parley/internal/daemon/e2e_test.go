package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"parley/api"
	"parley/cmd/parley/internal/seeds"
	"parley/config"
)

// screen collects output and lets a test wait for some of it.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
	more *sync.Cond
}

func newScreen() *screen {
	s := &screen{}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.more.Broadcast()
	return s.text.Write(p)
}

// wait returns once want was printed, or is stopped by the test's own time limit.
func (s *screen) wait(want string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.text.String(), want) {
		s.more.Wait()
	}
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a daemon of a test.
type running struct {
	*daemon
	out  *screen
	logs *screen
	end  chan os.Signal
	over chan error // delivers what run returned
}

// launch runs a daemon with the given flags until it is ended.
func launch(t *testing.T, file string, given ...config.Given) *running {
	t.Helper()
	return launchWith(t, file, nil, append([]config.Given{
		{Name: "network", Text: "custom"}, {Name: "custom-network", Text: "test"}, {Name: "listen", Text: "127.0.0.1:0"},
		{Name: "log-level", Text: "debug"}, {Name: "log-format", Text: "json"},
	}, given...))
}

// launchWith is launch without flags of its own, and with a resolver of names if it
// is not nil.
func launchWith(t *testing.T, file string, names seeds.Resolver, given []config.Given) *running {
	t.Helper()
	o := config.Options{File: file, Env: os.Environ(), Flags: given}
	r := &running{out: newScreen(), logs: newScreen(), end: make(chan os.Signal, 1), over: make(chan error, 1)}
	d, err := newDaemon(func() (*config.Settings, error) { return config.Load(o) }, r.out, r.logs)
	if err != nil {
		t.Fatal(err)
	}
	if names != nil {
		d.names = names
	}
	r.daemon = d
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() { r.over <- d.run(ctx, r.end, nil) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	<-d.node.Ready()
	return r
}

func (r *running) at() string { return r.node.Listening()[0].String() }

// stop ends a daemon in order.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.end <- os.Interrupt
	if err := <-r.over; err != nil {
		t.Errorf("an orderly end returns %v", err)
	}
}

// ask runs a client command with --json and decodes what it prints.
func ask[T any](t *testing.T, dir string, args ...string) *T {
	t.Helper()
	out, errs, code := parley(t.Context(), append(args, "--json", "--data-dir", dir)...)
	if code != 0 {
		t.Fatalf("parley %q exits with %d: %s", args, code, errs)
	}
	v := new(T)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestTwoNodes runs two nodes that find each other by a seed file, looks at them
// through the commands, bans one and lets it back in, and ends them.
func TestTwoNodes(t *testing.T) {
	home := alone(t)
	first, second := filepath.Join(home, "1"), filepath.Join(home, "2")
	a := launch(t, "", config.Given{Name: "data-dir", Text: first}, config.Given{Name: "metrics", Text: "127.0.0.1:0"})
	list := filepath.Join(home, "seeds")
	if err := os.WriteFile(list, []byte("# the first\nbad\n"+a.at()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := launch(t, "", config.Given{Name: "data-dir", Text: second}, config.Given{Name: "seed-file", Text: list}, config.Given{Name: "dialect", Text: "factom/10"})
	a.out.wait("join ")
	b.out.wait("join ")

	st := ask[api.Status](t, first, "status")
	if st.Links.In != 1 || st.Links.Out != 0 || *st.Limits.In != 36 || st.Network.Name != "CUSTOM test" || st.Dialect != "factom/11" || st.Listen[0] != a.at() {
		t.Errorf("the first node's status is %+v", st)
	}
	if ps := ask[api.Peers](t, second, "peers"); len(ps.Peers) != 1 || !ps.Peers[0].Out || ps.Peers[0].Addr != a.at() || *ps.Peers[0].Version != 10 {
		t.Errorf("the second node's peers are %+v, want the first alone, with version 10", ps.Peers)
	}
	for _, args := range [][]string{{"status"}, {"peers"}, {"peers", "--closed"}, {"bans"}} {
		if out, errs, code := parley(t.Context(), append(args, "--data-dir", first)...); code != 0 || len(out) == 0 {
			t.Errorf("parley %q prints %q and exits with %d: %s", args, out, code, errs)
		}
	}
	metrics(t, "http://"+a.metrics.Addr().String()+"/metrics")

	if r := ask[api.BanResult](t, first, "ban", "--for", "1h", "--why", "test", "127.0.0.1"); r.Ended != 1 {
		t.Errorf("the ban ended %d links, want 1", r.Ended)
	}
	a.out.wait("leave ")
	b.out.wait("leave ")
	a.logs.wait(`"why":"ban: banned"`) // the link has gone, not only been told to
	if bs := ask[api.Bans](t, first, "bans"); len(bs.Bans) != 1 || *bs.Bans[0].Addr != "127.0.0.1" || *bs.Bans[0].Why != "test" {
		t.Errorf("bans are %+v", bs.Bans)
	}
	if es := ask[api.Closed](t, first, "peers", "--closed"); !slices.ContainsFunc(es.Closed, func(e api.Ended) bool { return e.WasUp && e.Why != "" }) {
		t.Errorf("links that ended are %+v, want that of the banned node with a reason", es.Closed)
	}
	if r := ask[api.UnbanResult](t, first, "unban", "127.0.0.1"); !r.Lifted {
		t.Error("the ban was not lifted")
	}
	if _, errs, code := parley(t.Context(), "unban", "127.0.0.1", "--data-dir", first); code != 1 || !strings.Contains(errs, "there is no such ban") {
		t.Errorf("lifting it again exits with %d and %q", code, errs)
	}
	b.stop(t)
	a.stop(t)
	if _, _, code := parley(t.Context(), "status", "--data-dir", first); code != exitUnreachable {
		t.Errorf("asking a node that ended exits with %d, want %d", code, exitUnreachable)
	}
	if _, err := os.Stat(filepath.Join(first, "custom-9f86d081-peers.json")); err != nil {
		t.Errorf("nothing was saved: %v", err)
	}
}

func metrics(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(b), "parley_") {
		t.Errorf("metrics are %.100q, error %v", b, err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// TestSecondNodeIsKeptOut starts a node where another runs.
func TestSecondNodeIsKeptOut(t *testing.T) {
	dir := filepath.Join(alone(t), "d")
	a := launch(t, "", config.Given{Name: "data-dir", Text: dir})
	_, errs, code := parley(t.Context(), "node", "--data-dir", dir, "--listen", "none")
	if code != exitError || !strings.Contains(errs, "another node is running") {
		t.Errorf("a second node exits with %d and %q", code, errs)
	}
	a.stop(t)
}

// TestPortInUse starts a node whose port is taken: that is an error, not a node
// that nobody can reach.
func TestPortInUse(t *testing.T) {
	home := alone(t)
	a := launch(t, "", config.Given{Name: "data-dir", Text: filepath.Join(home, "1")})
	dir := filepath.Join(home, "2")
	_, errs, code := parley(t.Context(), "node", "--data-dir", dir, "--listen", a.at(), "--seed-url", "")
	if code != exitError || !strings.Contains(errs, "address already in use") {
		t.Errorf("a node whose port is taken exits with %d and %q", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "control.sock")); !os.IsNotExist(err) {
		t.Errorf("its socket is left: %v", err)
	}
	a.stop(t)
}

// TestReload changes the configuration under a running node.
func TestReload(t *testing.T) {
	home := alone(t)
	file, bans := filepath.Join(home, "p.toml"), filepath.Join(home, "bans")
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := launch(t, "", config.Given{Name: "data-dir", Text: filepath.Join(home, "o")})
	put(bans, "10.0.0.1\n")
	put(file, "ban = [\"10.0.0.2\"]\nbans_file = \""+bans+"\"\ninbound = 5\n")
	dir := filepath.Join(home, "d")
	a := launch(t, file, config.Given{Name: "data-dir", Text: dir})
	wantBans(t, dir, "10.0.0.1", "10.0.0.2")

	put(bans, "10.0.0.3\n")
	put(file, "ban = [\"10.0.0.2\"]\nbans_file = \""+bans+"\"\ninbound = 6\nspecial_peers = [\""+other.at()+"\"]\noutbox = \"1MiB\"\n")
	changed, err := a.reload(t.Context())
	if err != nil || !slices.Equal(changed, []string{"special-peers", "inbound"}) {
		t.Errorf("changed are %q (%v), want special-peers and inbound", changed, err)
	}
	a.out.wait("join ")
	wantBans(t, dir, "10.0.0.2", "10.0.0.3")
	if st := ask[api.Status](t, dir, "status"); *st.Limits.In != 6 || st.Links.Special != 1 {
		t.Errorf("status is %+v, want at most 6 inbound links, and one special", st)
	}

	for text, want := range map[string]string{
		"inbound = -1\n":              "inbound: \"-1\": want a number",
		"enable_net = false\n":        "enable-net changed: that needs a restart",
		"bans_file = \"/nonexist\"\n": "bans-file:",
	} {
		put(file, text)
		if _, err := a.reload(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %s", text, err, want)
		}
		a.reread(t.Context())
	}
	a.out.wait("configuration was not reread: ")
	wantBans(t, dir, "10.0.0.2", "10.0.0.3")
	a.stop(t)
	other.stop(t)
}

func wantBans(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, b := range ask[api.Bans](t, dir, "bans").Bans {
		got = append(got, *b.Addr)
	}
	if !slices.Equal(got, want) {
		t.Errorf("bans are %v, want %v", got, want)
	}
}

// TestFor runs the command itself for a moment, without a network. Whether it gets to
// say where it listens by then is up to the machine.
func TestFor(t *testing.T) {
	dir := filepath.Join(alone(t), "d")
	out, errs, code := parley(t.Context(), "node", "-enablenet=false", "--data-dir", dir, "--for", "50ms", "--status-every", "1s")
	if code != 0 || !strings.Contains(out, "leaving: the time is over") {
		t.Errorf("it prints %q and exits with %d: %s", out, code, errs)
	}
}

// TestWithoutNetwork lets a node say that it listens nowhere.
func TestWithoutNetwork(t *testing.T) {
	a := launch(t, "", flags("data-dir", filepath.Join(alone(t), "d"), "enablenet", "false")...)
	a.out.wait("listens at nowhere")
	a.stop(t)
}

// TestSeedURL lets a node find another by a list on the web.
func TestSeedURL(t *testing.T) {
	home := alone(t)
	a := launch(t, "", config.Given{Name: "data-dir", Text: filepath.Join(home, "1")})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "; seeds\n%s\n", a.at())
	}))
	defer srv.Close()
	b := launch(t, "", config.Given{Name: "data-dir", Text: filepath.Join(home, "2")}, config.Given{Name: "seed-url", Text: srv.URL})
	b.out.wait("join ")
	b.stop(t)
	a.stop(t)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
