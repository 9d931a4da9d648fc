package toy_test

import (
	"fmt"
	"net"
	"sync"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/toy"
)

// Two nodes meet on a connection; then one encodes a message and the other
// decodes it. This is what package node does on each link.
func Example() {
	d := toy.New(toy.Config{})
	here, there := net.Pipe()
	opening := func(nonce uint64, port uint16, dialing bool) *dialect.Opening {
		return &dialect.Opening{
			Dialing: dialing,
			Self:    dialect.Self{Network: 7, Nonce: nonce, Listen: addr.Addr{Port: port}},
			Admit:   func(dialect.Intro) error { return nil },
		}
	}

	var wg sync.WaitGroup
	var listener, dialer *dialect.Link
	wg.Go(func() { listener, _ = d.Open(there, opening(1, 8108, false)) })
	dialer, err := d.Open(here, opening(2, 0, true))
	wg.Wait()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("dialer met", dialer.Intro.ID, "listening on port", dialer.Intro.Listen.Port)

	wire, _ := dialer.Encoder.Append(nil, dialect.Message{Type: toy.App, Body: []byte("hello")})
	m, n, _ := listener.Decoder.Next(wire)
	fmt.Printf("%d bytes: %s\n", n, m.Body)
	// Output:
	// dialer met 0000000000000001 listening on port 8108
	// 10 bytes: hello
}
