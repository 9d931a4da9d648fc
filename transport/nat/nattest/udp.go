package nattest

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"time"

	"parley/transport/nat/internal/pcp"
)

// serveUDP answers PCP and NAT-PMP, which share a port: the first byte tells
// them apart.
func (g *Gateway) serveUDP() {
	b := make([]byte, pcp.MaxSize)
	for {
		n, from, err := g.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if answer := g.answer(b[:n], from.Addr().Unmap()); answer != nil {
			g.udp.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (g *Gateway) answer(b []byte, from netip.Addr) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch has := g.behavior; {
	case len(b) < 2 || !has.PCP && !has.NATPMP:
		return nil
	case has.Nonsense:
		return []byte{0xff, 0xfe, 0xfd}
	case b[0] == 0 && has.NATPMP:
		return g.natpmp(b, from)
	case b[0] == 0:
		return (&pcp.Message{Response: true, Result: pcp.UnsupportedVersion, Epoch: g.epoch()}).Append(nil)
	case !has.PCP: // RFC 6886, 3.5
		return binary.BigEndian.AppendUint32([]byte{0, b[1] | 0x80, 0, 1}, g.epoch())
	}
	return g.pcp(b, from)
}

func (g *Gateway) pcp(b []byte, from netip.Addr) []byte {
	m, err := pcp.Decode(b)
	if err != nil || m.Response {
		return nil
	}
	a := *m
	a.Response, a.Client, a.Epoch = true, netip.Addr{}, g.epoch()
	switch {
	case m.Client != from:
		a.Result = pcp.AddressMismatch
	case m.Op == pcp.Map:
		g.asked++
		g.pcpMap(m, &a)
	}
	return a.Append(nil)
}

func (g *Gateway) pcpMap(m, a *pcp.Message) {
	if g.behavior.Refuse != 0 {
		a.Result, a.Lifetime = pcp.Result(g.behavior.Refuse), 0
		return
	}
	udp := m.Transport == pcp.UDP
	old, known := g.mapped(m.Client, m.Internal, udp)
	switch {
	case known && old.nonce != m.Nonce:
		a.Result = pcp.NotAuthorized
		return
	case m.Lifetime == 0:
		g.drop(old.External, udp)
		return
	case !g.behavior.External.IsValid():
		a.Result, a.Lifetime = pcp.NetworkFailure, 0
		return
	}
	lifetime := g.granted(time.Duration(m.Lifetime) * time.Second)
	external := g.portFor(old, known, cmp.Or(m.External, m.Internal))
	if !g.put(Mapping{External: external, UDP: udp, Client: m.Client, Port: m.Internal, Lifetime: lifetime, nonce: m.Nonce}) {
		a.Result = pcp.NoResources
		return
	}
	a.External, a.ExternalAddr, a.Lifetime = external, g.behavior.External, uint32(lifetime/time.Second)
}

// natpmp answers as RFC 6886, 3.2 and 3.3 say.
func (g *Gateway) natpmp(b []byte, from netip.Addr) []byte {
	op, has := b[1], g.behavior
	a := []byte{0, op | 0x80, 0, 0}
	a = binary.BigEndian.AppendUint32(a, g.epoch())
	switch {
	case op == 0 && !has.External.IsValid():
		a[3] = 3
		return append(a, 0, 0, 0, 0)
	case op == 0:
		return append(a, has.External.AsSlice()...)
	case op > 2 || len(b) < 12:
		a[3] = 5
		return a
	}
	g.asked++
	internal, wish := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	seconds := binary.BigEndian.Uint32(b[8:])
	old, known := g.mapped(from, internal, op == 1)
	external := g.portFor(old, known, cmp.Or(wish, internal))
	switch {
	case has.Refuse != 0:
		a[3] = byte(has.Refuse)
	case seconds == 0:
		g.drop(old.External, op == 1)
		external = 0
	default:
		lifetime := g.granted(time.Duration(seconds) * time.Second)
		seconds = uint32(lifetime / time.Second)
		if !g.put(Mapping{External: external, UDP: op == 1, Client: from, Port: internal, Lifetime: lifetime}) {
			a[3] = 4
		}
	}
	a = binary.BigEndian.AppendUint16(a, internal)
	a = binary.BigEndian.AppendUint16(a, external)
	return binary.BigEndian.AppendUint32(a, seconds)
}

// mapped returns the mapping of an internal port.
func (g *Gateway) mapped(client netip.Addr, port uint16, udp bool) (Mapping, bool) {
	for _, m := range g.mappings {
		if m.Client == client && m.Port == port && m.UDP == udp {
			return m, true
		}
	}
	return Mapping{}, false
}

// portFor returns the external port to give: the one held already, or the one
// wished for, shifted.
func (g *Gateway) portFor(old Mapping, known bool, wish uint16) uint16 {
	if known {
		return old.External
	}
	return wish + g.behavior.Shift
}
