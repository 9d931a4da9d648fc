package nat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
)

// natpmpTurn is how long one call of the library may last, in which it repeats
// itself twice. It knows no contexts, so questions are asked in turns.
const natpmpTurn = time.Second

// natpmpClient speaks NAT-PMP from one address to one gateway.
type natpmpClient struct {
	gateway, local netip.Addr
	epochs         epochs
	restarted      bool // noticed, but not reported by check yet
}

func (n Network) findNATPMP(ctx context.Context) (*Gateway, error) {
	gw, local, err := n.gateway()
	if err != nil {
		return nil, err
	}
	c := &natpmpClient{gateway: gw, local: local}
	// A gateway without an address is a gateway; what it lacks shows when it is asked for more.
	if _, err := c.external(ctx); err != nil && !isRefusal(err) && !errors.Is(err, ErrNoAddress) {
		return nil, err
	}
	return &Gateway{protocol: NATPMP, addr: gw, local: local, where: n.from(gw), client: c}, nil
}

func (c *natpmpClient) external(ctx context.Context) (netip.Addr, error) {
	res, err := ask(ctx, c, (*natpmp.Client).GetExternalAddress)
	if err != nil {
		return netip.Addr{}, err
	}
	c.seen(res.SecondsSinceStartOfEpoc)
	addr := netip.AddrFrom4(res.ExternalIPAddress)
	if addr.IsUnspecified() {
		return netip.Addr{}, ErrNoAddress
	}
	return addr, nil
}

func (c *natpmpClient) add(ctx context.Context, r Request) (Lease, error) {
	addr, err := c.external(ctx)
	if err != nil {
		return Lease{}, err
	}
	res, err := c.mapping(ctx, r.Port, r.UDP, r.Wish, r.seconds())
	if err != nil {
		return Lease{}, err
	}
	if res.MappedExternalPort == 0 || res.PortMappingLifetimeInSeconds == 0 {
		return Lease{}, wrong("map: external port %d, lifetime %d", res.MappedExternalPort, res.PortMappingLifetimeInSeconds)
	}
	c.restarted = false // whatever was lost is made anew by this
	return Lease{
		Port: r.Port, UDP: r.UDP, Lifetime: time.Duration(res.PortMappingLifetimeInSeconds) * time.Second,
		External: netip.AddrPortFrom(addr, res.MappedExternalPort),
	}, nil
}

func (c *natpmpClient) remove(ctx context.Context, l Lease) error {
	_, err := c.mapping(ctx, l.Port, l.UDP, 0, 0)
	return err
}

func (c *natpmpClient) mapping(ctx context.Context, port uint16, udp bool, wish uint16, seconds uint32) (*natpmp.AddPortMappingResult, error) {
	proto := "tcp"
	if udp {
		proto = "udp"
	}
	res, err := ask(ctx, c, func(lib *natpmp.Client) (*natpmp.AddPortMappingResult, error) {
		return lib.AddPortMapping(proto, int(port), int(wish), int(seconds))
	})
	if err != nil {
		return nil, err
	}
	if res.InternalPort != port {
		return nil, wrong("map: of port %d, asked for %d", res.InternalPort, port)
	}
	c.seen(res.SecondsSinceStartOfEpoc)
	return res, nil
}

func (c *natpmpClient) seen(epoch uint32) {
	if c.epochs.seen(time.Now(), epoch) {
		c.restarted = true
	}
}

func (c *natpmpClient) check(ctx context.Context, l Lease) error {
	addr, err := c.external(ctx)
	switch {
	case err != nil:
		return err
	case c.restarted:
		return lost("the gateway restarted")
	case addr != l.External.Addr():
		return lost("the external address changed to %v", addr)
	}
	return nil
}

// ask calls f in turns until it answers or ctx is done.
func ask[T any](ctx context.Context, c *natpmpClient, f func(*natpmp.Client) (T, error)) (T, error) {
	var zero T
	for ctx.Err() == nil {
		turn := natpmpTurn
		if end, ok := ctx.Deadline(); ok {
			turn = max(min(turn, time.Until(end)), time.Millisecond) // 0 would mean two minutes
		}
		res, err := f(natpmp.NewClientWithLocalAndTimeout(c.gateway.AsSlice(), c.local.AsSlice(), turn))
		if err == nil {
			return res, nil
		}
		if !isTimeout(err) && !strings.HasPrefix(err.Error(), "Timed out") {
			return zero, unreachable(refusalOf(err))
		}
	}
	return zero, fmt.Errorf("%w: %w", ErrNoGateway, context.Cause(ctx))
}

// natpmpResults are the result codes of RFC 6886, 3.5.
var natpmpResults = [...]string{1: "unsupported version", 2: "not authorized", 3: "network failure", 4: "out of resources", 5: "unsupported opcode"}

// refusalOf turns the library's error for a result code, which it tells in the
// text alone, into ours. Everything but errors of the network is a wrong answer.
func refusalOf(err error) error {
	var code int
	if _, scan := fmt.Sscanf(err.Error(), "Non-zero result code %d", &code); scan == nil {
		text := fmt.Sprintf("result %d", code)
		if code > 0 && code < len(natpmpResults) {
			text = natpmpResults[code]
		}
		return &Refusal{Code: code, Text: text}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return err
	}
	return wrong("%w", err)
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*Refusal](err)
	return ok
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// unreachable marks an error that says that nobody listens.
func unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) {
		return fmt.Errorf("%w: %w", ErrNoGateway, err)
	}
	return err
}
