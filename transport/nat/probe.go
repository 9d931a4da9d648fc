package nat

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/addr"
)

// Answer is what a test showed.
type Answer uint8

// The answers; Unknown if the test could not be made.
const (
	Unknown Answer = iota
	No
	Yes
)

var answersText = [...]string{"unknown", "no", "yes"}

// String returns unknown, no or yes.
func (a Answer) String() string { return answersText[min(a, Yes)] }

// MarshalText returns unknown, no or yes.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Report is what Probe found out, one Finding for each protocol it tried, the
// preferred first.
type Report struct {
	Findings []Finding `json:"protocols"`
}

// Finding is what Probe found out with one protocol.
type Finding struct {
	Protocol Protocol       `json:"protocol"`
	Found    bool           `json:"found"`     // a gateway answers
	Gateway  netip.Addr     `json:"gateway"`   // its address on this side
	Local    netip.Addr     `json:"local"`     // ours towards it
	External netip.AddrPort `json:"external"`  // of the mapping tried; without a mapping, port 0 and what the gateway said
	Lifetime time.Duration  `json:"lifetime"`  // what the gateway gave, in nanoseconds; 0 lasts until it is removed
	Mapped   bool           `json:"mapped"`    // the mapping tried was made
	Hairpin  Answer         `json:"hairpin"`   // whether the external address can be dialed from this side
	Double   bool           `json:"doubleNat"` // the external address is private: there is another NAT behind the gateway
	Err      error          `json:"-"`         // why it went no further, an *Error
	Why      string         `json:"why"`       // the same in words
}

// Best returns the preferred finding with a mapping that peers can reach.
func (r *Report) Best() (Finding, bool) {
	for _, f := range r.Findings {
		if f.Mapped && !f.Double {
			return f, true
		}
	}
	return Finding{}, false
}

// trialLifetime is for how long a mapping is made that is removed at once.
const trialLifetime = 2 * time.Minute

// Probe looks for gateways that speak p, or with Any all protocols side by side,
// and tries with each to map a port, to dial it through the gateway, and to
// remove it again. It takes a few times n's Timeout at most. With None the
// report is empty.
func Probe(ctx context.Context, n Network, p Protocol) *Report {
	found := n.searchAll(ctx, p)
	r := &Report{Findings: make([]Finding, len(found))}
	var wg sync.WaitGroup
	for i, s := range found {
		f := &r.Findings[i]
		f.Protocol = s.protocol
		if s.err != nil {
			f.fail(s.err)
			continue
		}
		wg.Go(func() { f.try(ctx, n.timeout(), s.gateway) })
	}
	wg.Wait()
	return r
}

func (f *Finding) fail(err error) { f.Err, f.Why = err, err.Error() }

// try makes a mapping to a listener of its own, and takes both back.
func (f *Finding) try(ctx context.Context, each time.Duration, g *Gateway) {
	f.Found, f.Gateway, f.Local = true, g.addr, g.local
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: g.local.AsSlice()})
	if err != nil {
		f.fail(err)
		return
	}
	defer ln.Close()
	short, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	port := uint16(ln.Addr().(*net.TCPAddr).Port)
	l, err := g.Map(short, Request{Port: port, Lifetime: trialLifetime, Name: DefaultName + " probe"})
	if err != nil {
		f.fail(err)
		if a, err := g.External(short); err == nil {
			f.outside(netip.AddrPortFrom(a, 0))
		}
		return
	}
	f.Mapped, f.Lifetime = true, l.Lifetime
	f.outside(l.External)
	f.Hairpin = Hairpin(ctx, ln, l.External, each)
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), each)
	defer stop()
	if err := g.Unmap(end, l); err != nil {
		f.fail(err)
	}
}

func (f *Finding) outside(a netip.AddrPort) {
	f.External = a
	f.Double = !addr.FromAddrPort(netip.AddrPortFrom(a.Addr(), max(a.Port(), 1))).Routable()
}

// tokenSize is how many random bytes go through the gateway and back.
const tokenSize = 16

// maxKnocks is how many connections are looked at: the port is open to all.
const maxKnocks = 8

// Hairpin dials an external address that is mapped to ln and reports whether
// what is sent there arrives at ln within the time given. It takes every
// connection to ln meanwhile, and leaves ln with a deadline that is over, so ln
// should serve nothing else.
func Hairpin(ctx context.Context, ln *net.TCPListener, external netip.AddrPort, within time.Duration) Answer {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	token := make([]byte, tokenSize)
	rand.Read(token)
	arrived := false
	var wg sync.WaitGroup
	wg.Go(func() { arrived = awaitToken(ctx, ln, token, cancel) })
	sendToken(ctx, external, token)
	cancel()
	wg.Wait()
	if arrived {
		return Yes
	}
	return No
}

// sendToken sends the token and keeps the connection until ctx is done, which
// is when the token arrived or time is over. A failure shows in that nothing arrives.
func sendToken(ctx context.Context, to netip.AddrPort, token []byte) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp4", to.String())
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := c.Write(token); err == nil {
		<-ctx.Done()
	}
}

// awaitToken reports whether a connection to ln brings the token, and calls
// arrived at once when one does. It returns when ctx is done.
func awaitToken(ctx context.Context, ln net.Listener, token []byte, arrived func()) bool {
	var found atomic.Bool
	var wg sync.WaitGroup
	for range maxKnocks {
		c, err := ln.Accept()
		if err != nil {
			break
		}
		wg.Go(func() {
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
			defer stop()
			b := make([]byte, len(token))
			if _, err := io.ReadFull(c, b); err == nil && bytes.Equal(b, token) {
				found.Store(true)
				arrived()
			}
		})
	}
	wg.Wait()
	return found.Load()
}
