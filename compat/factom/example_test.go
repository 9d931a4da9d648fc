package p2p_test

import (
	"fmt"
	"log"
	"time"

	p2p "parley/compat/factom"
	"parley/internal/freeport"
)

// The program of the original's README, twice in one process: only the import
// path has changed. One network is a special peer of the other here, so that the
// example needs no seed server.
func Example() {
	node := func(port string, special string) *p2p.Network {
		config := p2p.DefaultP2PConfiguration()
		config.Network = p2p.NewNetworkID("myNetwork")
		config.BindIP = "127.0.0.1"
		config.ListenPort = port
		config.Special = special
		network, err := p2p.NewNetwork(config)
		if err != nil {
			log.Fatal(err)
		}
		if err := network.Run(); err != nil {
			log.Fatal(err)
		}
		return network
	}
	port, err := freeport.Find()
	if err != nil {
		log.Fatal(err)
	}
	alice := node(port, "")
	bob := node("0", "127.0.0.1:"+port)
	for alice.Total() == 0 || bob.Total() == 0 {
		<-time.After(10 * time.Millisecond)
	}

	parcel := p2p.NewParcel(p2p.Broadcast, []byte("hello"))
	bob.ToNetwork.Send(parcel)

	for parcel := range alice.FromNetwork.Reader() {
		fmt.Printf("alice got %q\n", parcel.Payload)
		alice.BlockingSend(p2p.NewParcel(parcel.Address, []byte("hello to you")))
		break
	}
	answer := <-bob.Reader()
	fmt.Printf("bob got %q\n", answer.Payload)

	fmt.Println(bob.Stop(), alice.Stop())
	// Output:
	// alice got "hello"
	// bob got "hello to you"
	// <nil> <nil>
}

// Shares and parcels of the protocols, without a network.
func ExampleProtocol() {
	var p p2p.Protocol = new(p2p.ProtocolV10)
	share, err := p.MakePeerShare([]p2p.Endpoint{{IP: "203.0.113.7", Port: "8108"}})
	fmt.Println(string(share), err)
	// Output:
	// [{"ip":"203.0.113.7","port":"8108"}] <nil>
}

// Every peer's figures, about once a second.
func ExampleNetwork_SetMetricsHook() {
	config := p2p.DefaultP2PConfiguration()
	config.EnablePrometheus = false
	network, err := p2p.NewNetwork(config)
	if err != nil {
		log.Fatal(err)
	}
	network.SetMetricsHook(func(pm map[string]p2p.PeerMetrics) {
		for hash, m := range pm {
			log.Println(hash, m.ConnectionState, m.MPSDown, m.Dropped)
		}
	})
	fmt.Println(network.GetInfo().Peers, network.Rounds())
	// Output: 0 0
}
