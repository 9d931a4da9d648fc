package nat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Defaults of Request.
const (
	DefaultLifetime = time.Hour
	DefaultName     = "parley"
)

// Request says what to map. Zero fields mean the default given with each.
type Request struct {
	Port     uint16        // on this machine; required
	UDP      bool          // TCP otherwise
	Wish     uint16        // external port to ask for; the gateway may give another: Port
	Lifetime time.Duration // to ask for, at least a second; the gateway may give less: 1 hour; negative for the longest there is
	Name     string        // what UPnP gateways show to their owner: "parley"
}

func (r Request) filled() Request {
	r.Wish = cmp.Or(r.Wish, r.Port)
	if r.Lifetime >= 0 {
		r.Lifetime = max(cmp.Or(r.Lifetime, DefaultLifetime), time.Second)
	}
	r.Name = cmp.Or(r.Name, DefaultName)
	return r
}

// longest is what to ask for where a lifetime can not be without end.
const longest = 7 * 24 * time.Hour

func (r Request) seconds() uint32 {
	d := r.Lifetime
	if d < 0 {
		d = longest
	}
	return uint32(min(int64(d/time.Second), 1<<31-1))
}

// Lease is a mapping that a gateway made.
type Lease struct {
	Port     uint16
	UDP      bool
	External netip.AddrPort
	Lifetime time.Duration // from when it was made; 0 lasts until it is removed
}

// client speaks one protocol with one gateway.
type client interface {
	external(ctx context.Context) (netip.Addr, error)
	add(ctx context.Context, r Request) (Lease, error)
	remove(ctx context.Context, l Lease) error
	// check returns an error that wraps ErrLost if the gateway can not have l any more.
	check(ctx context.Context, l Lease) error
}

// Gateway is a gateway that answered, spoken to in one protocol. It is not safe
// for concurrent use. Its methods return an *Error soon after ctx is done: at
// once but for NAT-PMP, which may take a second more.
type Gateway struct {
	protocol Protocol
	addr     netip.Addr
	local    netip.Addr
	where    func() (netip.Addr, error) // this machine's address by now
	client   client
}

// Protocol returns the protocol it speaks.
func (g *Gateway) Protocol() Protocol { return g.protocol }

// Addr returns its address on this side.
func (g *Gateway) Addr() netip.Addr { return g.addr }

// Local returns this machine's address as the gateway knows it.
func (g *Gateway) Local() netip.Addr { return g.local }

// External returns the gateway's address on the other side. With PCP, which can
// not be asked, it makes and removes a mapping of UDP port 9 to learn it.
func (g *Gateway) External(ctx context.Context) (netip.Addr, error) {
	a, err := g.client.external(ctx)
	return a, g.failed("external address", err)
}

// Map makes a mapping, or renews one of the same port.
func (g *Gateway) Map(ctx context.Context, r Request) (Lease, error) {
	if r.Port == 0 {
		return Lease{}, g.failed("map", errors.New("port: 0"))
	}
	l, err := g.client.add(ctx, r.filled())
	return l, g.failed("map", err)
}

// Unmap removes a mapping. One that the gateway does not have counts as removed.
func (g *Gateway) Unmap(ctx context.Context, l Lease) error {
	return g.failed("unmap", g.client.remove(ctx, l))
}

// Check asks whether a mapping made by this Gateway still stands. The error
// wraps ErrLost if not, and ErrMoved if the mapping leads to an address that
// this machine no longer has; any other error means that the question was not
// answered.
func (g *Gateway) Check(ctx context.Context, l Lease) error {
	if local, err := g.where(); err == nil && local != g.local {
		return g.failed("check", fmt.Errorf("%w to %v", ErrMoved, local))
	}
	return g.failed("check", g.client.check(ctx, l))
}

func (g *Gateway) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Protocol: g.protocol, Op: op, Err: err}
}
