package core_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"parley/addr"
	"parley/core"
	"parley/dialect"
	"parley/dialect/toy"
)

// A program with an event loop of its own reports what happens and carries out
// the effects.
func Example() {
	seed, err := addr.Parse("192.0.2.1:8108")
	if err != nil {
		panic(err)
	}
	host := core.Host{Rand: rand.New(rand.NewPCG(1, 2)), Nonce: 42}
	n := core.New(core.Config{Outbound: 2, Backoff: time.Second}, toy.New(toy.Config{}), host, seed)

	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var e core.Effects
	n.Wake(now, &e)
	link := e.Dial[0].Link
	fmt.Println("connect to", e.Dial[0].Addr)

	// Here the program connects and runs the dialect's Open, which asks:
	in := dialect.Intro{ID: "peer", Nonce: 7}
	e.Reset()
	if err := n.Admit(now, link, in, &e); err != nil {
		fmt.Println("turn it away:", err)
	}
	e.Reset()
	n.Opened(now, link, in, &e)
	fmt.Println("up:", e.Peers[0].Up, "with", len(e.Send), "message to send")

	now = now.Add(time.Minute)
	e.Reset()
	n.Closed(now, link, nil, &e)
	fmt.Println("up:", e.Peers[0].Up)

	for ended := now; len(e.Dial) == 0; {
		now = n.Next()
		e.Reset()
		n.Wake(now, &e)
		if len(e.Dial) > 0 {
			fmt.Println("connect again after a pause:", now.After(ended))
		}
	}
	// Output:
	// connect to 192.0.2.1:8108
	// up: true with 1 message to send
	// up: false
	// connect again after a pause: true
}
