package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"parley/addr"
	"parley/fault"
	"parley/stats"
)

// Limits of bans.
const (
	maxWhy  = 200 // bytes of a reason
	maxPeer = 256 // bytes of an identity
	maxBan  = 10 * 365 * 24 * time.Hour
)

var errDropped = fault.New(fault.Local, "drop", errors.New("by request of the operator"))

// httpError is an error with the status to answer with.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", answer(func(r *http.Request) (*Status, error) { return s.Status(r.Context()) }))
	mux.HandleFunc("GET /v1/peers", answer(s.peers))
	mux.HandleFunc("GET /v1/peers/closed", answer(s.closed))
	mux.HandleFunc("GET /v1/bans", answer(s.bans))
	mux.HandleFunc("POST /v1/ban", answer(s.ban))
	mux.HandleFunc("POST /v1/unban", answer(s.unban))
	mux.HandleFunc("POST /v1/drop", answer(s.drop))
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, fmt.Sprintf("%s %.100s: no such endpoint", r.Method, r.URL.Path))
	})
	return mux
}

func (s *Server) metricsOnly() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	return mux
}

// answer turns a function into a handler that writes what it returns as JSON.
func answer[T any](f func(*http.Request) (*T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if he, ok := errors.AsType[*httpError](err); ok {
			problem(w, he.status, he.text)
			return
		}
		if err != nil {
			problem(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		write(w, http.StatusOK, v)
	}
}

func problem(w http.ResponseWriter, status int, text string) { write(w, status, &Problem{text}) }

func write[T any](w http.ResponseWriter, status int, v *T) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The client is gone if this fails, and there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}

// read takes a request's body, which must be one JSON value of known fields.
func read[T any](r *http.Request) (*T, error) {
	b, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("body: over the limit of %d bytes", maxBody)}
	}
	if err != nil {
		return nil, bad("body: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	v := new(T)
	if err := d.Decode(v); err != nil {
		return nil, bad("body: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad("body: more than one value")
	}
	return v, nil
}

func (s *Server) snapshot(ctx context.Context) (*stats.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.cfg.Node.Snapshot(ctx)
}

// told returns where others are told to dial the node, or nil if that is where it
// listens, so that they need to know no more than where they see it.
func (s *Server) told() *string {
	told := s.cfg.Node.Self().Listen
	for _, at := range s.cfg.Node.Listening() {
		if told == at || told.HostText() == "" && told.Port == at.Port {
			return nil
		}
	}
	return known(string(told.AppendTo(nil)))
}

// Status returns what GET /v1/status answers.
func (s *Server) Status(ctx context.Context) (*Status, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	about := s.cfg.About
	st := &Status{
		Time: snap.Time, Since: snap.Since, Name: about.Name, Version: about.Version, PID: os.Getpid(),
		Dialect: cmp.Or(about.Dialect, snap.Dialect), Network: about.Network, Listen: append([]string{}, snap.Listen...), Advertise: s.told(),
		Limits: s.cfg.Limits(), Known: snap.Known, Bans: len(snap.Bans), Rounds: snap.Rounds,
		Total: Totals(snap.Total), Faults: snap.Faults,
	}
	if st.Faults == nil {
		st.Faults = map[string]uint64{}
	}
	st.Rate, _ = s.rates.get()
	for i := range snap.Links {
		st.Links.count(&snap.Links[i])
	}
	return st, nil
}

func (l *Links) count(r *stats.LinkRow) {
	switch {
	case r.Opening:
		l.Opening++
		return
	case r.Dialed:
		l.Out++
	default:
		l.In++
	}
	if r.Always {
		l.Special++
	}
}

func (s *Server) peers(r *http.Request) (*Peers, error) {
	snap, err := s.snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	_, rate := s.rates.get()
	ps := make([]Peer, len(snap.Links))
	for i := range snap.Links {
		ps[i] = peerOf(&snap.Links[i], rate[snap.Links[i].ID])
	}
	return &Peers{snap.Time, ps}, nil
}

func (s *Server) closed(r *http.Request) (*Closed, error) {
	n := maxEnded
	if q := r.URL.Query().Get("max"); q != "" {
		var err error
		if n, err = strconv.Atoi(q); err != nil || n < 1 || n > maxEnded {
			return nil, bad("max: %.20q: want a number from 1 to %d", q, maxEnded)
		}
	}
	list := s.cfg.Node.Ended(n)
	es := make([]Ended, len(list))
	for i := range list {
		es[i] = endedOf(&list[i])
	}
	return &Closed{es}, nil
}

func (s *Server) bans(r *http.Request) (*Bans, error) {
	snap, err := s.snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	bs := make([]Ban, len(snap.Bans))
	for i, b := range snap.Bans {
		bs[i] = Ban{known(b.Addr), known(b.Peer), b.Until, known(b.Why)}
	}
	return &Bans{bs}, nil
}

func (s *Server) ban(r *http.Request) (*BanResult, error) {
	q, err := read[BanRequest](r)
	if err != nil {
		return nil, err
	}
	a, err := whom(q.Addr, q.Peer)
	if err != nil {
		return nil, err
	}
	d := s.cfg.BanTime()
	if q.For != "" {
		if d, err = time.ParseDuration(q.For); err != nil || d < time.Second || d > maxBan {
			return nil, bad("for: %.40q: want a duration from 1s to %s", q.For, maxBan)
		}
	}
	if len(q.Why) > maxWhy {
		return nil, bad("why: %d bytes, limit %d", len(q.Why), maxWhy)
	}
	until := time.Now().Add(d)
	n, err := s.cfg.Node.Ban(a, q.Peer, d, q.Why)
	return &BanResult{n, until}, err
}

func (s *Server) unban(r *http.Request) (*UnbanResult, error) {
	q, err := read[UnbanRequest](r)
	if err != nil {
		return nil, err
	}
	a, err := whom(q.Addr, q.Peer)
	if err != nil {
		return nil, err
	}
	lifted, err := s.cfg.Node.Unban(a, q.Peer)
	return &UnbanResult{lifted > 0}, err
}

func (s *Server) drop(r *http.Request) (*DropResult, error) {
	q, err := read[DropRequest](r)
	if err != nil {
		return nil, err
	}
	for l := range s.cfg.Node.Links() {
		if uint64(l.ID()) == q.ID {
			l.Close(errDropped)
			return &DropResult{true}, nil
		}
	}
	return &DropResult{}, nil
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	snap, err := s.snapshot(r.Context())
	if err != nil {
		problem(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	// The client is gone if this fails, and there is nobody left to tell.
	_ = stats.WritePrometheus(w, snap)
}

// whom checks whom a request names, and reads the address if it has one.
func whom(at, peer string) (addr.Addr, error) {
	switch {
	case len(peer) > maxPeer:
		return addr.Addr{}, bad("peer: %d bytes, limit %d", len(peer), maxPeer)
	case at == "" && peer != "":
		return addr.Addr{}, nil
	}
	return machine(at)
}

// machine reads an address, or a host for a whole machine.
func machine(s string) (addr.Addr, error) {
	var a addr.Addr
	if err := a.UnmarshalText([]byte(s)); err == nil && !a.IsZero() {
		return a, nil
	}
	a, err := addr.Join(s, "1")
	if err != nil {
		return a, bad("addr: %.80q: want host:port, or a host", s)
	}
	return a.HostOnly(), nil
}

// isLocal reports whether a Host header names this machine.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
