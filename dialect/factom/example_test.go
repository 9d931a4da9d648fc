package factom_test

import (
	"fmt"
	"net"
	"sync"

	"parley/addr"
	"parley/dialect"
	"parley/dialect/factom"
)

// Two nodes of a network of one's own open a link. The dialer is configured for
// version 10, so that is what they speak, although the listener prefers 11.
func Example() {
	open := func(c net.Conn, version uint16, o *dialect.Opening) *dialect.Link {
		d, err := factom.New(factom.Config{Version: version, NodeID: factom.StringToUint32(o.Self.ID)})
		if err != nil {
			fmt.Println(err)
			return nil
		}
		o.Self.Network = factom.NetworkID("myNetwork")
		o.Admit = func(dialect.Intro) error { return nil }
		l, err := d.Open(c, o)
		if err != nil {
			fmt.Println(err)
		}
		return l
	}
	a, b := net.Pipe()
	remote, _ := addr.Parse("192.0.2.1:8108")
	var dialer *dialect.Link
	var wg sync.WaitGroup
	wg.Go(func() {
		dialer = open(a, 10, &dialect.Opening{Dialing: true, Remote: remote, Self: dialect.Self{ID: "alice", Nonce: 1}})
	})
	listener := open(b, 11, &dialect.Opening{Remote: remote, Self: dialect.Self{ID: "bob", Nonce: 2, Listen: remote}})
	wg.Wait()

	stream := dialer.Prelude
	stream, _ = dialer.Encoder.Append(stream, dialect.Message{Type: factom.TypeMessage, Body: []byte("hello")})
	for len(stream) > 0 {
		m, n, err := listener.Decoder.Next(stream)
		if err != nil {
			fmt.Println(err)
			return
		}
		stream = stream[n:]
		if m.For == dialect.ToApp {
			fmt.Printf("%s says %q in version %d\n", listener.Intro.ID, m.Body, listener.Intro.Version)
		}
	}
	// Output: 192.0.2.1:8108 2bd806c9 says "hello" in version 10
}
