package upnp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

// reach returns where to look for g, which answers at once however busy the machine is.
func reach(g *nattest.Gateway) nat.Network {
	return nat.Network{Search: g.Search(), Timeout: 20 * time.Second}
}

// The order of calls is that of the golden session of 2014.
func TestSession(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, External: netip.MustParseAddr("203.0.113.7"), Taken: 46657})
	n, err := discover(reach(g))
	if err != nil {
		t.Fatal(err)
	}
	if ip, err := n.GetExternalAddress(); err != nil || !ip.Equal(net.IPv4(203, 0, 113, 7)) {
		t.Errorf("external address %v, %v", ip, err)
	}
	if port, err := n.AddPortMapping("tcp", 46656, 46656, "Tendermint UPnP Probe", 0); err != nil || port != 46656 {
		t.Errorf("mapped to %d, %v", port, err)
	}
	ms := g.Mappings()
	if len(ms) != 1 || ms[0].External != 46656 || ms[0].Port != 46656 || ms[0].UDP || ms[0].Lifetime != 0 || ms[0].Name != "Tendermint UPnP Probe" {
		t.Errorf("the gateway has %+v", ms)
	}
	if err := n.DeletePortMapping("tcp", 46656, 46656); err != nil || len(g.Mappings()) != 0 {
		t.Errorf("deleted: %v, left %+v", err, g.Mappings())
	}
	port, err := n.AddPortMapping("udp", 46657, 46656, "x", 60)
	if ms := g.Mappings(); err != nil || len(ms) != 1 || int(ms[0].External) != port || port == 46657 || !ms[0].UDP || ms[0].Lifetime != time.Minute {
		t.Errorf("a port that is taken: %d, %v, the gateway has %+v", port, err, ms)
	}
}

// The original compared the whole buffer with nine characters and never
// noticed a hairpin.
func TestProbe(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, Hairpin: true})
	if caps, err := probe(reach(g)); err != nil || caps != (UPNPCapabilities{PortMapping: true, Hairpin: true}) {
		t.Errorf("%+v, %v", caps, err)
	}
	n := reach(g)
	g.Set(func(b *nattest.Behavior) { b.Hairpin = false })
	if caps, err := probe(n); err != nil || caps != (UPNPCapabilities{PortMapping: true}) {
		t.Errorf("without a hairpin: %+v, %v", caps, err)
	}
	g.Set(func(b *nattest.Behavior) { b.Refuse = 606 })
	if caps, err := probe(n); err == nil || caps != (UPNPCapabilities{}) {
		t.Errorf("refused: %+v, %v", caps, err)
	}
	g.Set(func(b *nattest.Behavior) { b.UPnP = 0 })
	n.Timeout = 50 * time.Millisecond // it keeps silent
	if caps, err := probe(n); err == nil || caps != (UPNPCapabilities{}) {
		t.Errorf("without a gateway: %+v, %v", caps, err)
	}
	if _, err := discover(n); err == nil {
		t.Error("discovered what is not there")
	}
}

func TestRefusesWhatIsNoPort(t *testing.T) {
	n := &gateway{}
	for _, c := range []struct {
		protocol string
		port     int
	}{{"sctp", 1}, {"tcp", 0}, {"tcp", 65536}, {"udp", -1}} {
		if _, err := n.AddPortMapping(c.protocol, c.port, 1, "", 0); err == nil {
			t.Errorf("mapped %+v", c)
		}
		if err := n.DeletePortMapping(c.protocol, c.port, 1); err == nil {
			t.Errorf("deleted %+v", c)
		}
	}
}

// What listeners of 2014 did with it.
func ExampleDiscover() {
	gw, err := Discover()
	if err != nil {
		return // there is no gateway, so no need of one
	}
	if _, err := gw.AddPortMapping("tcp", 8770, 8770, "tendermint", 0); err != nil {
		return
	}
	defer gw.DeletePortMapping("tcp", 8770, 8770)
}
