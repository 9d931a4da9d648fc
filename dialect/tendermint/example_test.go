package tendermint_test

import (
	"bytes"
	"fmt"
	"net"
	"sync"

	"parley/dialect"
	"parley/dialect/tendermint"
)

// Two nodes of one chain meet on a connection. Then one sends a block and a vote,
// and the vote, whose channel has the higher priority, overtakes the block. This
// is what package node does on each link.
func Example() {
	open := func(c net.Conn, n byte, dialing bool) (*dialect.Link, error) {
		seed := bytes.NewReader(bytes.Repeat([]byte{n}, 96)) // crypto/rand outside examples
		key, err := tendermint.NewKey(seed)
		if err != nil {
			return nil, err
		}
		d, err := tendermint.New(tendermint.Config{Key: key, Network: "my-chain", Channels: tendermint.NodeChannels()})
		if err != nil {
			return nil, err
		}
		return d.Open(c, &dialect.Opening{Dialing: dialing, Rand: seed, Admit: func(dialect.Intro) error { return nil }})
	}
	here, there := net.Pipe()
	var wg sync.WaitGroup
	var listener *dialect.Link
	wg.Go(func() { listener, _ = open(there, 1, false) })
	dialer, err := open(here, 2, true)
	wg.Wait()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("met", dialer.Intro.ID)

	p := dialer.Encoder.(dialect.Packer)
	p.Put(dialect.Message{Type: 0x40, Body: make([]byte, 100_000)})
	wire, _, _ := p.Pack(nil, 5000) // some of the block is on its way
	p.Put(dialect.Message{Type: 0x21, Body: []byte("part")})
	wire, _, _ = p.Pack(wire, 1<<20)
	for len(wire) > 0 {
		m, n, err := listener.Decoder.Next(wire)
		if err != nil {
			fmt.Println(err)
			return
		}
		if wire = wire[n:]; m.For != 0 {
			fmt.Printf("channel %#x: %d bytes\n", m.Type, len(m.Body))
		}
	}
	// Output:
	// met 34750f98bd59fcfc946da45aaabe933be154a4b5
	// channel 0x21: 4 bytes
	// channel 0x40: 100000 bytes
}

func ExampleParseNetAddress() {
	a, err := tendermint.ParseNetAddress("tcp://fa5b843760bbecc0a7b01676d408efe702cb945c@seed.example:26656")
	fmt.Println(a.ID, a.Addr, err)
	_, err = tendermint.ParseNetAddress("seed.example:26656")
	fmt.Println(err)
	// Output:
	// fa5b843760bbecc0a7b01676d408efe702cb945c seed.example:26656 <nil>
	// address "seed.example:26656": no identity
}
