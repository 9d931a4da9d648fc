package nat_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

// A node that listens at port 8108 keeps it mapped while it runs, and tells
// others the address it is given. ExampleMapper has a gateway of its own; left
// out, Network means the system's.
func ExampleMapper() {
	gateway, err := nattest.Start(nattest.Behavior{PCP: true, External: netip.MustParseAddr("203.0.113.7")})
	if err != nil {
		panic(err)
	}
	defer gateway.Close()

	mapped := make(chan netip.AddrPort, 1)
	m := nat.NewMapper(nat.MapperConfig{
		Network:  nat.Network{Gateway: gateway.Addr()},
		Protocol: nat.PCP,
		Request:  nat.Request{Port: 8108},
		Changed: func(external netip.AddrPort) {
			if external.IsValid() {
				mapped <- external
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })

	fmt.Println("dial me at", <-mapped)
	cancel() // removes the mapping
	wg.Wait()
	fmt.Println("mappings left:", len(gateway.Mappings()))
	// Output:
	// dial me at 203.0.113.7:8108
	// mappings left: 0
}

// What parley doctor nat prints.
func ExampleProbe() {
	gateway, err := nattest.Start(nattest.Behavior{PCP: true, Hairpin: true})
	if err != nil {
		panic(err)
	}
	defer gateway.Close()
	report := nat.Probe(context.Background(), nat.Network{Gateway: gateway.Addr()}, nat.PCP)
	for _, f := range report.Findings {
		fmt.Println(f.Protocol, "found:", f.Found, "mapped:", f.Mapped, "hairpin:", f.Hairpin, "double NAT:", f.Double)
	}
	// Output: pcp found: true mapped: true hairpin: yes double NAT: true
}
