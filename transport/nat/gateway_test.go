package nat_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/fault"
	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

// reach returns where to look for g, which answers at once however busy the machine is.
func reach(g *nattest.Gateway) nat.Network {
	return nat.Network{Gateway: g.Addr(), Search: g.Search(), Timeout: 20 * time.Second}
}

// hasty is reach for gateways that keep silent.
func hasty(g *nattest.Gateway) nat.Network {
	n := reach(g)
	n.Timeout = 50 * time.Millisecond
	return n
}

var behaviors = map[nat.Protocol]nattest.Behavior{
	nat.PCP:    {PCP: true},
	nat.NATPMP: {NATPMP: true},
	nat.UPnP:   {UPnP: 1},
}

// each runs a test with a gateway of each protocol that behaves otherwise as change says.
func each(t *testing.T, change func(*nattest.Behavior), test func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway)) {
	for p, b := range behaviors {
		t.Run(p.String(), func(t *testing.T) {
			b.External = netip.MustParseAddr("203.0.113.7")
			change(&b)
			g := nattest.New(t, b)
			found, err := reach(g).Find(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != 1 || found[0].Protocol() != p || found[0].Addr() != g.Addr() {
				t.Fatalf("found %v", found)
			}
			test(t, g, found[0])
		})
	}
}

func asIs(*nattest.Behavior) {}

func TestMapping(t *testing.T) {
	each(t, asIs, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		ctx := t.Context()
		l, err := gw.Map(ctx, nat.Request{Port: 8108})
		if err != nil {
			t.Fatal(err)
		}
		if l.External != netip.MustParseAddrPort("203.0.113.7:8108") || l.Lifetime != time.Hour || l.Port != 8108 {
			t.Errorf("lease %+v", l)
		}
		ms := g.Mappings()
		if len(ms) != 1 || ms[0].Port != 8108 || ms[0].External != 8108 || ms[0].UDP || ms[0].Client != gw.Local() || ms[0].Lifetime != time.Hour {
			t.Errorf("the gateway has %+v", ms)
		}
		if err := gw.Check(ctx, l); err != nil {
			t.Errorf("a mapping that stands: %v", err)
		}
		if _, err := gw.Map(ctx, nat.Request{Port: 8108}); err != nil {
			t.Errorf("renewal: %v", err)
		}
		u, err := gw.Map(ctx, nat.Request{Port: 8108, UDP: true, Lifetime: time.Minute})
		if err != nil || len(g.Mappings()) != 2 {
			t.Errorf("UDP beside it: %v, %v", err, g.Mappings())
		}
		for _, l := range []nat.Lease{l, u, l} { // one twice: that is no error
			if err := gw.Unmap(ctx, l); err != nil {
				t.Errorf("unmap: %v", err)
			}
		}
		if ms := g.Mappings(); len(ms) != 0 {
			t.Errorf("after all were removed, the gateway has %+v", ms)
		}
		if a, err := gw.External(ctx); err != nil || a != netip.MustParseAddr("203.0.113.7") {
			t.Errorf("external address %v, %v", a, err)
		}
		if ms := g.Mappings(); len(ms) != 0 {
			t.Errorf("asking for the address left %+v", ms)
		}
	})
}

func TestShorterLease(t *testing.T) {
	each(t, func(b *nattest.Behavior) { b.MaxLease = 2 * time.Minute }, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		l, err := gw.Map(t.Context(), nat.Request{Port: 8108})
		if err != nil || l.Lifetime != 2*time.Minute {
			t.Errorf("asked for an hour of two minutes: %+v, %v", l, err)
		}
	})
}

func TestLongestLease(t *testing.T) {
	each(t, asIs, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		want := 7 * 24 * time.Hour
		if gw.Protocol() == nat.UPnP {
			want = 0 // which lasts until it is removed
		}
		if l, err := gw.Map(t.Context(), nat.Request{Port: 8108, Lifetime: -1}); err != nil || l.Lifetime != want {
			t.Errorf("%+v, %v, want %v", l, err, want)
		}
	})
}

func TestRefusal(t *testing.T) {
	codes := map[nat.Protocol]int{nat.PCP: 2, nat.NATPMP: 2, nat.UPnP: 606}
	for p, text := range map[nat.Protocol]string{
		nat.PCP:    "pcp: map: refused: not authorized (2)",
		nat.NATPMP: "natpmp: map: refused: not authorized (2)",
		nat.UPnP:   "upnp: map: refused: no 606 (606)",
	} {
		b := behaviors[p]
		b.Refuse = codes[p]
		g := nattest.New(t, b)
		found, err := reach(g).Find(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		_, err = found[0].Map(t.Context(), nat.Request{Port: 8108})
		if err == nil || err.Error() != text {
			t.Errorf("%v: %v, want %q", p, err, text)
		}
		r, ok := errors.AsType[*nat.Refusal](err)
		if !ok || r.Code != codes[p] || !errors.Is(err, fault.Refused) {
			t.Errorf("%v: %#v is no refusal", p, err)
		}
	}
}

func TestNotConnected(t *testing.T) {
	each(t, func(b *nattest.Behavior) { b.External = netip.Addr{} }, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		g.Set(func(b *nattest.Behavior) { b.External = netip.Addr{} })
		_, err := gw.Map(t.Context(), nat.Request{Port: 8108})
		_, refused := errors.AsType[*nat.Refusal](err)
		if !errors.Is(err, nat.ErrNoAddress) && !refused {
			t.Errorf("a gateway without an address: %v", err)
		}
	})
}

func TestSilence(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{})
	gws, err := hasty(g).Find(t.Context(), nat.Any)
	if gws != nil || !errors.Is(err, nat.ErrNoGateway) {
		t.Fatalf("Find = %v, %v", gws, err)
	}
	for _, p := range []string{"pcp: find: ", "natpmp: find: ", "upnp: find: "} {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not tell of %q", err, p)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	n := nat.Network{Gateway: netip.MustParseAddr("127.1.2.3"), Timeout: 3 * time.Second}
	for _, p := range []nat.Protocol{nat.PCP, nat.NATPMP} {
		if _, err := n.Find(t.Context(), p); !errors.Is(err, nat.ErrNoGateway) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := n.Find(t.Context(), nat.None); !errors.Is(err, nat.ErrNone) {
		t.Errorf("none: %v", err)
	}
}

func TestNonsense(t *testing.T) {
	for p, b := range behaviors {
		b.Nonsense = true
		g := nattest.New(t, b)
		n := reach(g)
		n.Timeout = 2 * time.Second // UPnP goes on searching
		if _, err := n.Find(t.Context(), p); !errors.Is(err, fault.Protocol) {
			t.Errorf("%v: %v, want a fault of the protocol", p, err)
		}
	}
}

func TestEndsWithItsContext(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{})
	n := reach(g)
	n.Timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Find(ctx, nat.Any); err == nil {
		t.Error("found something where there is nothing")
	}
}

// Gateways that speak one of the two protocols of the port must not be taken
// for gateways of the other.
func TestSamePort(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{NATPMP: true})
	if _, err := reach(g).Find(t.Context(), nat.PCP); !errors.Is(err, fault.Protocol) {
		t.Errorf("PCP with a gateway of NAT-PMP: %v", err)
	}
	g = nattest.New(t, nattest.Behavior{PCP: true})
	if _, err := reach(g).Find(t.Context(), nat.NATPMP); err == nil {
		t.Error("NAT-PMP with a gateway of PCP found something")
	}
	g = nattest.New(t, nattest.Behavior{PCP: true, NATPMP: true, UPnP: 2})
	found, err := reach(g).Find(t.Context(), nat.Any)
	if err != nil || len(found) != 3 || found[0].Protocol() != nat.PCP || found[2].Protocol() != nat.UPnP {
		t.Errorf("all three: %v, %v", found, err)
	}
}

func TestRestart(t *testing.T) {
	each(t, asIs, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		l, err := gw.Map(t.Context(), nat.Request{Port: 8108})
		if err != nil {
			t.Fatal(err)
		}
		g.Restart()
		for range 2 { // until it is mapped anew, it stays lost
			if err := gw.Check(t.Context(), l); !errors.Is(err, nat.ErrLost) {
				t.Errorf("after a restart: %v", err)
			}
		}
		if l, err = gw.Map(t.Context(), nat.Request{Port: 8108}); err != nil {
			t.Fatal(err)
		}
		if err := gw.Check(t.Context(), l); err != nil {
			t.Errorf("mapped anew: %v", err)
		}
	})
}

func TestChangedAddress(t *testing.T) {
	each(t, asIs, func(t *testing.T, g *nattest.Gateway, gw *nat.Gateway) {
		l, err := gw.Map(t.Context(), nat.Request{Port: 8108})
		if err != nil {
			t.Fatal(err)
		}
		g.Set(func(b *nattest.Behavior) { b.External = netip.MustParseAddr("198.51.100.9") })
		if gw.Protocol() != nat.PCP { // which tells with the next renewal alone
			if err := gw.Check(t.Context(), l); !errors.Is(err, nat.ErrLost) {
				t.Errorf("check: %v", err)
			}
		}
		if l, err = gw.Map(t.Context(), nat.Request{Port: 8108}); err != nil || l.External != netip.MustParseAddrPort("198.51.100.9:8108") {
			t.Errorf("renewed: %+v, %v", l, err)
		}
	})
}

func TestAnotherPortThanWished(t *testing.T) {
	for _, p := range []nat.Protocol{nat.PCP, nat.NATPMP} {
		b := behaviors[p]
		b.Shift = 5
		g := nattest.New(t, b)
		found, err := reach(g).Find(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := found[0].Map(t.Context(), nat.Request{Port: 8108, Wish: 9000}); err != nil || l.External.Port() != 9005 {
			t.Errorf("%v: %+v, %v", p, l, err)
		}
	}
	g := nattest.New(t, nattest.Behavior{UPnP: 2, Taken: 9000})
	found, err := reach(g).Find(t.Context(), nat.UPnP)
	if err != nil {
		t.Fatal(err)
	}
	l, err := found[0].Map(t.Context(), nat.Request{Port: 8108, Wish: 9000})
	if err != nil || l.External.Port() == 9000 || len(g.Mappings()) != 1 {
		t.Errorf("a port that is taken: %+v, %v", l, err)
	}
}

func TestPermanentLeasesAlone(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, Permanent: true})
	found, err := reach(g).Find(t.Context(), nat.UPnP)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := found[0].Map(t.Context(), nat.Request{Port: 8108}); err != nil || l.Lifetime != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// A gateway must not have us ask somebody else.
func TestDescriptionElsewhere(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, Elsewhere: true})
	n := reach(g)
	n.Timeout = 2 * time.Second // the search goes on for somebody else
	if _, err := n.Find(t.Context(), nat.UPnP); err == nil || !strings.Contains(err.Error(), "not on the gateway") {
		t.Error(err)
	}
}

func TestProtocolNames(t *testing.T) {
	for _, name := range []string{"none", "pcp", "natpmp", "upnp", "any"} {
		var p nat.Protocol
		if err := p.UnmarshalText([]byte(name)); err != nil || p.String() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := nat.ParseProtocol("stun"); err == nil {
		t.Error("stun was taken for a protocol")
	}
}
