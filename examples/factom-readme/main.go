// Command factom-readme is the program that the README of factom-p2p 1.13 builds
// up, piece by piece, around its usage section. It differs from that in its import
// path and in what a README leaves to the reader: where the seed list and the
// peer file are, and what to send.
//
//	factom-readme SEEDLIST PEERFILE PORT
//
// It says hello to the network once a second and prints what it hears. Every
// program has words of its own: with PeerResendFilter, which is the default, a
// broadcast spares the peers that have lately sent the same bytes.
package main

import (
	"fmt"
	"log"
	"os"
	"time"

	p2p "parley/compat/factom"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: factom-readme SEEDLIST PEERFILE PORT")
		os.Exit(2)
	}
	run(os.Args[1], os.Args[2], os.Args[3])
}

func run(seedURL, peerFile, port string) {
	config := p2p.DefaultP2PConfiguration()
	config.Network = p2p.NewNetworkID("myNetwork")
	config.SeedURL = seedURL
	config.PersistFile = peerFile
	config.ListenPort = port

	network, err := p2p.NewNetwork(config)
	if err != nil {
		log.Fatal(err) // the configuration, or the peer file
	}

	network.Run() // nonblocking, starts its own goroutines

	go greet(network, []byte("hello from "+port))
	for parcel := range network.FromNetwork.Reader() {
		// parcel.Address is the sender's peer hash
		// parcel.Payload is the application data
		fmt.Printf("%s says %s\n", parcel.Address, parcel.Payload)
	}
}

func greet(network *p2p.Network, payload []byte) {
	for range time.Tick(time.Second) {
		parcel := p2p.NewParcel(p2p.Broadcast, payload)
		network.ToNetwork.Send(parcel)
	}
}
