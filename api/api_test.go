package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/node"
	"parley/transport/mem"
)

// joins tells a test when links come up and go down.
type joins struct{ up, down chan struct{} }

func (j joins) Peer(_ *node.Link, up bool, _ error) {
	c := j.down
	if up {
		c = j.up
	}
	select {
	case c <- struct{}{}:
	default:
	}
}
func (joins) Note(*node.Link, any)                  {}
func (joins) Receive(*node.Link, []dialect.Message) {}

func at(t *testing.T, s string) addr.Addr {
	t.Helper()
	a, err := addr.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// start runs a node at an address of an in-memory network until the test ends.
func start(t *testing.T, net *mem.Network, at addr.Addr, h node.Handler, seeds ...addr.Addr) *node.Node {
	t.Helper()
	n, err := node.New(node.Config{
		Dialect:   toy.New(toy.Config{}),
		Transport: net.From(at),
		Handler:   h,
		Listen:    []addr.Addr{at},
		Seeds:     seeds,
		Core:      core.Config{Inbound: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	<-n.Ready()
	return n
}

// world is a served node with one inbound link, and a client of it.
type world struct {
	node   *node.Node
	joins  joins
	client *Client
	path   string
	raw    *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	net := mem.New(0)
	a, b := at(t, "10.0.0.1:1"), at(t, "10.0.0.2:2")
	w := &world{joins: joins{make(chan struct{}, 1), make(chan struct{}, 1)}, path: filepath.Join(t.TempDir(), "s")}
	w.node = start(t, net, a, w.joins)
	start(t, net, b, nil, a)
	<-w.joins.up
	w.client = NewClient(w.path)
	w.raw = &http.Client{Transport: w.client.http.Transport}
	serve(t, w.path, Config{Node: w.node, About: About{Name: "n", Version: "v", Network: Network{"LOCAL", "0x00beaded"}}})
	return w
}

// serve runs a server until the test ends.
func serve(t *testing.T, path string, cfg Config) {
	t.Helper()
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := New(cfg).Run(ctx, ln, nil); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	st, err := w.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Dialect != "toy" || st.Network.ID != "0x00beaded" || st.Links != (Links{In: 1}) || st.Limits.In != nil || st.PID == 0 {
		t.Errorf("status is %+v", st)
	}
	if len(st.Listen) != 1 || st.Listen[0] != "10.0.0.1:1" || st.Advertise != nil {
		t.Errorf("listens at %v, advertises %v", st.Listen, st.Advertise)
	}
	for _, c := range []struct{ tell, want string }{{"1.2.3.4:5", "1.2.3.4:5"}, {"10.0.0.1:7", "10.0.0.1:7"}, {"10.0.0.1:1", ""}} {
		w.node.Advertise(at(t, c.tell)) // as when a gateway maps a port
		if st, err = w.client.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if (st.Advertise != nil) != (c.want != "") || st.Advertise != nil && *st.Advertise != c.want {
			t.Errorf("told to say %s, it says that others are told %v, want %q", c.tell, st.Advertise, c.want)
		}
	}
}

func TestPeersBansAndClosed(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	ps, err := w.client.Peers(ctx)
	if err != nil || len(ps.Peers) != 1 {
		t.Fatalf("peers are %+v, error %v; want one", ps, err)
	}
	p := ps.Peers[0]
	if p.Out || p.Opening || p.Version == nil || p.Total == nil || !strings.HasPrefix(p.Addr, "10.0.0.2:") {
		t.Errorf("peer is %+v", p)
	}
	ban, err := w.client.Ban(ctx, BanRequest{Addr: "10.0.0.2", For: "1h", Why: "test"})
	if err != nil || ban.Ended != 1 {
		t.Fatalf("ban: %+v, %v; want one link ended", ban, err)
	}
	<-w.joins.down
	bans, err := w.client.Bans(ctx)
	if err != nil || len(bans.Bans) != 1 || *bans.Bans[0].Addr != "10.0.0.2" || *bans.Bans[0].Why != "test" {
		t.Errorf("bans are %+v, error %v", bans, err)
	}
	for range 2 { // the second time there is nothing to lift
		un, err := w.client.Unban(ctx, UnbanRequest{Addr: "10.0.0.2"})
		if err != nil || un.Lifted != (bans != nil) {
			t.Errorf("unban: %+v, %v", un, err)
		}
		bans = nil
	}
}

// An identity can be banned alone, and is let in again by itself.
func TestBanOfAnIdentity(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	ps, err := w.client.Peers(ctx)
	if err != nil || len(ps.Peers) != 1 || ps.Peers[0].Peer == nil {
		t.Fatalf("peers are %+v, error %v; want one with an identity", ps, err)
	}
	id := *ps.Peers[0].Peer
	if r, err := w.client.Ban(ctx, BanRequest{Peer: id}); err != nil || r.Ended != 1 {
		t.Fatalf("ban: %+v, %v; want one link ended", r, err)
	}
	<-w.joins.down
	bans, err := w.client.Bans(ctx)
	if err != nil || len(bans.Bans) != 1 || bans.Bans[0].Addr != nil || *bans.Bans[0].Peer != id {
		t.Errorf("bans are %+v, error %v", bans, err)
	}
	for _, q := range []UnbanRequest{{Addr: "10.0.0.2"}, {Peer: "x"}, {Addr: "10.0.0.2", Peer: id}} {
		if r, err := w.client.Unban(ctx, q); err != nil || r.Lifted != (q.Peer == id) {
			t.Errorf("unban %+v: %+v, %v", q, r, err)
		}
	}
}

func TestDrop(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	ps, err := w.client.Peers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := ps.Peers[0].ID
	if r, err := w.client.Drop(ctx, DropRequest{id}); err != nil || !r.Dropped {
		t.Errorf("drop: %+v, %v", r, err)
	}
	<-w.joins.down
	eventually(t, "the dropped link shows among those that ended, with its reason", func() bool {
		es, err := w.client.Closed(ctx, 1000)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(es.Closed, func(e Ended) bool {
			return e.ID == id && e.WasUp && e.Kind == "local" && strings.Contains(e.Why, "by request of the operator") && e.InBytes != nil
		})
	})
}

// eventually asks until ok, which a node is to make true soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	const patience = time.Minute
	for start := time.Now(); !ok(); {
		if time.Since(start) > patience {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v1/nothing", "", 404, "no such endpoint"},
		{"GET", "/v1/peers/closed?max=0", "", 400, `max: "0": want a number from 1 to 1000`},
		{"GET", "/v1/peers/closed?max=1001", "", 400, "want a number from 1 to 1000"},
		{"POST", "/v1/ban", `{"addr":":::"}`, 400, `addr: ":::": want host:port, or a host`},
		{"POST", "/v1/ban", `{"addr":""}`, 400, "want host:port, or a host"},
		{"POST", "/v1/ban", `{"addr":"-","peer":"x"}`, 400, "want host:port, or a host"},
		{"POST", "/v1/unban", `{}`, 400, "want host:port, or a host"},
		{"POST", "/v1/ban", `{"peer":"` + strings.Repeat("x", 257) + `"}`, 400, "peer: 257 bytes, limit 256"},
		{"POST", "/v1/ban", `{"addr":"1.2.3.4","for":"1ms"}`, 400, `for: "1ms": want a duration from 1s`},
		{"POST", "/v1/ban", `{"addr":"1.2.3.4","for":"ever"}`, 400, `for: "ever": want a duration`},
		{"POST", "/v1/ban", `{"addr":"1.2.3.4","why":"` + strings.Repeat("x", 201) + `"}`, 400, "why: 201 bytes, limit 200"},
		{"POST", "/v1/ban", `{"adr":"1.2.3.4"}`, 400, `unknown field "adr"`},
		{"POST", "/v1/unban", `{"addr":"1.2.3.4"}{}`, 400, "more than one value"},
		{"POST", "/v1/drop", `{"id":-1}`, 400, "body: json"},
		{"POST", "/v1/drop", `{"id":1` + strings.Repeat(" ", maxBody), 413, "over the limit of 65536 bytes"},
	} {
		req, err := http.NewRequest(tt.method, "http://parley"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.raw.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.Contains(p.Error, tt.want) {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", tt.method, tt.path, tt.body, resp.StatusCode, p.Error, tt.status, tt.want)
		}
	}
	resp, err := w.raw.Post("http://parley/v1/status", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		t.Error("a status can be posted, want it to be refused")
	}
}

func TestUnreachable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, want that no node answers at the path", err)
	}
}

func TestNodeThatDoesNotRun(t *testing.T) {
	n, err := node.New(node.Config{Dialect: toy.New(toy.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New(Config{Node: n}).Status(ctx); err == nil {
		t.Error("a node that does not run has a status, want an error")
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	control, err := Listen(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		if err := New(Config{Node: w.node}).Run(ctx, control, ln); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		path, host string
		status     int
		want       string
	}{
		{"/metrics", "", 200, "parley_"},
		{"/metrics", "localhost:1", 200, "parley_"},
		{"/metrics", "[::1]:1", 200, "parley_"},
		{"/metrics", "attacker.example", 403, "only localhost"},
		{"/v1/status", "", 404, ""},
		{"/v1/ban", "", 404, ""},
	} {
		req, err := http.NewRequest("GET", "http://"+ln.Addr().String()+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || !bytes.Contains(b, []byte(tt.want)) {
			t.Errorf("%s for %q: %d %.80s, want %d %s", tt.path, tt.host, resp.StatusCode, b, tt.status, tt.want)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestBusy(t *testing.T) {
	s := New(Config{})
	in, out := make(chan struct{}), make(chan struct{})
	h := s.limited(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		in <- struct{}{}
		<-out
	}))
	var wg sync.WaitGroup
	for range maxRequests {
		wg.Go(func() { h.ServeHTTP(&answerTo{}, &http.Request{Body: http.NoBody}) })
		<-in
	}
	late := &answerTo{}
	h.ServeHTTP(late, &http.Request{Body: http.NoBody})
	if late.status != http.StatusServiceUnavailable {
		t.Errorf("one request too many gets %d, want 503", late.status)
	}
	close(out)
	wg.Wait()
	if n := s.busy.Load(); n != 0 {
		t.Errorf("%d requests are counted as under way, want none", n)
	}
}

// answerTo is the least a handler can write to.
type answerTo struct {
	bytes.Buffer
	status int
}

func (a *answerTo) Header() http.Header    { return http.Header{} }
func (a *answerTo) WriteHeader(status int) { a.status = status }

// TestRunEnds stops a server while a client holds a connection and says nothing.
func TestRunEnds(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := New(Config{Node: w.node, Sample: time.Millisecond}).Run(ctx, ln, nil); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /v1/status HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rates are known", func() bool {
		st, err := NewClient(path).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Rate != nil
	})
	stop()
	wg.Wait()
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error is %v, want nobody to answer", err)
	}
}
