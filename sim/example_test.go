package sim_test

import (
	"fmt"
	"net/netip"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect/toy"
	"parley/route"
	"parley/sim"
)

// A hundred nodes find each other, pass a message on, lose a third of their
// number, and pass on another.
func Example() {
	w := sim.NewWorld(1)
	defer w.Close()
	at := func(i int) addr.Addr {
		return addr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{20, byte(i), 0, 1}), 8108))
	}
	for i := range 100 {
		w.Add(at(i), toy.New(toy.Config{}), core.Config{}, at(0), at(i/2))
	}
	if err := w.Run(time.Minute); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("connected:", w.Graph().Connected())

	gossip := sim.NewFlood(w, route.All())
	s := gossip.Start(w.Nodes()[42], toy.App, 1000)
	w.Run(5 * time.Second)
	fmt.Println("reached:", s.Reached, "within a second:", s.Time(1) < time.Second)

	for _, n := range w.Nodes()[:33] {
		w.Crash(n)
	}
	w.Run(time.Minute)
	s = gossip.Start(w.Nodes()[42], toy.App, 1000)
	w.Run(5 * time.Second)
	fmt.Println("reached after the crash:", s.Reached)
	// Output:
	// connected: true
	// reached: 100 within a second: true
	// reached after the crash: 67
}
