package upnp

import (
	"net/netip"
	"testing"
	"time"

	p2p "parley/compat/tendermint"
	"parley/transport/nat/nattest"
)

func TestKeeper(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, External: netip.MustParseAddr("203.0.113.7")})
	k := &Keeper{network: reach(g)}
	defer k.Close()
	l, err := p2p.Listen("tcp", "0.0.0.0:0", k.ExternalAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	ms := g.Mappings()
	if len(ms) != 1 || l.ExternalAddress().String() != netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), ms[0].External).String() {
		t.Errorf("others dial %v, mapped are %+v", l.ExternalAddress(), ms)
	}
	k.Close()
	if ms := g.Mappings(); len(ms) != 0 {
		t.Errorf("left mapped are %+v", ms)
	}
	if _, err := k.ExternalAddress(1); err == nil {
		t.Error("mapped after Close")
	}
}

func TestKeeperWithoutGateway(t *testing.T) {
	g := nattest.New(t, nattest.Behavior{UPnP: 1, Refuse: 606})
	k := &Keeper{network: reach(g)}
	defer k.Close()
	k.network.Timeout = time.Second
	if a, err := k.ExternalAddress(8770); err == nil {
		t.Errorf("refused, but mapped to %v", a)
	}
}

// A listener whose port the router lets in while the program runs.
func ExampleKeeper() {
	var router Keeper
	defer router.Close() // removes the mapping
	l := p2p.NewDefaultListener("tcp", ":8770", router.ExternalAddress)
	defer l.Stop()
}
