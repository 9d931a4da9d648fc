// Package upnp has the interface of Tendermint's package p2p/upnp of 2014, on
// top of Parley's transport/nat.
//
// What is different: answers are bounded and must come from the gateway itself,
// the first answer to a search counts, paths keep their case, WANPPPConnection
// and the second version of the protocol are spoken too, and the hairpin probe
// can succeed, since it compares what was sent with what arrived. Probe uses a
// free port in place of 8001.
package upnp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"parley/transport/nat"
)

// NAT is a gateway. Its methods may be called by one goroutine at a time. Each
// takes three seconds at most.
type NAT interface {
	// GetExternalAddress returns the gateway's address on the other side.
	GetExternalAddress() (addr net.IP, err error)
	// AddPortMapping maps a port of "tcp" or "udp" on this machine to an
	// external one for timeout seconds; 0 lasts until it is removed. It returns
	// the external port, which is another one if that was taken.
	AddPortMapping(protocol string, externalPort, internalPort int, description string, timeout int) (mappedExternalPort int, err error)
	// DeletePortMapping removes a mapping. The internal port is not looked at.
	DeletePortMapping(protocol string, externalPort, internalPort int) (err error)
}

// UPNPCapabilities says what a gateway can do.
type UPNPCapabilities struct {
	PortMapping bool // it maps ports
	Hairpin     bool // its external address can be dialed from this side
}

// Discover looks for a gateway for three seconds at most.
func Discover() (NAT, error) { return discover(nat.Network{}) }

// Probe looks for a gateway, maps a port for a moment and dials it through the
// gateway. It takes about ten seconds at most. The error says why there is no mapping.
func Probe() (caps UPNPCapabilities, err error) { return probe(nat.Network{}) }

func discover(n nat.Network) (NAT, error) {
	found, err := n.Find(context.Background(), nat.UPnP)
	if err != nil {
		return nil, err
	}
	return &gateway{found[0]}, nil
}

func probe(n nat.Network) (caps UPNPCapabilities, err error) {
	f := nat.Probe(context.Background(), n, nat.UPnP).Findings[0]
	if !f.Mapped {
		return caps, f.Err
	}
	return UPNPCapabilities{PortMapping: true, Hairpin: f.Hairpin == nat.Yes}, nil
}

// gateway is the NAT that Discover returns.
type gateway struct{ g *nat.Gateway }

func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), nat.DefaultTimeout)
}

func (w *gateway) GetExternalAddress() (net.IP, error) {
	ctx, cancel := limited()
	defer cancel()
	a, err := w.g.External(ctx)
	if err != nil {
		return nil, err
	}
	return a.AsSlice(), nil
}

func (w *gateway) AddPortMapping(protocol string, externalPort, internalPort int, description string, timeout int) (int, error) {
	external, internal, udp, err := check(protocol, externalPort, internalPort)
	if err != nil {
		return 0, err
	}
	lifetime := time.Duration(timeout) * time.Second
	if timeout <= 0 {
		lifetime = -1
	}
	ctx, cancel := limited()
	defer cancel()
	l, err := w.g.Map(ctx, nat.Request{Port: internal, UDP: udp, Wish: external, Lifetime: lifetime, Name: description})
	return int(l.External.Port()), err
}

func (w *gateway) DeletePortMapping(protocol string, externalPort, internalPort int) error {
	external, internal, udp, err := check(protocol, externalPort, internalPort)
	if err != nil {
		return err
	}
	ctx, cancel := limited()
	defer cancel()
	return w.g.Unmap(ctx, nat.Lease{Port: internal, UDP: udp, External: netip.AddrPortFrom(netip.IPv4Unspecified(), external)})
}

// check turns what the interface takes into what can be asked for.
func check(protocol string, externalPort, internalPort int) (external, internal uint16, udp bool, err error) {
	switch strings.ToLower(protocol) {
	case "tcp":
	case "udp":
		udp = true
	default:
		return 0, 0, false, fmt.Errorf("upnp: protocol %q, wanted tcp or udp", protocol)
	}
	for _, p := range []int{externalPort, internalPort} {
		if p < 1 || p > 65535 {
			return 0, 0, false, fmt.Errorf("upnp: port %d, wanted 1 to 65535", p)
		}
	}
	return uint16(externalPort), uint16(internalPort), udp, nil
}
