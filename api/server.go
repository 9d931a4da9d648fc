package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"parley/node"
)

// Limits of a server. They bound what one user can make its own node do by
// mistake; strangers do not get past the socket's mode.
const (
	maxBody     = 64 << 10 // bytes of a request's body
	maxHeader   = 16 << 10
	maxRequests = 16   // at once; others are told to come back
	maxEnded    = 1000 // what a node remembers

	readTimeout  = 5 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 30 * time.Second
	askTimeout   = 5 * time.Second // for the node's answer
	stopTimeout  = 2 * time.Second // for requests under way when Run ends

	defaultSample = 5 * time.Second
)

// Config says what a server serves.
type Config struct {
	Node    *node.Node           // required
	About   About                // what the node does not know about itself
	Limits  func() Limits        // the limits in force; nil for none known
	BanTime func() time.Duration // for a ban that names no time; nil for a day
	Log     *slog.Logger         // nil is silent
	Sample  time.Duration        // pause between measurements of the rates: 5s
}

// About is what a status says besides the node's own state.
type About struct {
	Name    string
	Version string // of the program
	Dialect string // as it was configured; empty for the node's word for it
	Network Network
}

// Server answers questions about one node and acts on it. It is safe for
// concurrent use.
type Server struct {
	cfg   Config
	rates rates
	busy  atomic.Int32 // requests being answered
}

// New returns a server that does nothing until Run.
func New(cfg Config) *Server {
	if cfg.Sample <= 0 {
		cfg.Sample = defaultSample
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.BanTime == nil {
		cfg.BanTime = func() time.Duration { return 24 * time.Hour }
	}
	if cfg.Limits == nil {
		cfg.Limits = func() Limits { return Limits{} }
	}
	return &Server{cfg: cfg}
}

// Run serves everything on control, and metrics alone on metrics unless that is
// nil, until ctx is done or control is closed. It closes both, and returns when every goroutine it
// started has ended.
func (s *Server) Run(ctx context.Context, control, metrics net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.sample(ctx) })
	if metrics != nil {
		wg.Go(func() {
			if err := s.serve(ctx, metrics, localOnly(s.metricsOnly())); err != nil {
				s.cfg.Log.Error("metrics are not served any more", "err", err)
			}
		})
	}
	err := s.serve(ctx, control, s.routes())
	cancel()
	return err
}

// serve runs one HTTP server until ctx is done.
func (s *Server) serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           s.limited(h),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ended := make(chan struct{})
	defer close(ended)
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if srv.Shutdown(wait) != nil {
			srv.Close()
		}
	})
	err := srv.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// limited answers at most maxRequests at once.
func (s *Server) limited(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.busy.Add(-1)
		if s.busy.Add(1) > maxRequests {
			problem(w, http.StatusServiceUnavailable, "busy: too many requests at once")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h.ServeHTTP(w, r)
	})
}

// sample measures until ctx is done.
func (s *Server) sample(ctx context.Context) {
	select {
	case <-s.cfg.Node.Ready():
	case <-ctx.Done():
		return
	}
	t := time.NewTicker(s.cfg.Sample)
	defer t.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		snap, err := s.cfg.Node.Snapshot(ask)
		cancel()
		if err == nil {
			s.rates.add(snap)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// localOnly refuses requests that name another host than this machine, so that
// a web page can not read a loopback server through a name of its own.
func localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			problem(w, http.StatusForbidden, "host: only localhost and loopback addresses")
			return
		}
		h.ServeHTTP(w, r)
	})
}
