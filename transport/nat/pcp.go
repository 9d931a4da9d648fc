package nat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"parley/transport/nat/internal/pcp"
)

// repeatFirst is how long to wait before a question is repeated; it doubles from
// then on. RFC 6887 would have 3 s, NAT-PMP has this: who waits is a person or a
// node that nobody can reach, and the gateway is one hop away.
const repeatFirst = 250 * time.Millisecond

// pcpClient speaks PCP from one address to one gateway.
type pcpClient struct {
	gateway, local netip.Addr
	nonce          pcp.Nonce
	epochs         epochs
	restarted      bool // noticed, but not reported by check yet
}

func (n Network) findPCP(ctx context.Context) (*Gateway, error) {
	gw, local, err := n.gateway()
	if err != nil {
		return nil, err
	}
	c := &pcpClient{gateway: gw, local: local}
	rand.Read(c.nonce[:])
	if err := c.greet(ctx); err != nil {
		return nil, err
	}
	return &Gateway{protocol: PCP, addr: gw, local: local, where: n.from(gw), client: c}, nil
}

func (c *pcpClient) external(ctx context.Context) (netip.Addr, error) {
	l, err := c.add(ctx, Request{Port: 9, UDP: true, Lifetime: 30 * time.Second})
	if err != nil {
		return netip.Addr{}, err
	}
	return l.External.Addr(), c.remove(ctx, l)
}

func (c *pcpClient) add(ctx context.Context, r Request) (Lease, error) {
	m, err := c.mapping(ctx, r.Port, r.UDP, r.Wish, r.seconds())
	if err != nil {
		return Lease{}, err
	}
	if m.External == 0 || m.ExternalAddr.IsUnspecified() {
		return Lease{}, ErrNoAddress
	}
	if m.Lifetime == 0 {
		return Lease{}, wrong("map: lifetime: 0")
	}
	c.restarted = false // whatever was lost is made anew by this
	return Lease{
		Port: r.Port, UDP: r.UDP, Lifetime: time.Duration(m.Lifetime) * time.Second,
		External: netip.AddrPortFrom(m.ExternalAddr, m.External),
	}, nil
}

func (c *pcpClient) remove(ctx context.Context, l Lease) error {
	_, err := c.mapping(ctx, l.Port, l.UDP, 0, 0)
	return err
}

func (c *pcpClient) mapping(ctx context.Context, port uint16, udp bool, wish uint16, seconds uint32) (*pcp.Message, error) {
	m := &pcp.Message{Op: pcp.Map, Lifetime: seconds, Nonce: c.nonce, Transport: pcp.TCP, Internal: port, External: wish}
	if udp {
		m.Transport = pcp.UDP
	}
	return c.ask(ctx, m)
}

// check notices a restart. That the address changed shows when the mapping is
// renewed, as PCP tells it nowhere else, and gateways restart their counter then
// (RFC 6887, 8.5).
func (c *pcpClient) check(ctx context.Context, _ Lease) error {
	if err := c.greet(ctx); err != nil {
		return err
	}
	if c.restarted {
		return lost("the gateway restarted")
	}
	return nil
}

// greet asks for nothing but an answer, which has the epoch in it (RFC 6887,
// 14.1). A server that does not know the question has answered too.
func (c *pcpClient) greet(ctx context.Context) error {
	_, err := c.ask(ctx, &pcp.Message{Op: pcp.Announce})
	if r, ok := errors.AsType[*Refusal](err); ok && r.Code == int(pcp.UnsupportedOpcode) {
		return nil
	}
	return err
}

// ask sends a request until it is answered or ctx is done.
func (c *pcpClient) ask(ctx context.Context, m *pcp.Message) (*pcp.Message, error) {
	m.Client = c.local
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: c.local.AsSlice()}, &net.UDPAddr{IP: c.gateway.AsSlice(), Port: pcp.Port})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := m.Append(nil)
	for wait := repeatFirst; ctx.Err() == nil; wait *= 2 {
		conn.SetReadDeadline(time.Now().Add(wait))
		if ctx.Err() != nil {
			break // or the line above undid the end
		}
		if _, err := conn.Write(request); err != nil {
			return nil, unreachable(err)
		}
		answer, err := c.await(conn, m)
		if !isTimeout(err) {
			return answer, err
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNoGateway, context.Cause(ctx))
}

// maxStrays is how many answers to something else are read before asking is
// given up as pointless.
const maxStrays = 64

// await reads until the answer to m arrives or conn's deadline is over. What
// answers something else, such as a repetition from before, is passed over.
func (c *pcpClient) await(conn *net.UDPConn, m *pcp.Message) (*pcp.Message, error) {
	b := make([]byte, pcp.MaxSize+1)
	for range maxStrays {
		n, err := conn.Read(b)
		if err != nil {
			return nil, unreachable(err)
		}
		answer, err := pcp.Decode(b[:n])
		switch {
		case errors.Is(err, pcp.ErrVersion):
			return nil, wrong("it speaks another version or NAT-PMP alone: %w", err)
		case err != nil:
			return nil, wrong("%w", err)
		case !answers(m, answer):
			continue
		}
		if c.epochs.seen(time.Now(), answer.Epoch) {
			c.restarted = true
		}
		if answer.Result != pcp.Success {
			return nil, &Refusal{Code: int(answer.Result), Text: answer.Result.String(), For: time.Duration(answer.Lifetime) * time.Second}
		}
		return answer, nil
	}
	return nil, wrong("%d answers to something else", maxStrays)
}

// answers reports whether a answers m. An error may come without its mapping.
func answers(m, a *pcp.Message) bool {
	if !a.Response || a.Op != m.Op {
		return false
	}
	if m.Op != pcp.Map || a.Result != pcp.Success && a.Nonce == (pcp.Nonce{}) {
		return true
	}
	return a.Nonce == m.Nonce && a.Transport == m.Transport && a.Internal == m.Internal
}
