package nat_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

func TestProbe(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{PCP: true, NATPMP: true, UPnP: 1, Hairpin: true})
	r := nat.Probe(t.Context(), reach(g), nat.Any)
	if len(r.Findings) != 3 {
		t.Fatalf("%d findings", len(r.Findings))
	}
	for _, f := range r.Findings {
		if !f.Found || !f.Mapped || f.Err != nil || f.Hairpin != nat.Yes || f.Gateway != g.Addr() || f.Lifetime == 0 {
			t.Errorf("%+v", f)
		}
		if !f.Double {
			t.Errorf("%v: an external address on loopback counts as public", f.Protocol)
		}
	}
	if _, ok := r.Best(); ok {
		t.Error("a private external address is best")
	}
	if ms := g.Mappings(); len(ms) != 0 {
		t.Errorf("the probe left %+v", ms)
	}
}

func TestProbeWithoutHairpin(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{NATPMP: true})
	r := nat.Probe(t.Context(), reach(g), nat.NATPMP)
	if f := r.Findings[0]; !f.Mapped || f.Hairpin != nat.No {
		t.Errorf("%+v", f)
	}
}

func TestProbeWithPublicAddress(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{PCP: true, External: netip.MustParseAddr("8.8.8.8"), Refuse: 2})
	if f := nat.Probe(t.Context(), reach(g), nat.PCP).Findings[0]; !f.Found || f.Mapped || f.Why == "" || f.Hairpin != nat.Unknown || f.Double {
		t.Errorf("refused: %+v", f)
	}
}

func TestProbeFindsNothing(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{})
	r := nat.Probe(t.Context(), hasty(g), nat.Any)
	for _, f := range r.Findings {
		if f.Found || f.Why == "" {
			t.Errorf("%+v", f)
		}
	}
	if b, err := json.Marshal(r); err != nil || !json.Valid(b) {
		t.Errorf("%s, %v", b, err)
	}
}

// Strangers may connect to a mapped port too.
func TestHairpinAmongStrangers(t *testing.T) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	at := ln.Addr().(*net.TCPAddr).AddrPort()
	for _, says := range []string{"", "test data", "0123456789abcdef and more"} {
		c, err := net.Dial("tcp4", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(says))
	}
	if got := nat.Hairpin(t.Context(), ln, at, 10*time.Second); got != nat.Yes {
		t.Errorf("hairpin: %v", got)
	}
}
