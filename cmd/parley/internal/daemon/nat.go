package daemon

import (
	"context"
	"net/netip"

	"parley/addr"
	"parley/transport/nat"
)

// letIn keeps the node's port mapped at the gateway of a home network while ctx is
// not done, if the settings say so. It starts once the node listens, and the node
// waits for nothing of it.
func (d *daemon) letIn(ctx context.Context) {
	s := d.set.get()
	protocol, err := nat.ParseProtocol(s.NAT)
	if err != nil || protocol == nat.None || !s.EnableNet {
		return
	}
	select {
	case <-d.node.Ready():
	case <-ctx.Done():
		return
	}
	port, ok := mappable(d.node.Listening(), d.home != nat.Network{})
	if !ok {
		d.journal.add("nat: no port to map: the node listens on this machine alone, or nowhere")
		return
	}
	nat.NewMapper(nat.MapperConfig{
		Network:  d.home,
		Protocol: protocol,
		Request:  nat.Request{Port: port},
		Log:      d.log,
		Changed:  func(at netip.AddrPort) { d.mapped(port, at) },
	}).Run(ctx)
}

// mapped has the node tell its peers where the mapping of a port leads from, unless
// its operator said what to tell them.
func (d *daemon) mapped(port uint16, at netip.AddrPort) {
	told := d.set.get().Advertise
	if told.IsZero() {
		d.node.Advertise(addr.FromAddrPort(at)) // without a mapping, what it was before
	}
	switch {
	case !at.IsValid():
		d.journal.add("nat: port %d is not mapped any more", port)
	case told.IsZero():
		d.journal.add("nat: port %d is mapped to %s, and peers are told so", port, at)
	default:
		d.journal.add("nat: port %d is mapped to %s; peers are told %s", port, at, told)
	}
}

// mappable returns the port of the first listener that a gateway could lead to:
// one for IPv4, and on loopback only where the gateway is too.
func mappable(listeners []addr.Addr, local bool) (port uint16, ok bool) {
	for _, a := range listeners {
		v4 := !a.IP.IsValid() || a.IP.IsUnspecified() || a.IP.Is4()
		if v4 && a.Port != 0 && (local || !a.IP.IsLoopback()) {
			return a.Port, true
		}
	}
	return 0, false
}
