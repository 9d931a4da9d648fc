package nat_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/toy"
	"parley/node"
	"parley/transport/nat"
	"parley/transport/nat/nattest"
)

// A node tells its peers the address that the gateway gives it, while it has it.
func Example_node() {
	gateway, err := nattest.Start(nattest.Behavior{NATPMP: true, External: netip.MustParseAddr("203.0.113.7"), Shift: 1})
	if err != nil {
		panic(err)
	}
	defer gateway.Close()
	n, err := node.New(node.Config{
		Dialect: toy.New(toy.Config{}),
		Self:    dialect.Self{Network: 1},
		Listen:  []addr.Addr{{IP: netip.MustParseAddr("127.0.0.1")}},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { n.Run(ctx) })
	<-n.Ready() // mapping waits for nothing but a port

	at := n.Listening()[0]
	told := make(chan addr.Addr, 2)
	m := nat.NewMapper(nat.MapperConfig{
		Network:  nat.Network{Gateway: gateway.Addr()},
		Protocol: nat.NATPMP,
		Request:  nat.Request{Port: at.Port},
		Changed: func(external netip.AddrPort) {
			n.Advertise(addr.FromAddrPort(external)) // the zero value goes back to what was configured
			told <- n.Self().Listen
		},
	})
	mapping, unmap := context.WithCancel(ctx)
	wg.Go(func() { m.Run(mapping) })

	tells := <-told
	fmt.Println("tells", tells.HostText(), "and a port one higher:", tells.Port == at.Port+1)
	unmap()
	fmt.Println("tells its own again:", <-told == at)
	// Output:
	// tells 203.0.113.7 and a port one higher: true
	// tells its own again: true
}
